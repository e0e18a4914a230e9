"""Whatever the order and the repetition of uplinks, the store holds the same in the end."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensor_overlay.instants import HOUR, MINUTE, SECOND
from sensor_overlay.store.opening import open_store
from sensor_overlay.store.writing import Arrival, write
from tests.sensor_overlay.store.stores import newest, observations
from tests.sensor_overlay.store.uplinks import NOON, arrival

_devices = itertools.count(1)


@dataclass(frozen=True)
class Sent:
    """A frame as the device sent it, and when copies of it came out of the network server."""

    slot: int
    f_cnt: int
    value: float
    copies: tuple[int, ...]


@st.composite
def frames(draw: st.DrawFn) -> list[Sent]:
    """A device's life of up to eight frames, two hours apart: counters go on, stand still, or begin anew."""
    f_cnt = draw(st.integers(0, 3))
    sent = []
    for slot in range(draw(st.integers(1, 8))):
        copies = draw(st.lists(st.integers(1, 290), max_size=3, unique=True))
        # Few values, so that frames of equal counters are often equal as a whole.
        sent.append(Sent(slot, f_cnt, draw(st.sampled_from([600.0, 601.0])), (0, *copies)))
        f_cnt = draw(st.sampled_from([f_cnt + 1, f_cnt + 2, f_cnt, 0]))
    return sent


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=frames(), data=st.data())
def test_order_and_repetition_make_no_difference(database_url: str, life: list[Sent], data: st.DataObject) -> None:
    eui = f"{next(_devices):016x}"
    copies: list[Arrival] = [
        arrival(
            sent.f_cnt,
            at=NOON + 2 * HOUR * sent.slot + delay * SECOND,
            received=NOON + 2 * HOUR * sent.slot + delay * SECOND,
            dev_eui=eui,
            readings={"co2": sent.value},
        )
        for sent in life
        for delay in sent.copies
    ]
    repeated = copies + data.draw(st.lists(st.sampled_from(copies), max_size=5))
    order = data.draw(st.permutations(repeated))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(order)), max_size=4)))
    batches = [order[begin:end] for begin, end in itertools.pairwise([0, *cuts, len(order)])]

    async def run() -> None:
        store = await open_store(database_url)
        try:
            for batch in batches:
                await write(store, batch, now=NOON + 24 * HOUR)
            expected = [(eui, "co2", NOON + 2 * HOUR * sent.slot, sent.value) for sent in life]
            assert [row[:4] for row in await observations(store) if row[0] == eui] == expected
            last, first = life[-1], expected[0][2]
            assert [row for row in await newest(store) if row[0] == eui] == [
                (eui, "co2", expected[-1][2], last.value, len(life), first, expected[-1][2])
            ]
        finally:
            await store.close()

    asyncio.run(run())


def test_a_copy_that_was_sent_earlier_takes_the_value_to_its_place(database_url: str) -> None:
    async def run() -> None:
        store = await open_store(database_url)
        try:
            await write(store, [arrival(1, at=NOON + 2 * MINUTE)], now=NOON + HOUR)
            await write(store, [arrival(2, at=NOON + MINUTE, payload=b"2")], now=NOON + HOUR)
            assert [row[3] for row in await newest(store)] == [601.0]
            moved = await write(store, [arrival(1, at=NOON)], now=NOON + HOUR)
            assert (moved.stored, moved.duplicates) == (0, 1)
            assert [row[2:4] for row in await observations(store)] == [(NOON, 601.0), (NOON + MINUTE, 602.0)]
            assert [row[2:4] for row in await newest(store)] == [(NOON + MINUTE, 602.0)]
        finally:
            await store.close()

    asyncio.run(run())
