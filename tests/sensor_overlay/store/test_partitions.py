"""Months of observations on PostgreSQL: made ahead and where values come for them; what waited for one moves in."""

from __future__ import annotations

from sensor_overlay.instants import DAY, parse
from sensor_overlay.store.opening import Store
from sensor_overlay.store.partitions import existing
from sensor_overlay.store.writing import write
from tests.sensor_overlay.databases import Cluster
from tests.sensor_overlay.store.stores import newest, observations, using
from tests.sensor_overlay.store.uplinks import NOON, arrival


async def months(store: Store) -> list[tuple[int, int]]:
    async with store.reading() as connection:
        return sorted(await existing(connection))


def in_default(cluster: Cluster, url: str) -> str:
    """Return the times of what is in the default partition."""
    name = url.rsplit("/", 1)[1]
    return cluster.run(name, "select phenomenon_time from observation_default order by 1").strip()


def test_the_writer_makes_the_months_it_needs(cluster: Cluster, postgresql_url: str) -> None:
    async def body(store: Store) -> None:
        assert await months(store) == []
        await write(store, [arrival(1)], now=NOON)
        assert await months(store) == [(2026, 11), (2026, 12)]
        await write(store, [arrival(2, at=NOON - 300 * DAY, received=NOON)], now=NOON)
        assert await months(store) == [(2026, 1), (2026, 11), (2026, 12)]
        wrong = [arrival(3, at=0, received=NOON), arrival(4, at=NOON + 9_999 * DAY, received=NOON)]
        await write(store, wrong, now=NOON)
        assert await months(store) == [(2026, 1), (2026, 11), (2026, 12)]
        assert in_default(cluster, postgresql_url) == f"0\n{NOON + 9_999 * DAY}"

    using(postgresql_url, body)


def test_the_first_and_the_last_microsecond_of_a_month(cluster: Cluster, postgresql_url: str) -> None:
    begin = parse("2026-11-01T00:00:00Z")

    async def body(store: Store) -> None:
        await write(store, [arrival(1, at=begin), arrival(2, at=begin - 1)], now=NOON)
        assert await months(store) == [(2026, 10), (2026, 11), (2026, 12)]
        name = postgresql_url.rsplit("/", 1)[1]
        assert cluster.run(name, "select phenomenon_time from observation_2026_10").strip() == str(begin - 1)

    using(postgresql_url, body)


def test_what_waited_in_the_default_partition_moves_to_its_month(cluster: Cluster, postgresql_url: str) -> None:
    async def body(store: Store) -> None:
        ahead = NOON + 60 * DAY  # a clock that goes wrong by two months
        await write(store, [arrival(1, at=ahead, received=NOON), arrival(2)], now=NOON)
        assert in_default(cluster, postgresql_url) == str(ahead)
        before = await observations(store), await newest(store)
        await write(store, [arrival(3, at=NOON + 30 * DAY)], now=NOON + 30 * DAY)
        assert (2027, 1) in await months(store)
        assert in_default(cluster, postgresql_url) == ""
        assert [row for row in await observations(store) if row[3] != 603.0] == before[0]

    using(postgresql_url, body)


def test_a_copy_that_was_sent_earlier_takes_the_value_to_another_month(cluster: Cluster, postgresql_url: str) -> None:
    begin = parse("2026-11-01T00:00:00Z")

    async def body(store: Store) -> None:
        await write(store, [arrival(1, at=begin + 1)], now=begin + DAY)
        await write(store, [arrival(1, at=begin - 1)], now=begin + DAY)
        assert [row[2] for row in await observations(store)] == [begin - 1]
        assert [row[2:5] for row in await newest(store)] == [(begin - 1, 601.0, 1)]
        name = postgresql_url.rsplit("/", 1)[1]
        assert cluster.run(name, "select count(*) from observation_2026_10").strip() == "1"

    using(postgresql_url, body)
