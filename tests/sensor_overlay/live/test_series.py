"""Series for charts, on each kind of database."""

from __future__ import annotations

from sqlalchemy import insert, update

from sensor_overlay.access import PUBLIC
from sensor_overlay.instants import HOUR, MINUTE
from sensor_overlay.live.hub import Hub
from sensor_overlay.live.series import MOST_SINGLE, stretch
from sensor_overlay.store.opening import Counter
from sensor_overlay.store.schema import counter, datastream, hourly, observation
from sensor_overlay.uplink import Quality
from tests.sensor_overlay.live.conftest import Play
from tests.sensor_overlay.live.twin import NOW, Sensors

HOUR_BEGINS = NOW - NOW % HOUR


async def observe(sensors: Sensors, values: dict[int, tuple[float, int]]) -> None:
    """Write observations of the first sensor's CO2: value and quality by time."""
    async with sensors.store.writing() as commit:
        first = await commit.numbers(Counter.OBSERVATION, len(values))
        rows = [
            {"id": first + n, "datastream_id": 103, "phenomenon_time": at, "result": value, "quality": quality}
            for n, (at, (value, quality)) in enumerate(values.items())
        ]
        await commit.connection.execute(insert(observation), rows)


def test_single_values_and_means_of_hours_agree(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.tell(1, 500.0)
        few = {HOUR_BEGINS - n * MINUTE: (400.0 + n, 0) for n in range(1, 121)}
        few[HOUR_BEGINS - 30 * MINUTE - 1] = (65_535.0, int(Quality.IMPLAUSIBLE))
        few[HOUR_BEGINS - 30 * MINUTE - 2] = (1.0, int(Quality.CLOCK))
        await observe(sensors, few)
        async with sensors.store.reading() as connection:
            single = await stretch(connection, 1, "co2", HOUR_BEGINS - 2 * HOUR, HOUR_BEGINS, PUBLIC)
        assert single is not None
        assert not single.is_hourly
        assert len(single.times) == 121
        assert single.values.count(None) == 1
        # Older values by the thousand turn the same two hours into two means.
        older = {HOUR_BEGINS - 3 * HOUR - n: (900.0, 0) for n in range(1, MOST_SINGLE)}
        await observe(sensors, older)
        async with sensors.store.reading() as connection:
            hours = await stretch(connection, 1, "co2", HOUR_BEGINS - 4 * HOUR, HOUR_BEGINS, PUBLIC)
        assert hours is not None
        assert hours.is_hourly
        assert [(time - HOUR_BEGINS) // HOUR for time in hours.times] == [-4, -2, -1]
        assert hours.values == [900.0, 490.5, 430.5]
        assert (hours.lows[1:], hours.highs[1:]) == ([461.0, 401.0], [520.0, 460.0])

    play(scene)


def test_what_retention_removed_and_what_it_left_are_one_line(play: Play) -> None:
    """PostgreSQL keeps single values until their month is old, and late ones come after their hour was reckoned."""

    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.tell(1, 500.0)
        left = {HOUR_BEGINS - 4 * HOUR: (800.0, 0), HOUR_BEGINS - 5 * HOUR: (1_000.0, 0)}
        await observe(sensors, {HOUR_BEGINS - 10 * MINUTE: (500.0, 0), **left})
        async with sensors.store.writing() as commit:
            since = update(counter).where(counter.c.name == Counter.RAW_SINCE.value).values(value=HOUR_BEGINS - HOUR)
            await commit.connection.execute(since)
            for hours in (5, 6):
                kept = {"hour": HOUR_BEGINS - hours * HOUR, "observations": 3, "mean": 600.0, "low": 590, "high": 610}
                await commit.connection.execute(insert(hourly).values(datastream_id=103, **kept))
        async with sensors.store.reading() as connection:
            found = await stretch(connection, 1, "co2", HOUR_BEGINS - 6 * HOUR, HOUR_BEGINS, PUBLIC)
        assert found is not None
        assert found.is_hourly
        assert [(time - HOUR_BEGINS) // HOUR for time in found.times] == [-6, -5, -4, -1]
        assert found.values == [600.0, 700.0, 800.0, 500.0]
        assert (found.lows, found.highs) == ([590, 590, 800, 500], [610, 1_000, 800, 500])

    play(scene)


def test_a_datastream_without_a_key_goes_by_its_property(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.tell(1, 500.0)
        async with sensors.store.writing() as commit:
            await commit.connection.execute(update(datastream).values(key=None))
        async with sensors.store.reading() as connection:
            assert await stretch(connection, 1, "co2", NOW - HOUR, NOW, PUBLIC) is not None
            assert await stretch(connection, 1, "temperature", NOW - HOUR, NOW, PUBLIC) is None

    play(scene)
