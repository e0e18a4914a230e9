from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from sensor_overlay.intake.pipeline import Limits
from sensor_overlay.service import Service
from server.app import create_app
from tests.sensor_overlay.network_server import eui_of, uplink
from zwilling.sensor_settings import DatabaseSettings, SecretSettings, SensorSettings, WebhookSettings

SECRETS = {"chirpstack": "first secret", "tts": "other secret"}
TTS: dict[str, Any] = {
    "end_device_ids": {"device_id": "raum", "dev_eui": eui_of(9).upper(), "dev_addr": "01020304"},
    "received_at": "2026-11-20T08:15:02Z",
    "uplink_message": {"f_cnt": 1, "f_port": 5, "frm_payload": "BgMI", "version_ids": {"model_id": "ers-co2"}},
}


@asynccontextmanager
async def served(
    folder: Path, data: Path | None = None, limits: Limits | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Service]]:
    """Give a client of a twin with webhooks; its database is in `folder`."""
    webhooks = []
    for network, secret in SECRETS.items():
        (folder / f"{network}.secret").write_text(secret + "\n")
        webhooks.append(
            WebhookSettings(network=network, secret=SecretSettings(file=f"{network}.secret"))  # type: ignore[arg-type]
        )
    service = Service(SensorSettings(webhook=webhooks), DatabaseSettings(), base=folder, data=folder, limits=limits)
    await service.start()
    try:
        app = create_app(data or folder, None, title="T", sensors=service)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://twin") as client:
            yield client, service
    finally:
        await service.stop()


def bearer(network: str) -> dict[str, str]:
    return {"authorization": f"Bearer {SECRETS[network]}"}


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "zwilling.db")) as database:
        return list(database.execute(query))


@pytest.mark.parametrize(
    ("path", "message", "headers"),
    [
        ("/ingest/chirpstack?event=up", uplink(9, 1), bearer("chirpstack")),
        ("/ingest/chirpstack?event=up", uplink(9, 1), {"x-zwilling-secret": SECRETS["chirpstack"]}),
        ("/ingest/tts", TTS, bearer("tts")),
        ("/ingest/tts/up", TTS, {"Authorization": f"bearer {SECRETS['tts']}"}),
    ],
)
def test_an_uplink_is_in_the_database_when_it_is_answered(
    tmp_path: Path, path: str, message: dict[str, Any], headers: dict[str, str]
) -> None:
    async def test() -> None:
        async with served(tmp_path) as (client, _):
            for _ in range(2):  # network servers bring some twice
                reply = await client.post(path, json=message, headers=headers)
                assert (reply.status_code, reply.content) == (204, b"")
                assert reply.headers["cache-control"] == "private, no-store"
                assert rows(tmp_path, "select count(*), max(time) from uplink")[0][0] == 1

    asyncio.run(test())
    assert rows(tmp_path, "select dev_eui from thing") == [(eui_of(9),)]


def test_what_makes_no_sense_is_kept_as_a_dead_letter_and_need_not_come_again(tmp_path: Path) -> None:
    async def test() -> None:
        async with served(tmp_path) as (client, _):
            reply = await client.post("/ingest/chirpstack?event=up", content=b"{", headers=bearer("chirpstack"))
            assert reply.status_code == 204

    asyncio.run(test())
    assert rows(tmp_path, "select source, network, cause, body from dead_letter") == [
        ("webhook", "chirpstack", "not-json", b"{")
    ]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/ingest/chirpstack", {}),
        ("/ingest/chirpstack", {"authorization": "Bearer "}),
        ("/ingest/chirpstack", {"authorization": f"Basic {SECRETS['chirpstack']}"}),
        ("/ingest/chirpstack", {"authorization": f"Bearer {SECRETS['tts']}"}),
        ("/ingest/chirpstack", {"x-zwilling-secret": SECRETS["chirpstack"][:-1]}),
        ("/ingest/chirpstack", {"x-zwilling-secret": "\u00e9\u00ff" * 500}),
        ("/ingest/nothing", bearer("chirpstack")),
        ("/ingest/", bearer("chirpstack")),
    ],
)
def test_without_the_secret_there_is_nothing(tmp_path: Path, path: str, headers: dict[str, str]) -> None:
    encoded = {name.encode(): value.encode("latin-1") for name, value in headers.items()}

    async def test() -> None:
        async with served(tmp_path) as (client, service):
            reply = await client.post(path, json=uplink(9, 1), headers=encoded)
            if path == "/ingest/":
                assert reply.status_code in (401, 404, 405)
            else:
                assert reply.status_code == 401
                assert reply.headers["www-authenticate"] == "Bearer"
                assert reply.headers["connection"] == "close"
                assert reply.json()["title"] == "Nicht angemeldet"
            assert service.pipeline.counts.received == 0

    asyncio.run(test())


def test_every_refusal_is_the_same_and_looks_at_every_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hmac

    compared: list[int] = []
    compare = hmac.compare_digest

    def noting(one: Any, other: Any) -> bool:
        compared.append(len(one))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", noting)

    async def test() -> None:
        async with served(tmp_path) as (client, _):
            for secret in ("x", "first secre", "x" * 5000, SECRETS["chirpstack"]):
                compared.clear()
                await client.post("/ingest/chirpstack", content=b"{}", headers={"x-zwilling-secret": secret})
                assert compared == [32, 32]

    asyncio.run(test())


def test_methods_and_sizes(tmp_path: Path) -> None:
    async def test() -> None:
        async with served(tmp_path) as (client, _):
            assert (await client.get("/ingest/tts", headers=bearer("tts"))).status_code == 405
            large = b"{" + b" " * (1 << 20)
            reply = await client.post("/ingest/tts", content=large, headers=bearer("tts"))
            assert reply.status_code == 413

            async def pieces() -> AsyncIterator[bytes]:
                for _ in range(20):
                    yield bytes(100_000)

            reply = await client.post("/ingest/tts", content=pieces(), headers=bearer("tts"))
            assert reply.status_code == 413

    asyncio.run(test())


def test_while_the_database_is_locked_it_has_to_come_again_and_is_kept_once(tmp_path: Path) -> None:
    async def test() -> None:
        async with served(tmp_path, limits=Limits(first_wait=0.01, longest_wait=0.1)) as (client, service):
            with closing(sqlite3.connect(tmp_path / "zwilling.db", isolation_level=None)) as other:
                other.execute("begin exclusive")
                for _ in range(3):
                    reply = await client.post("/ingest/tts", json=TTS, headers=bearer("tts"))
                    assert reply.status_code == 503
                    assert reply.headers["retry-after"] == "30"
                    assert reply.json()["title"] == "Nicht verfügbar"
                other.execute("rollback")
            while service.pipeline.counts.stored < 1:
                await asyncio.sleep(0.001)
            assert (await client.post("/ingest/tts", json=TTS, headers=bearer("tts"))).status_code == 204

    asyncio.run(test())
    assert rows(tmp_path, "select count(*) from uplink") == [(1,)]


def test_troubles_degrade_and_never_make_unready(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sensors"
    folder.mkdir()

    async def test() -> None:
        async with served(folder, data) as (client, service):
            reply = await client.get("/readyz")
            assert reply.json() == {"status": "ready", "layers": ["buildings"], "broken": 0, "sensors": []}
            service.health = lambda: ["Der Broker „cs“ ist seit 2026-11-20T08:00:00Z nicht erreichbar."]  # type: ignore[method-assign]
            reply = await client.get("/readyz")
            assert reply.status_code == 200
            assert reply.json()["status"] == "degraded"
            assert reply.json()["sensors"] == ["Der Broker „cs“ ist seit 2026-11-20T08:00:00Z nicht erreichbar."]

    asyncio.run(test())


def test_a_database_that_is_not_there_yet_answers_503_and_leaves_the_rest_alone(data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        settings = SensorSettings(webhook=[WebhookSettings(network="tts", secret=SecretSettings(file="s"))])
        (tmp_path / "s").write_text(SECRETS["tts"])
        service = Service(settings, DatabaseSettings(), base=tmp_path, data=tmp_path)  # and not started
        app = create_app(data, None, title="T", sensors=service)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://twin") as client:
            reply = await client.post("/ingest/tts", json=TTS, headers=bearer("tts"))
            assert reply.status_code == 503
            assert reply.headers["retry-after"] == "30"
            assert (await client.post("/ingest/tts", json=TTS)).status_code == 401
            ready = await client.get("/readyz")
            assert ready.status_code == 200
            assert ready.json()["sensors"] == ["Die Datenbank der Sensoren ist nicht erreichbar."]

    asyncio.run(test())


def test_a_body_is_not_read_before_the_secret(tmp_path: Path) -> None:
    async def test() -> None:
        async with served(tmp_path) as (client, _):
            read = 0

            async def pieces() -> AsyncIterator[bytes]:
                nonlocal read
                read += 1
                yield json.dumps(TTS).encode()

            reply = await client.post("/ingest/tts", content=pieces(), headers={})
            assert (reply.status_code, read) == (401, 0)

    asyncio.run(test())
