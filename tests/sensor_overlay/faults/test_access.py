"""The configuration that we ship, as it stands: TLS, passwords, certificates, and who may do what."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.sensor_overlay.brokers import PROJECT, WAIT, Broker, broker, program
from tests.sensor_overlay.faults.running import Intake, intake
from tests.sensor_overlay.network_server import topic_of, uplinks
from zwilling.sensor_settings import BrokerSettings, SecretSettings

PASSWORDS = {"chirpstack": "of the network server", "zwilling": "of the twin"}
ACCESS = PROJECT / "deploy" / "mosquitto-access.conf"


def openssl(*arguments: str) -> None:
    """Run openssl."""
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, stdin=subprocess.DEVNULL)


class Certificates:
    """An authority, the broker's certificate, and the twin's."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self.ca = folder / "ca.crt"
        openssl(
            "req",
            "-x509",
            *key,
            "-subj",
            "/CN=Kreis",
            "-keyout",
            f"{folder}/ca.key",
            "-out",
            f"{self.ca}",
            "-days",
            "2",
        )
        for name, names in (("server", "IP:127.0.0.1"), ("zwilling", "DNS:zwilling")):
            made = f"{folder}/{name}"
            openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{made}.key", "-out", f"{made}.csr")
            (folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
            openssl(
                *("x509", "-req", "-in", f"{made}.csr", "-CA", f"{self.ca}", "-CAkey", f"{folder}/ca.key"),
                *("-CAcreateserial", "-out", f"{made}.crt", "-days", "2", "-extfile", f"{made}.ext"),
            )

    def of(self, name: str) -> tuple[Path, Path]:
        """Return certificate and key."""
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls") / "certs")


@pytest.fixture
def locks(tmp_path: Path, certificates: Certificates) -> Mapping[str, str | None]:
    """What `deploy/mosquitto.conf` names, made for the test."""
    program()
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    tool = shutil.which("mosquitto_passwd", path="/usr/bin:/usr/local/bin") or "mosquitto_passwd"
    for name, password in PASSWORDS.items():
        subprocess.run([tool, "-b", f"{passwords}", name, password], check=True, capture_output=True)
    certificate, key = certificates.of("server")
    return {
        "cafile": f"{certificates.ca}",
        "certfile": f"{certificate}",
        "keyfile": f"{key}",
        "password_file": f"{passwords}",
        "acl_file": f"{shutil.copy(ACCESS, tmp_path)}",
    }


def publish(port: int, certificates: Certificates, messages: list[tuple[str, bytes]]) -> list[str]:
    """Publish as the network server may; return what the broker says to each."""
    said: list[str] = []
    client = Client(CallbackAPIVersion.VERSION2, "chirpstack", protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set("chirpstack", PASSWORDS["chirpstack"])
    client.tls_set_context(ssl.create_default_context(cafile=certificates.ca))

    @client.publish_callback()
    def published(*arguments: Any) -> None:
        said.append(str(arguments[3]))
        if len(said) == len(messages):
            client.disconnect()

    @client.connect_callback()
    def connected(*_: object) -> None:
        for topic, body in messages:
            client.publish(topic, body, qos=1)

    client.connect("127.0.0.1", port)
    client.loop_forever()
    return said


def settings(
    tmp_path: Path, broker_: Broker, certificates: Certificates, known: str = PASSWORDS["zwilling"], **others: Any
) -> BrokerSettings:
    """Return the settings of a twin that may."""
    (tmp_path / "twin").mkdir()
    (tmp_path / "twin" / "password").write_text(known + "\n")
    given = {
        "name": "cs",
        "network": "chirpstack",
        "url": f"mqtts://127.0.0.1:{broker_.port}",
        "username": "zwilling",
        "password": SecretSettings(file="password"),
        "ca_file": f"{certificates.ca}",
    }
    return BrokerSettings(**{**given, **others})


def test_tls_and_passwords(tmp_path: Path, certificates: Certificates, locks: Mapping[str, str | None]) -> None:
    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", settings(tmp_path, broker_, certificates)) as running:
            said = await asyncio.to_thread(publish, broker_.port, certificates, uplinks(500))
            assert set(said) == {"Success"}
            await running.stored(500)
            # The network server itself may not write anywhere else.
            said = await asyncio.to_thread(publish, broker_.port, certificates, [("elsewhere", b"{}")])
            assert said == ["Not authorized"]

    with broker(tmp_path / "broker", settings=locks) as broker_:
        asyncio.run(test(broker_))


def test_client_certificates(tmp_path: Path, certificates: Certificates, locks: Mapping[str, str | None]) -> None:
    certificate, key = certificates.of("zwilling")
    by_certificate = {
        **locks,
        "password_file": None,
        "require_certificate": "true",
        "use_identity_as_username": "true",
    }

    async def test(broker_: Broker) -> None:
        shown = settings(
            tmp_path,
            broker_,
            certificates,
            username="",
            password=SecretSettings(),
            client_certificate=f"{certificate}",
            client_key=f"{key}",
        )
        async with intake(tmp_path / "twin", shown) as running:
            assert running.service.health() == []

    with broker(tmp_path / "broker", settings=by_certificate) as broker_:
        asyncio.run(test(broker_))


async def refused(running: Intake, caplog: pytest.LogCaptureFixture, words: str) -> None:
    """Return when the log says why we are not let in; nobody else is told more than that."""
    async with asyncio.timeout(WAIT):
        while words not in caplog.text:
            await asyncio.sleep(0.005)
    assert running.listener.connections == 0
    assert "nicht erreichbar" in running.service.health()[0]


def test_a_wrong_password(
    tmp_path: Path, certificates: Certificates, locks: Mapping[str, str | None], caplog: pytest.LogCaptureFixture
) -> None:
    async def test(broker_: Broker) -> None:
        wrong = settings(tmp_path, broker_, certificates, "wrong")
        async with intake(tmp_path / "twin", wrong, wait=False) as running:
            await refused(running, caplog, "the broker refuses us (Not authorized)")

    with broker(tmp_path / "broker", settings=locks) as broker_:
        asyncio.run(test(broker_))
    assert "wrong" not in caplog.text


def test_a_broker_whose_certificate_nobody_vouches_for(
    tmp_path: Path, certificates: Certificates, locks: Mapping[str, str | None], caplog: pytest.LogCaptureFixture
) -> None:
    async def test(broker_: Broker) -> None:
        trusting = settings(tmp_path, broker_, certificates, ca_file="")
        async with intake(tmp_path / "twin", trusting, wait=False) as running:
            await refused(running, caplog, "certificate verify failed")

    with broker(tmp_path / "broker", settings=locks) as broker_:
        asyncio.run(test(broker_))


def test_a_certificate_of_another_host(
    tmp_path: Path, certificates: Certificates, locks: Mapping[str, str | None], caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = certificates.of("zwilling")  # of the right authority, for another name
    forged = {**locks, "certfile": f"{certificate}", "keyfile": f"{key}"}

    async def test(broker_: Broker) -> None:
        shown = settings(tmp_path, broker_, certificates)
        async with intake(tmp_path / "twin", shown, wait=False) as running:
            await refused(running, caplog, "certificate verify failed")

    with broker(tmp_path / "broker", settings=forged) as broker_:
        asyncio.run(test(broker_))


def test_the_twin_may_not_publish(tmp_path: Path, certificates: Certificates, locks: Mapping[str, str | None]) -> None:
    def try_it(port: int) -> str:
        said: list[str] = []
        client = Client(CallbackAPIVersion.VERSION2, "x", protocol=MQTTProtocolVersion.MQTTv5)
        client.username_pw_set("zwilling", PASSWORDS["zwilling"])
        client.tls_set_context(ssl.create_default_context(cafile=certificates.ca))

        @client.publish_callback()
        def published(*arguments: Any) -> None:
            said.append(str(arguments[3]))
            client.disconnect()

        @client.connect_callback()
        def connected(*_: object) -> None:
            client.publish(topic_of(1), b"{}", qos=1)

        client.connect("127.0.0.1", port)
        client.loop_forever()
        return said[0]

    with broker(tmp_path / "broker", settings=locks) as broker_:
        assert try_it(broker_.port) == "Not authorized"
