"""`/api/sensors`, the series of a sensor, and `/api/alerts`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from sensor_overlay.instants import DAY, HOUR, MINUTE, text
from sensor_overlay.store.opening import Counter
from sensor_overlay.store.schema import alert, counter, hourly, observation
from sensor_overlay.uplink import Quality
from tests.sensor_overlay.live.twin import NOW
from tests.server.live_server import DUTY, READER, STAFF, LiveServer, serving
from tests.server.test_live import told

HOUR_BEGINS = NOW - NOW % HOUR


def play(folder: Path, scene: Callable[[LiveServer], Coroutine[Any, Any, None]]) -> None:
    """Run a scene with a server."""

    async def run() -> None:
        async with asyncio.timeout(60), serving(folder) as server:
            await scene(server)

    asyncio.run(run())


async def observe(server: LiveServer, datastream: int, values: dict[int, float], quality: int = 0) -> None:
    """Write observations by their times."""
    async with server.sensors.store.writing() as commit:
        first = await commit.numbers(Counter.OBSERVATION, len(values))
        rows = [
            {"id": first + n, "datastream_id": datastream, "phenomenon_time": at, "result": value, "quality": quality}
            for n, (at, value) in enumerate(values.items())
        ]
        await commit.connection.execute(insert(observation), rows)


def bearer(token: str) -> dict[str, str]:
    """Return the headers that show a token."""
    return {"authorization": f"Bearer {token}"}


def test_the_list_holds_what_the_caller_may_see(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1)
        await server.sensors.add(2, access="staff", site="S02")
        await server.sensors.tell(1, 812.0)
        response = await server.http.get("/api/sensors")
        assert response.headers["cache-control"] == "private, no-store"
        things = response.json()["things"]
        assert [entry["id"] for entry in things] == ["1"]
        assert things[0] | {"latest": None, "state": None} == {
            "id": "1",
            "name": "Sensor 1",
            "site": "S01",
            "site_name": "Schule 1",
            "building": "",
            "storey": "",
            "room": "R1",
            "municipality": "",
            "is_test": False,
            "is_synthetic": False,
            "expected_interval": 600,
            "longitude": 6.6,
            "latitude": 51.1,
            "height": 90.0,
            "state": None,
            "last_seen": "2026-11-20T08:15:00Z",
            "late_from": "2026-11-20T08:35:00Z",
            "stale_from": "2026-11-20T08:55:00Z",
            "silent_from": "2026-11-20T10:15:00Z",
            "latest": None,
        }
        staff = await server.http.get("/api/sensors", headers=bearer(STAFF))
        assert [entry["id"] for entry in staff.json()["things"]] == ["1", "2"]
        narrowed = await server.http.get("/api/sensors?site=S02", headers=bearer(STAFF))
        assert [entry["id"] for entry in narrowed.json()["things"]] == ["2"]
        assert (await server.http.get("/api/sensors", headers=bearer("zw_x"))).status_code == HTTPStatus.UNAUTHORIZED

    play(tmp_path, scene)


def test_nothing_is_told_of_sites_unless_the_county_wants_it(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        for number in range(1, 7):
            await server.sensors.add(number)
            await server.sensors.tell(number, 812.0)
        for headers in ({}, bearer(STAFF), bearer("zw_nobody")):  # the same for everybody, who need not show anything
            response = await server.http.get("/api/sites", headers=headers)
            assert response.headers["cache-control"] == "public, max-age=60"
            assert (response.json()["properties"], response.json()["sites"]) == ({}, [])

    play(tmp_path, scene)


def test_alerts_are_those_of_visible_things(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1)
        await server.sensors.add(2, access="staff")
        for number in (1, 2):
            await server.sensors.alarm(number, number, acknowledged=NOW, acknowledged_by="Frau Müller")
        (known,) = (await server.http.get("/api/alerts")).json()["alerts"]
        assert known["text"] == "Raum R1 (Schule 1): CO2 1.240 ppm, bitte lüften."
        assert "Müller" not in str(known)
        assert len((await server.http.get("/api/alerts", headers=bearer(STAFF))).json()["alerts"]) == 2
        named = (await server.http.get("/api/alerts", headers=bearer(DUTY))).json()["alerts"]
        assert {entry["acknowledged_by"] for entry in named} == {"Frau Müller"}

    play(tmp_path, scene)


def test_a_series_tells_each_value_in_its_place(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1)
        await server.sensors.tell(1, 500.0)
        await observe(server, 103, {NOW: 500.0, NOW - 20 * MINUTE: 480.0, NOW - 10 * MINUTE: 490.0, NOW - 2 * DAY: 1.0})
        await observe(server, 103, {NOW - 5 * MINUTE: 65_535.0}, int(Quality.IMPLAUSIBLE))
        await observe(server, 103, {NOW - 4 * MINUTE: 999.0}, int(Quality.CLOCK))
        await observe(server, 103, {NOW - 15 * MINUTE: 485.0}, int(Quality.LATE))
        response = await server.http.get(
            "/api/sensors/1/series", params={"property": "co2", "from": text(NOW - DAY), "to": text(NOW + 1)}
        )
        series = response.json()
        assert series["resolution"] == "single"
        assert series["gap"] == 3.5 * 600
        assert series["name"]["de"] == "CO2"
        assert series["unit"] == "ppm"
        minutes = [(time * 1000 - NOW) // MINUTE for time in series["times"]]
        assert minutes == [-20, -15, -10, -5, 0]
        assert series["values"] == [480.0, 485.0, 490.0, None, 500.0]
        assert [level["from"] for level in series["levels"]] == [None, 1000.0, 2000.0]

    play(tmp_path, scene)


def test_a_long_series_is_told_by_the_means_of_hours(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1)
        await server.sensors.tell(1, 500.0)
        await observe(server, 103, {HOUR_BEGINS - n * MINUTE: float(400 + n % 60) for n in range(1, 2_101)})
        await observe(server, 103, {HOUR_BEGINS - 30 * MINUTE - 1: 65_535.0}, int(Quality.IMPLAUSIBLE))
        begin, end = HOUR_BEGINS - 35 * HOUR, HOUR_BEGINS
        query = {"property": "co2", "from": text(begin), "to": text(end)}
        series = (await server.http.get("/api/sensors/1/series", params=query)).json()
        assert series["resolution"] == "hour"
        assert [time * 1000 for time in series["times"]] == [begin + n * HOUR for n in range(35)]
        # Each hour has 401 to 459 and, from the minute on the hour, 400.
        assert {round(value or 0, 6) for value in series["values"]} == {429.5}
        assert set(series["lows"]) == {400.0}
        assert set(series["highs"]) == {459.0}

    play(tmp_path, scene)


def test_what_retention_left_is_told_as_well(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1)
        await server.sensors.tell(1, 500.0)
        raw_since = HOUR_BEGINS - 2 * HOUR
        await observe(server, 103, {raw_since + 10 * MINUTE: 500.0, HOUR_BEGINS - 10 * MINUTE: 700.0})
        async with server.sensors.store.writing() as commit:
            kept = {"datastream_id": 103, "observations": 6, "mean": 600.0, "low": 550.0, "high": 650.0}
            for hour in (raw_since - HOUR, raw_since - 5 * HOUR):
                await commit.connection.execute(insert(hourly).values(hour=hour, **kept))
            since = update(counter).where(counter.c.name == Counter.RAW_SINCE.value).values(value=raw_since)
            await commit.connection.execute(since)
        query = {"property": "co2", "from": text(raw_since - 3 * HOUR), "to": text(HOUR_BEGINS)}
        series = (await server.http.get("/api/sensors/1/series", params=query)).json()
        assert [(time * 1000 - raw_since) // HOUR for time in series["times"]] == [-1, 0, 1]
        assert series["values"] == [600.0, 500.0, 700.0]
        assert series["resolution"] == "hour"

    play(tmp_path, scene)


def test_a_hidden_sensor_answers_as_one_that_never_was(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1)
        await server.sensors.add(2, access="staff")
        await server.sensors.add(3, is_registered=False)
        for number in (1, 2, 3):
            await server.sensors.tell(number, 500.0)
        answers = set()
        for path in ("2", "3", "99", "x", "-1", "1" * 30, "١", "1/2", "%2e"):
            response = await server.http.get(f"/api/sensors/{path}/series?property=co2")
            assert response.status_code == HTTPStatus.NOT_FOUND, path
            answers.add(response.content)
        for query in ("", "?property=", "?property=nothing", "?property=co2'--"):
            response = await server.http.get(f"/api/sensors/1/series{query}")
            assert response.status_code == HTTPStatus.NOT_FOUND
            answers.add(response.content)
        # Nor is a device that nobody registered a sensor of the twin for those who may see it elsewhere.
        unregistered = await server.http.get("/api/sensors/3/series?property=co2", headers=bearer(READER))
        assert unregistered.status_code == HTTPStatus.NOT_FOUND
        answers.add(unregistered.content)
        assert len(answers) == 1
        staff = await server.http.get("/api/sensors/2/series?property=co2", headers=bearer(STAFF))
        assert staff.status_code == HTTPStatus.OK

    play(tmp_path, scene)


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "to=2026-11-20",
        "from=2026-11-20T08:00:00Z&to=2026-11-20T08:00:00Z",
        "from=2024-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
        "from=0001-01-01T00:00:00%2B23:00",
        "to=9999-12-31T23:59:59-23:00",
    ],
)
def test_times_that_make_no_series(tmp_path: Path, query: str) -> None:
    async def scene(server: LiveServer) -> None:
        response = await server.http.get(f"/api/sensors/1/series?property=co2&{query}")
        assert response.status_code == HTTPStatus.BAD_REQUEST

    play(tmp_path, scene)


def test_a_store_that_is_away_is_told_as_such(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1)
        await server.sensors.store.close()
        (tmp_path / "zwilling.db").rename(tmp_path / "away.db")
        (tmp_path / "zwilling.db").mkdir()
        for path in ("/api/sensors", "/api/sites", "/api/alerts", "/api/sensors/1/series?property=co2", "/live/events"):
            response = await server.http.get(path)
            assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            assert response.headers["retry-after"] == "10"
            assert str(tmp_path) not in response.text

    play(tmp_path, scene)


def test_alerts_are_acknowledged_and_closed_by_those_who_may(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1)
        await server.sensors.tell(1, 1240.0)
        await server.sensors.alarm(7, 1)
        async with server.live() as line:
            await told(line)
            for path in ("acknowledge", "close"):
                address = f"/api/alerts/7/{path}"
                assert (await server.http.post(address)).status_code == HTTPStatus.UNAUTHORIZED
                assert (await server.http.post(address, headers=bearer(STAFF))).status_code == HTTPStatus.FORBIDDEN
                done = await server.http.post(address, headers=bearer(DUTY))
                assert (done.status_code, done.json()) == (HTTPStatus.OK, {"result": "done"})
                (known,) = (await told(line))["alerts"]
                assert (known["acknowledged"] is not None, known["closed"] is not None) == (True, path == "close")
                assert "acknowledged_by" not in known
                again = await server.http.post(address, headers=bearer(DUTY))
                assert again.json() == {"result": "already"}
        (known,) = (await server.http.get("/api/alerts", headers=bearer(DUTY))).json()["alerts"]
        assert (known["acknowledged_by"], known["closed_by"]) == ("Bereitschaft", "Bereitschaft")

    play(tmp_path, scene)


def test_an_alert_that_is_hidden_cannot_be_touched(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1, access="crisis")
        await server.sensors.tell(1, 1240.0)
        await server.sensors.alarm(7, 1)
        answers = set()
        for number in ("7", "8", "x", "-1", "1" * 30):
            response = await server.http.post(f"/api/alerts/{number}/close", headers=bearer(DUTY))
            assert response.status_code == HTTPStatus.NOT_FOUND
            answers.add(response.content)
        assert len(answers) == 1
        async with server.sensors.store.reading() as connection:
            assert (await connection.execute(select(alert.c.closed))).scalar() is None

    play(tmp_path, scene)
