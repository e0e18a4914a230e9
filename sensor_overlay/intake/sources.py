"""`[[sensors.broker]]` and `[[sensors.webhook]]` of the settings, with their secrets filled in."""

from __future__ import annotations

import socket
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from paho.mqtt.enums import MQTTProtocolVersion

from sensor_overlay import networks
from sensor_overlay.intake.connection import Endpoint
from sensor_overlay.intake.listener import Source
from zwilling.errors import SettingsError
from zwilling.sensor_settings import BrokerSettings, SensorSettings, secret

_PORTS = MappingProxyType({"mqtt": 1883, "mqtts": 8883})
_VERSIONS = MappingProxyType({"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311})


def sources(settings: SensorSettings, base: Path) -> list[Source]:
    """Return the brokers to listen to.

    Args:
        settings: `[sensors]`.
        base: folder of `zwilling.toml`, to which files in it are relative.

    Raises:
        SettingsError: a secret or a file that is named is not there.
    """
    return [_source(broker, base) for broker in settings.broker]


def _source(broker: BrokerSettings, base: Path) -> Source:
    where = f"sensors.broker '{broker.name}'"
    url = urlsplit(broker.url)
    endpoint = Endpoint(
        host=url.hostname or "",
        port=url.port or _PORTS[url.scheme],
        client_id=client_id(broker),
        version=_VERSIONS[broker.protocol],
        username=broker.username,
        password=secret(broker.password, base, where=f"{where}.password"),
        is_encrypted=url.scheme == "mqtts",
        ca_file=_file(broker.ca_file, base, f"{where}.ca_file"),
        client_certificate=_file(broker.client_certificate, base, f"{where}.client_certificate"),
        client_key=_file(broker.client_key, base, f"{where}.client_key"),
        in_flight=broker.in_flight,
        session_seconds=broker.session_hours * 3600,
    )
    return Source(
        name=broker.name,
        network=broker.network,
        endpoint=endpoint,
        filters=tuple(broker.topics) or networks.topics(broker.network),
        share=broker.share,
        silence=broker.silence,
    )


def client_id(broker: BrokerSettings) -> str:
    """Return the name of our session at a broker.

    It must be the same after a restart, or what the broker keeps for us is never fetched. Instances that share
    the load must each have their own: without one in the settings it is made of the machine's name.
    """
    if broker.client_id:
        return broker.client_id
    return f"zwilling-{broker.name}-{socket.gethostname()}" if broker.share else f"zwilling-{broker.name}"


def _file(name: str, base: Path, where: str) -> Path | None:
    if not name:
        return None
    path = base / name
    try:
        path.open("rb").close()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror})", where=where) from None
    return path


def webhook_secrets(settings: SensorSettings, base: Path) -> dict[str, list[str]]:
    """Return the secrets that callers of `/ingest/<network>` may show, by network; several while one is changed.

    Raises:
        SettingsError: a secret that is named is not there.
    """
    secrets: dict[str, list[str]] = {}
    for webhook in settings.webhook:
        where = f"sensors.webhook '{webhook.network}'.secret"
        secrets.setdefault(webhook.network, []).append(secret(webhook.secret, base, where=where))
    return secrets
