"""Dead letters, tried again: after a codec was mended or added, they become the observations that they should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from sensor_overlay.intake.delivery import WEBHOOK, Batch, Decode, Delivery, add, understood
from sensor_overlay.store.known import models
from sensor_overlay.store.letters import KeptLetter, Letter, letters_since, mark_replayed
from sensor_overlay.store.opening import Store
from sensor_overlay.store.schema import thing
from sensor_overlay.store.writing import write
from sensor_overlay.uplink import Cause, Message, Uplink

_AT_ONCE = 500


@dataclass(slots=True)
class Replay:
    """What became of dead letters.

    Attributes:
        looked_at: how many.
        observations: values that were added.
        replayed: letters that are none any more.
        cut: letters whose body is kept in part only, so that they stay.
        still: letters that stay, by their cause as it is now.
    """

    looked_at: int = 0
    observations: int = 0
    replayed: int = 0
    cut: int = 0
    still: Counter[str] = field(default_factory=Counter)


async def replay(
    store: Store, decode: Decode, *, causes: Collection[str] = (), since: int = 0, now: int, dry: bool = False
) -> Replay:
    """Try dead letters again, and return what became of them.

    Values go to their place in time, and open no alert: what was to be told then is no news now. An uplink whose
    values are there already adds none, so a replay that was interrupted is simply done again.

    Args:
        store: the database.
        decode: `sensor_overlay.decode.decode`, or another.
        causes: only letters with one of these; all where empty.
        since: only letters that came at this instant or later.
        now: server time.
        dry: write nothing.

    Raises:
        StoreUnavailableError, StoreError: what was done until then is kept.
    """
    done = Replay()
    after = 0
    while True:
        async with store.reading() as connection:
            letters = await letters_since(connection, after, limit=_AT_ONCE, causes=causes)
        if not letters:
            return done
        after = letters[-1].id
        await _replay(store, [one for one in letters if one.letter.received >= since], decode, now, done, dry=dry)


async def _replay(
    store: Store, letters: Sequence[KeptLetter], decode: Decode, now: int, done: Replay, *, dry: bool
) -> None:
    done.looked_at += len(letters)
    whole = [one for one in letters if one.size == len(one.letter.body)]
    done.cut += len(letters) - len(whole)
    read = [(one, delivery, understood(delivery)) for one, delivery in _deliveries(whole)]
    async with store.reading() as connection:
        known = await models(connection, {message.dev_eui for _, _, message in read if isinstance(message, Uplink)})
    batch = Batch()
    sound: list[tuple[KeptLetter, Message]] = []
    for one, delivery, message in read:
        own = Batch()
        add(own, delivery, message, known, decode)
        for letter in own.letters:
            done.still[letter.cause] += 1
        if not own.letters and not isinstance(message, Letter):
            batch.arrivals += own.arrivals
            batch.statuses += own.statuses
            sound.append((one, message))
    if not sound or dry:
        done.replayed += len(sound)
        return
    written = await write(store, batch.arrivals, (), batch.statuses, now=now)
    done.observations += written.observations
    if written.refused:
        kept = await _existing(store, sound)
        done.still[Cause.TOO_MANY_UNKNOWN.value] += len(sound) - len(kept)
        sound = kept
    async with store.writing(now) as commit:
        await mark_replayed(commit, [one.id for one, _ in sound])
    done.replayed += len(sound)


def _deliveries(letters: Sequence[KeptLetter]) -> Iterator[tuple[KeptLetter, Delivery]]:
    for one in letters:
        letter = one.letter
        topic = None if letter.source == WEBHOOK else letter.topic
        yield one, Delivery(letter.source, letter.network, topic, letter.body, letter.received, _nobody_waits)


def _nobody_waits() -> None:
    """Settle what no broker waits for."""


async def _existing(store: Store, sound: Sequence[tuple[KeptLetter, Message]]) -> list[tuple[KeptLetter, Message]]:
    """Return those whose devices there are things for; the store refused the others."""
    asked = {message.dev_eui for _, message in sound}
    async with store.reading() as connection:
        rows = await connection.execute(select(thing.c.dev_eui).where(thing.c.dev_eui.in_(sorted(asked))))
        there = set(rows.scalars())
    return [(one, message) for one, message in sound if message.dev_eui in there]
