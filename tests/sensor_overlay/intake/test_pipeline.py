from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from sensor_overlay.intake.delivery import Batch, Delivery
from sensor_overlay.intake.pipeline import Limits, Pipeline, waits
from sensor_overlay.store.errors import StoreError, StoreUnavailableError
from sensor_overlay.store.writing import Written
from sensor_overlay.uplink import BadMessageError, Cause, Decoded, Reading, Uplink
from tests.sensor_overlay.network_server import eui_of, topic_of, uplinks

QUICK = Limits(gather=0.001, first_wait=0.001, longest_wait=0.002)


class FakeStore:
    """Remembers what was written; fails as told."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.failures: list[Exception] = []
        self.poison: set[str] = set()
        self.bad_rules = False
        self.away_without_rules = 0
        self.asked: list[list[str]] = []
        self.let = asyncio.Event()
        self.let.set()
        self.tries = 0
        self.received: Callable[[], int] = lambda: 0

    async def models(self, dev_euis: Sequence[str]) -> Mapping[str, str]:
        self.asked.append(list(dev_euis))
        return {eui_of(0): "ers"}

    async def write(self, batch: Batch, *, judged: bool, now: int) -> Written:
        assert now
        self.tries += 1
        await self.let.wait()
        if self.failures:
            raise self.failures.pop(0)
        if judged and self.bad_rules:
            raise ZeroDivisionError
        if not judged and self.away_without_rules:
            self.away_without_rules -= 1
            raise StoreUnavailableError("locked", source="db")
        for arrival in batch.arrivals:
            if arrival.uplink.dev_eui in self.poison:
                raise TypeError("can't adapt")
        if "letters" in self.poison and batch.letters:
            raise TypeError("can't adapt")
        self.batches.append(batch)
        return Written(
            sequence=len(self.batches),
            stored=len(batch.arrivals),
            duplicates=0,
            refused=0,
            observations=len(batch.arrivals),
            changes=(),
        )


def decode(uplink: Uplink, model: str, received: int) -> Decoded:
    return Decoded((Reading("co2", 400.0),))


class Settled:
    """Counts what was settled, and looks whether it was written by then."""

    def __init__(self, store: FakeStore) -> None:
        self.store = store
        self.order: list[int] = []
        self.early = 0
        self.changed = asyncio.Event()

    def delivery(self, number: int, topic: str, body: bytes) -> Delivery:
        def settle() -> None:
            written = sum(len(batch.arrivals) + len(batch.letters) for batch in self.store.batches)
            self.early += written <= len(self.order)
            self.order.append(number)
            self.changed.set()

        return Delivery("cs", "chirpstack", topic, body, 1_800_000_000_000_000, settle)

    async def wait(self, number: int) -> None:
        async with asyncio.timeout(30):
            while len(self.order) < number:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def running(pipeline: Pipeline) -> AsyncIterator[Pipeline]:
    pipeline.start()
    try:
        yield pipeline
    finally:
        await pipeline.stop()


async def bring(pipeline: Pipeline, settled: Settled, number: int, *, begin: int = 0) -> None:
    for at, (topic, body) in enumerate(uplinks(number), begin):
        pipeline.put(settled.delivery(at, topic, body))


def test_each_is_settled_once_in_order_and_after_it_was_written() -> None:
    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        sequences = []
        pipeline = Pipeline(store, decode, written=lambda written: sequences.append(written.sequence), limits=QUICK)
        async with running(pipeline):
            await bring(pipeline, settled, 1200)
            await settled.wait(1200)
        assert settled.order == list(range(1200))
        assert settled.early == 0
        assert max(len(batch.arrivals) for batch in store.batches) == QUICK.batch
        assert sequences == list(range(1, len(store.batches) + 1))
        assert (pipeline.counts.received, pipeline.counts.stored, pipeline.counts.letters) == (1200, 1200, 0)

    asyncio.run(test())


def test_while_the_database_is_away_nothing_is_settled_and_then_everything() -> None:
    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        pipeline = Pipeline(store, decode, limits=QUICK)
        store.failures = [StoreUnavailableError("locked", source="db")] * 5
        store.let.clear()
        async with running(pipeline):
            await bring(pipeline, settled, 10)
            store.let.set()
            while pipeline.is_storing:
                await asyncio.sleep(0)
            assert "nicht erreichbar" in pipeline.troubles()[0]
            assert settled.order == []
            await settled.wait(10)
            assert pipeline.troubles() == []
        assert settled.early == 0
        assert len(store.batches) == 1

    asyncio.run(test())


def test_a_database_that_needs_a_person_is_told_so_and_waited_for() -> None:
    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        pipeline = Pipeline(store, decode, limits=QUICK)
        store.failures = [StoreError("damaged", source="db")] * 3
        async with running(pipeline):
            await bring(pipeline, settled, 1)
            while pipeline.is_storing:
                await asyncio.sleep(0)
            assert "einen Menschen" in pipeline.troubles()[0]
            assert "damaged" not in pipeline.troubles()[0]
            await settled.wait(1)

    asyncio.run(test())


def test_one_that_the_database_chokes_on_is_found_and_becomes_a_dead_letter() -> None:
    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        store.poison = {eui_of(7)}
        pipeline = Pipeline(store, decode, limits=QUICK)
        async with running(pipeline):
            await bring(pipeline, settled, 100)  # of 20 devices: five are of the 7th
            await settled.wait(100)
            assert pipeline.troubles() == []
        kept = [arrival.uplink.dev_eui for batch in store.batches for arrival in batch.arrivals]
        letters = [letter for batch in store.batches for letter in batch.letters]
        assert len(kept) == 95
        assert eui_of(7) not in kept
        assert {(letter.topic, letter.cause) for letter in letters} == {(topic_of(7), "malformed")}
        assert len(letters) == 5
        assert settled.order == list(range(100))
        assert settled.early == 0

    asyncio.run(test())


def test_what_cannot_even_be_a_dead_letter_does_not_hold_the_others_up() -> None:
    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        store.poison = {eui_of(7), "letters"}
        pipeline = Pipeline(store, decode, limits=QUICK)
        async with running(pipeline):
            await bring(pipeline, settled, 20)
            await settled.wait(20)
            assert pipeline.counts.lost == 1
            assert "Eine Nachricht" in pipeline.troubles()[0]
        assert sum(len(batch.arrivals) for batch in store.batches) == 19

    asyncio.run(test())


def test_rules_that_fail_cost_no_readings() -> None:
    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        store.bad_rules = True
        pipeline = Pipeline(store, decode, limits=QUICK)
        async with running(pipeline):
            await bring(pipeline, settled, 20)
            await settled.wait(20)
            assert "nicht geprüft" in pipeline.troubles()[0]
            store.bad_rules = False
            await bring(pipeline, settled, 20, begin=20)
            await settled.wait(40)
            assert pipeline.troubles() == []
        assert pipeline.counts.letters == 0

    asyncio.run(test())


def test_a_database_that_goes_away_while_rules_fail_makes_no_dead_letter() -> None:
    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        store.bad_rules = True
        store.away_without_rules = 3
        pipeline = Pipeline(store, decode, limits=QUICK)
        async with running(pipeline):
            await bring(pipeline, settled, 1)
            await settled.wait(1)
        assert sum(len(batch.arrivals) for batch in store.batches) == 1
        assert pipeline.counts.letters == 0
        assert store.away_without_rules == 0
        assert settled.early == 0

    asyncio.run(test())


@pytest.mark.parametrize(
    ("topic", "body", "cause"),
    [
        (topic_of(1), b"{", "not-json"),
        (topic_of(1), b"", "malformed"),
        (topic_of(1), b"[" * 100_000, "malformed"),
        (topic_of(1), b'{"fCnt":' + b"9" * 5000 + b"}", "malformed"),
        (topic_of(1), b" " * 300_000, "too-large"),
        ("$SYS/broker/uptime", b"{}", "topic"),
        ("", b"{}", "topic"),
    ],
    ids=["half", "empty", "deep", "digits", "large", "foreign", "no UTF-8"],
)
def test_what_makes_no_sense_is_kept_and_settled(topic: str, body: bytes, cause: str) -> None:
    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        pipeline = Pipeline(store, decode, limits=QUICK)
        async with running(pipeline):
            pipeline.put(settled.delivery(0, topic, body))
            await bring(pipeline, settled, 1, begin=1)
            await settled.wait(2)
        letters = [letter for batch in store.batches for letter in batch.letters]
        assert [(letter.topic, letter.body, letter.source) for letter in letters] == [(topic, body, "cs")]
        assert letters[0].cause == cause
        assert settled.order == [0, 1]

    asyncio.run(test())


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (BadMessageError(Cause.NO_CODEC, "none"), "no-codec"),
        (RecursionError(), "undecodable"),
        (IndexError("a plugin's mistake"), "undecodable"),
    ],
)
def test_an_uplink_that_no_codec_understands_is_kept_for_the_record_and_as_a_letter(
    error: Exception, cause: str
) -> None:
    def fails(uplink: Uplink, model: str, received: int) -> Decoded:
        raise error

    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        pipeline = Pipeline(store, fails, limits=QUICK)
        async with running(pipeline):
            await bring(pipeline, settled, 1)
            await settled.wait(1)
        (batch,) = store.batches
        assert [arrival.decoded for arrival in batch.arrivals] == [None]
        assert [(letter.cause, letter.dev_eui) for letter in batch.letters] == [(cause, eui_of(0))]

    asyncio.run(test())


def test_a_codec_that_may_take_its_time_does_not_hold_up_the_loop() -> None:
    """It gets its answer from what only runs while it waits."""
    answered = threading.Event()

    def waits_for_the_loop(uplink: Uplink, model: str, received: int) -> Decoded:
        assert answered.wait(30)
        return decode(uplink, model, received)

    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        asked: list[str] = []

        def may_wait(uplink: Uplink, model: str) -> bool:
            asked.append(model)
            asyncio.get_running_loop().call_soon(answered.set)
            return True

        pipeline = Pipeline(store, waits_for_the_loop, may_wait=may_wait, limits=QUICK)
        async with running(pipeline):
            await bring(pipeline, settled, 2)
            await settled.wait(2)
        assert pipeline.counts.observations == 2
        assert asked == ["ers", ""]

    asyncio.run(test())


def test_models_are_asked_for_once() -> None:
    models: list[str] = []

    def noting(uplink: Uplink, model: str, received: int) -> Decoded:
        models.append(model)
        return decode(uplink, model, received)

    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        pipeline = Pipeline(store, noting, limits=QUICK)
        async with running(pipeline):
            for begin in (0, 40):
                await bring(pipeline, settled, 40, begin=begin)
                await settled.wait(begin + 40)
        assert sum(map(len, store.asked)) == 20
        assert models[:2] == ["ers", ""]

    asyncio.run(test())


def test_what_may_wait_is_bounded_and_room_is_told() -> None:
    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        limits = Limits(batch=10, gather=0.001, waiting=100)
        pipeline = Pipeline(store, decode, limits=limits)
        store.let.clear()
        async with running(pipeline):
            await bring(pipeline, settled, 99)
            assert not pipeline.is_full
            await bring(pipeline, settled, 1, begin=99)
            assert pipeline.is_full
            room = asyncio.create_task(pipeline.room())
            await asyncio.sleep(0)
            assert not room.done()
            store.let.set()
            await room
            assert not pipeline.is_full
            await settled.wait(100)

    asyncio.run(test())


def test_large_bodies_fill_it_too() -> None:
    async def test() -> None:
        pipeline = Pipeline(FakeStore(), decode, limits=Limits(waiting_bytes=1 << 20))
        settled = Settled(FakeStore())
        for number in range(4):
            assert not pipeline.is_full
            pipeline.put(settled.delivery(number, topic_of(1), bytes(1 << 18)))
        assert pipeline.is_full

    asyncio.run(test())


def test_leaving_stores_what_has_come_in() -> None:
    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        pipeline = Pipeline(store, decode, limits=Limits(gather=30))
        pipeline.start()
        await bring(pipeline, settled, 700)
        await pipeline.stop()
        assert settled.order == list(range(700))

    asyncio.run(test())


def test_leaving_while_the_database_is_away_settles_nothing() -> None:
    async def test() -> None:
        store = FakeStore()
        settled = Settled(store)
        store.failures = [StoreUnavailableError("away")] * 1000
        pipeline = Pipeline(store, decode, limits=Limits(gather=0.001, first_wait=60))
        pipeline.start()
        await bring(pipeline, settled, 10)
        while pipeline.is_storing:
            await asyncio.sleep(0)
        await pipeline.stop()
        assert settled.order == []
        assert store.tries == 2  # once more on leaving, and no waiting

    asyncio.run(test())


def test_waits_grow_and_are_cut_by_chance() -> None:
    pauses = waits(1, 30)
    for longest in (1, 2, 4, 8, 16, 30, 30):
        assert longest / 2 <= next(pauses) <= longest
