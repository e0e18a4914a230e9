"""Writing a batch of uplinks: one transaction, after which the broker is told that they are safe.

Everything that follows from the uplinks is in it: observations, latest values, counts, alerts and what is to be told.
So whatever stops in between, either all of it is there or nothing, and the same batch can be written again: what was
kept already is recognised (`sensor_overlay.store.frames`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from sqlalchemy import (
    BigInteger,
    TextClause,
    bindparam,
    func,
    select,
    text,
    tuple_,
    update,
)

from sensor_overlay.observed import PROPERTIES
from sensor_overlay.store.batches import Alteration, Insertion
from sensor_overlay.store.frames import Frame, FrameKey, frame_key, frame_payload
from sensor_overlay.store.hearing import Heard
from sensor_overlay.store.known import (
    MOST_UNKNOWN,
    UNKNOWN_SENSOR,
    Known,
    KnownThing,
    clean,
    find_streams,
    find_things,
    make_things,
    remembered,
)
from sensor_overlay.store.letters import Letter, keep_letters
from sensor_overlay.store.lists import Numbers, among
from sensor_overlay.store.observing import PAST, Moved, Observed, move, observe, quality_of
from sensor_overlay.store.opening import Commit, Counter, Store
from sensor_overlay.store.schema import observation, thing, uplink
from sensor_overlay.uplink import Cause, Decoded, DeviceStatus, Quality, Reading, Uplink


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An uplink that came.

    Attributes:
        uplink: as the network server told it.
        decoded: what it says; None where nothing could decode it, so that it is kept for the record only.
        received: server time.
        source: name of the broker, or `webhook`.
        topic: of the message, for the dead letter that it may become.
        body: of the message, likewise.
    """

    uplink: Uplink
    decoded: Decoded | None
    received: int
    source: str
    topic: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Change:
    """An observation that was added.

    Attributes:
        datastream_id: whose it is.
        thing: whose datastream that is, with its place.
        observed_property: key.
        phenomenon_time: instant.
        result: calibrated value.
        quality: `Quality` as a number.
        is_latest: it is the datastream's latest now.
        received: server time at which it came.
    """

    datastream_id: int
    thing: KnownThing
    observed_property: str
    phenomenon_time: int
    result: float
    quality: int
    is_latest: bool
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a batch came to.

    Attributes:
        sequence: of the commit.
        stored: uplinks that are new.
        duplicates: uplinks that were there already.
        refused: uplinks that became dead letters here, since too many unknown devices are kept.
        observations: how many were added.
        changes: those of the uplinks' values of now, in the order of their times.
    """

    sequence: int
    stored: int
    duplicates: int
    refused: int
    observations: int
    changes: tuple[Change, ...] = field(repr=False)


class Judge(Protocol):
    """Raises alerts within the transaction that brings the values."""

    async def judge(self, commit: Commit, changes: Sequence[Change]) -> None:
        """Write what follows from `changes`; an error undoes the batch."""


async def write(
    store: Store,
    arrivals: Sequence[Arrival],
    letters: Sequence[Letter] = (),
    statuses: Sequence[DeviceStatus] = (),
    *,
    judge: Judge | None = None,
    now: int,
) -> Written:
    """Write a batch, and return what it came to; when this returns, it is on the disk.

    Simulated uplinks are no concern of the store: the caller leaves them out.

    Args:
        store: the database.
        arrivals: uplinks, in any order, with any repetition.
        letters: messages that could not be read or decoded.
        statuses: what devices told of themselves.
        judge: is called with what was added.
        now: server time.

    Raises:
        StoreUnavailableError: wait, and write the same batch again; nothing is kept twice.
        StoreError: the database needs a person.
    """
    async with store.writing(now) as commit:
        known = remembered(commit)
        first_of: dict[str, Uplink] = {}
        for arrival in arrivals:
            first_of.setdefault(arrival.uplink.dev_eui, arrival.uplink)
        missing = await find_things(commit, known, first_of)
        refused: list[Arrival] = []
        if missing:
            await make_things(commit, known, {eui: one for eui, one in first_of.items() if eui in missing})
            refused = [arrival for arrival in arrivals if arrival.uplink.dev_eui not in known.things]
            arrivals = [arrival for arrival in arrivals if arrival.uplink.dev_eui in known.things]
        await find_things(commit, known, [status.dev_eui for status in statuses])
        fresh = await _keep_frames(commit, known, arrivals) if arrivals else []
        values = await _values(commit, known, fresh)
        await observe(commit, [value.observed for value in values])
        await _hear(commit, known, arrivals, fresh, values, statuses)
        await keep_letters(commit, [*letters, *map(_refusal, refused)])
        changes = tuple(_change(value) for value in values if value.is_of_now)
        if judge is not None:
            await judge.judge(commit, changes)
    return Written(
        sequence=commit.sequence,
        stored=len(fresh),
        duplicates=len(arrivals) - len(fresh),
        refused=len(refused),
        observations=len(values),
        changes=changes,
    )


def _change(value: _Value) -> Change:
    observed = value.observed
    return Change(
        observed.datastream_id,
        value.thing,
        value.key,
        observed.phenomenon_time,
        observed.result or 0.0,
        observed.quality,
        observed.is_latest,
        observed.result_time or 0,
    )


_FRAME = "u.thing_id, u.f_cnt, u.dev_addr, u.session, u.f_port, u.payload, u.id, u.time, u.deduplication, u.is_decoded"
_FRAMES: dict[str, TextClause] = {
    dialect: text(
        f"select {_FRAME} from {pairs} cross join uplink u where u.thing_id = {of} and u.f_cnt = {count}"  # noqa: S608
    )
    for dialect, pairs, of, count in (
        ("sqlite", "json_each(:pairs) p", "json_extract(p.value, '$[0]')", "json_extract(p.value, '$[1]')"),
        ("postgresql", "unnest(:things, :counts) as p(thing_id, f_cnt)", "p.thing_id", "p.f_cnt"),
    )
}
_PAIRS = (bindparam("things", type_=Numbers()), bindparam("counts", type_=Numbers()))
_FRAMES["postgresql"] = _FRAMES["postgresql"].bindparams(*_PAIRS)
_INSERT_UPLINK = Insertion(uplink, [column.name for column in uplink.c])
_DECODED = update(uplink).where(uplink.c.id == bindparam("of")).values(is_decoded=True)


@dataclass(frozen=True, slots=True)
class _Fresh:
    """An uplink whose observations are not there yet."""

    arrival: Arrival
    thing: KnownThing
    frame: Frame


async def _keep_frames(commit: Commit, known: Known, arrivals: Sequence[Arrival]) -> list[_Fresh]:
    """Store the uplinks that are new, and return those that observations are to be made of, in order of their times."""
    frames: dict[FrameKey, list[Frame]] = {}
    for arrival in arrivals:
        frames.setdefault(frame_key(known.things[arrival.uplink.dev_eui].id, arrival.uplink), [])
    pairs = list({key[:2] for key in frames})
    parameters = (
        {"things": [of for of, _ in pairs], "counts": [count for _, count in pairs]}
        if commit.connection.dialect.name == "postgresql"
        else {"pairs": msgspec.json.encode(pairs).decode()}
    )
    rows = await commit.connection.execute(_FRAMES[commit.connection.dialect.name], parameters)
    for *key, number, time, deduplication, is_decoded in rows:
        same = frames.get(tuple(key))
        if same is not None:
            same.append(Frame(number, time, deduplication, bool(is_decoded)))
    fresh: list[_Fresh] = []
    new: list[_Fresh] = []
    understood: list[Frame] = []
    earlier: dict[int, tuple[KnownThing, Frame, int]] = {}
    # In order of time, so that of several copies in a batch the first is kept.
    for arrival in sorted(arrivals, key=lambda each: each.received if each.uplink.time is None else each.uplink.time):
        sent, received = arrival.uplink, arrival.received
        of = known.things[sent.dev_eui]
        same = frames[frame_key(of.id, sent)]
        frame = next((one for one in same if one.is_that_of(sent, received)), None)
        if frame is None:
            time = received if sent.time is None else sent.time
            frame = Frame(0, time, sent.deduplication_id, arrival.decoded is not None)
            same.append(frame)
            fresh.append(_Fresh(arrival, of, frame))
            new.append(fresh[-1])
            continue
        if sent.time is not None and sent.time < frame.time:  # a copy that was sent before the one that is kept
            earlier.setdefault(frame.id, (of, frame, frame.time))
            frame.time = sent.time
        if arrival.decoded is not None and not frame.is_decoded:  # a codec understands it now
            frame.is_decoded = True
            fresh.append(_Fresh(arrival, of, frame))
            if frame.id:
                understood.append(frame)
    if new:
        first = await commit.numbers(Counter.UPLINK, len(new))
        for number, one in enumerate(new, first):
            one.frame.id = number
        await _INSERT_UPLINK.execute(commit.connection, [_uplink_row(one) for one in new])
    if understood:
        await commit.connection.execute(_DECODED, [{"of": frame.id} for frame in understood])
    await move(commit, [Moved(frame.id, of.id, before, frame.time) for of, frame, before in earlier.values()])
    fresh.sort(key=lambda one: one.frame.time)
    return fresh


def _uplink_row(one: _Fresh) -> tuple[Any, ...]:
    sent = one.arrival.uplink
    return (
        one.frame.id,
        one.thing.id,
        one.frame.time,
        one.arrival.received,
        sent.dev_addr,
        sent.session,
        sent.f_cnt,
        sent.f_port,
        frame_payload(sent),
        sent.deduplication_id,
        one.frame.is_decoded,
    )


@dataclass(frozen=True, slots=True)
class _Value:
    """An observation with what rules need to know of it."""

    observed: Observed
    thing: KnownThing
    key: str
    is_of_now: bool


async def _values(commit: Commit, known: Known, fresh: Sequence[_Fresh]) -> list[_Value]:
    """Return the observations that uplinks bring, calibrated and judged by themselves."""
    wanted: list[tuple[_Fresh, str, int, float, bool]] = []
    for one in fresh:
        decoded = one.arrival.decoded
        if decoded is None:
            continue
        time = one.frame.time
        wanted += [(one, _key(reading), time, reading.value, True) for reading in decoded.readings]
        wanted += [(one, _key(reading), then, reading.value, False) for then, reading in decoded.history]
    wanted = [each for each in wanted if math.isfinite(each[3])]  # NaN is no value, and JSON cannot say it
    missing = [
        (one.thing, key, one.thing.model or clean(one.arrival.uplink.profile, 100) or UNKNOWN_SENSOR)
        for one, key, *_ in wanted
        if (one.thing.id, key) not in known.streams
    ]
    if missing:
        await find_streams(commit, known, missing)
    values: list[_Value] = []
    earliest = commit.now - PAST
    for one, key, time, value, is_of_now in wanted:
        stream = known.streams.get((one.thing.id, key))
        if stream is None:  # more names of values than a thing may have
            continue
        if one.thing.calibration is not None and key in one.thing.calibration:
            value = _calibrated(value, one.thing.calibration[key])
            if not math.isfinite(value):
                continue
        quality = quality_of(key, value, one.thing.is_test)
        if time < earliest:
            quality |= _CLOCK
        observed = Observed(
            datastream_id=stream,
            phenomenon_time=time,
            result=value,
            result_time=one.arrival.received,
            quality=quality,
            uplink_id=one.frame.id,
        )
        values.append(_Value(observed, one.thing, key, is_of_now))
    return await _without_known_history(commit, values)


_CLOCK = int(Quality.CLOCK)


def _key(reading: Reading) -> str:
    key = reading.observed_property
    return key if key in PROPERTIES else clean(key, 100)


def _calibrated(value: float, calibration: Mapping[str, float]) -> float:
    """Return what the sensor would have said if it were right."""
    return value * calibration.get("factor", 1.0) + calibration.get("offset", 0.0)


async def _without_known_history(commit: Commit, values: list[_Value]) -> list[_Value]:
    """Leave out what devices remember and told before: a value of the same datastream at the same instant is there."""
    remembered_ones = [value for value in values if not value.is_of_now]
    if not remembered_ones:
        return values
    pairs = [(value.observed.datastream_id, value.observed.phenomenon_time) for value in remembered_ones]
    at = tuple_(observation.c.datastream_id, observation.c.phenomenon_time)
    there: set[tuple[int, int]] = set()
    for begin in range(0, len(pairs), 500):
        query = select(observation.c.datastream_id, observation.c.phenomenon_time).where(
            at.in_(pairs[begin : begin + 500])
        )
        there.update((row[0], row[1]) for row in await commit.connection.execute(query))
    kept: list[_Value] = []
    for value in values:
        place = (value.observed.datastream_id, value.observed.phenomenon_time)
        if not value.is_of_now and place in there:
            continue
        there.add(place)
        kept.append(value)
    return kept


async def _hear(
    commit: Commit,
    known: Known,
    arrivals: Sequence[Arrival],
    fresh: Sequence[_Fresh],
    values: Sequence[_Value],
    statuses: Sequence[DeviceStatus],
) -> None:
    """Note when, by whom and how well each thing was heard."""
    things = {of.id: of for arrival in arrivals for of in (known.things[arrival.uplink.dev_eui],)}
    told = [(known.things[status.dev_eui], status) for status in statuses if status.dev_eui in known.things]
    things |= {of.id: of for of, _ in told}
    if not things:
        return
    rows: dict[int, dict[str, Any]] = {}
    for number, seen, came, time, *rest in await commit.connection.execute(_HOW, {"ids": list(things)}):
        rows[number] = {
            "heard": Heard(seen, came, time).by(commit.now),
            "more": 0,
            **dict(zip(_RADIO, rest, strict=True)),
        }
    for arrival in sorted(arrivals, key=lambda each: each.received):
        sent = arrival.uplink
        of = known.things[sent.dev_eui]
        row = rows[of.id]
        time = sent.time if sent.heard is None else sent.heard
        row["heard"] = row["heard"].then(time, arrival.received, of.expected_interval)
        row.setdefault("first", arrival.received)
        if row["heard"].arrived == arrival.received:
            row["source"] = clean(arrival.source, 200)
            row["data_rate"] = clean(sent.data_rate, 20) or row["data_rate"]
            if sent.rssi is not None:
                row["rssi"], row["snr"] = sent.rssi, sent.snr
    for one in fresh:
        rows[one.thing.id]["more"] += 1
    for value in values:
        if value.key == "battery" and value.observed.is_latest:
            rows[value.thing.id]["battery"] = value.observed.result
    for of, status in told:
        row = rows[of.id]
        row["heard"] = row["heard"].then(status.time, commit.now, of.expected_interval)
        row["is_externally_powered"] = status.is_externally_powered
        row["battery"] = row["battery"] if status.battery is None else status.battery
        row["margin"] = row["margin"] if status.margin is None else status.margin
    await _HEARD.execute(
        commit.connection,
        [
            {
                "of": number,
                "first": row.get("first", commit.now),
                "more": row["more"],
                "now_last_seen": row["heard"].seen,
                "now_arrived": row["heard"].arrived,
                "now_told": row["heard"].told,
                **{f"now_{name}": row[name] for name in _RADIO},
            }
            for number, row in rows.items()
        ],
    )


_RADIO = ("source", "rssi", "snr", "data_rate", "margin", "battery", "is_externally_powered")
_HOW = select(thing.c.id, thing.c.last_seen, thing.c.arrived, thing.c.told, *(thing.c[name] for name in _RADIO)).where(
    among(thing.c.id, "ids", Numbers)
)
_HEARD = Alteration(
    update(thing)
    .where(thing.c.id == bindparam("of"))
    .values(
        first_seen=func.coalesce(thing.c.first_seen, bindparam("first", type_=BigInteger())),
        uplinks=thing.c.uplinks + bindparam("more", type_=BigInteger()),
        **{name: bindparam(f"now_{name}") for name in ("last_seen", "arrived", "told", *_RADIO)},
    )
)


def _refusal(arrival: Arrival) -> Letter:
    return Letter(
        source=arrival.source,
        network=arrival.uplink.network,
        topic=arrival.topic,
        body=arrival.body,
        cause=Cause.TOO_MANY_UNKNOWN,
        detail=f"{MOST_UNKNOWN} devices that nobody registered are kept already",
        dev_eui=arrival.uplink.dev_eui,
        received=arrival.received,
    )
