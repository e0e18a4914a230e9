"""Tells viewers of changes: one look at the store for all of them, each message written once for all who see the same.

A viewer has no queue. It has a position, the commit up to which it was told, and gets what has changed since whenever
it is ready for more: who keeps up gets the bytes that all others get, who falls behind gets the newest value of each
datastream once, and nobody can make the server hold anything for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final, Literal

import msgspec

from sensor_overlay.access import Principal, Right
from sensor_overlay.instants import now as system_now
from sensor_overlay.live import messages
from sensor_overlay.live.messages import EVERYTHING, Sight, Wanted
from sensor_overlay.live.picture import Picture, Readable, visible_ids
from sensor_overlay.live.scales import Scales
from sensor_overlay.live.sites import COUNTED, LASTS_SECONDS, Classes, describe_sites
from zwilling.errors import ZwillingError

_log = logging.getLogger("zwilling.sensors.live")

KEPT_MESSAGES: Final = 64
"""Messages of one audience that are kept ready, by the position they begin at."""


class TooManyViewersError(Exception):
    """More viewers than the hub takes; another time may be better."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds, and how many.

    Attributes:
        least: between two looks at the store, so that changes come together.
        per_viewer: added to that for each viewer: sending is what costs.
        poll: until the store is looked at without being woken; other processes write to it, too.
        heartbeat: until a viewer who was told nothing is told that.
        renew: between two readings of the registry, however often it changes.
        whole: until places and who may see are read anew though nothing told that they changed.
        snapshot: for which a snapshot is handed out again; its reader is told at once what came since.
        patience: of trouble with the store until viewers are told that what they see may be old.
        viewers: that are taken.
        reserved: taken beyond these of those who show a token, so that no crowd of others keeps them out.
        audiences: wishes of viewers who may see the same; those who want everything always find room.
    """

    least: float = 0.1
    per_viewer: float = 0.00025
    poll: float = 0.25
    heartbeat: float = 15.0
    renew: float = 1.0
    whole: float = 300.0
    snapshot: float = 2.0
    patience: float = 5.0
    viewers: int = 2_000
    reserved: int = 200
    audiences: int = 200


@dataclass(frozen=True, slots=True)
class Update:
    """One message for a viewer.

    Attributes:
        kind: also the message's `type`.
        id: position after it; whoever comes back with it is told what came since.
        data: JSON.
    """

    kind: Literal["snapshot", "changes", "heartbeat"]
    id: str
    data: bytes


_Key = tuple[frozenset[str], bool, bool, frozenset[str], Wanted]


class Audience:
    """Viewers who may see the same and asked for the same."""

    def __init__(self, principal: Principal, wanted: Wanted, things: frozenset[int], scales: Scales) -> None:
        self.principal = principal
        self.sight = Sight(things, wanted, Right.ALERTS in principal.rights, scales)
        self.viewers = 0
        self.turn = asyncio.Event()
        """Set, and cleared at once, whenever there is something to tell."""
        self.told = time.monotonic()
        self.beats = 0
        self.version = ""
        """Digest of what a snapshot says beyond values: positions under another one cannot be gone on from."""
        self._snapshot: tuple[float, int, Update] | None = None
        self._changes: dict[int, Update | None] = {}

    def renew(self, picture: Picture, things: frozenset[int]) -> None:
        """Take up what was read anew."""
        self.sight = replace(self.sight, things=things)
        things_shown = list(messages.shown(picture, self.sight))
        described = msgspec.json.encode(
            (
                [(thing.place, messages.own_levels(thing, self.sight)) for thing in things_shown],
                messages.properties(picture, things_shown, self.sight),
                picture.losses,
            )
        )
        version = blake2b(described, digest_size=6).hexdigest()
        if version != self.version:
            self.version = version
            self.forget()
            self._snapshot = None

    def forget(self) -> None:
        """Drop messages that end before the newest change."""
        self._changes.clear()

    def wake(self) -> None:
        """Have every viewer look."""
        self.turn.set()
        self.turn.clear()

    def position(self, sequence: int) -> str:
        """Return what viewers are to come back with."""
        return f"{sequence}.{self.version}"

    def sequence(self, position: str | None, picture: Picture) -> int | None:
        """Return the commit that a viewer was told of last; None where it must begin anew."""
        number, _, version = (position or "").partition(".")
        if version != self.version or not (number.isdecimal() and number.isascii()) or len(number) > 18:
            return None
        # A number from the future is of another store.
        return int(number) if int(number) <= picture.sequence else None

    def snapshot(self, picture: Picture, now: int, lasts: float) -> tuple[int, Update]:
        """Return everything, and the commit as of which it is: at most `lasts` seconds old."""
        clock = time.monotonic()
        if self._snapshot is None or clock - self._snapshot[0] > lasts:
            event_id = self.position(picture.sequence)
            data = messages.snapshot(picture, self.sight, event_id, now)
            self._snapshot = clock, picture.sequence, Update("snapshot", event_id, data)
        return self._snapshot[1:]

    def changes(self, picture: Picture, since: int, now: int) -> Update | None:
        """Return what has changed since a commit; None where a viewer of this audience sees nothing of it."""
        if since not in self._changes:
            if len(self._changes) >= KEPT_MESSAGES:
                self._changes.pop(next(iter(self._changes)))
            event_id = self.position(picture.sequence)
            data = messages.changes(picture, self.sight, since, event_id, now)
            self._changes[since] = None if data is None else Update("changes", event_id, data)
            if data is not None:
                self.told = time.monotonic()
        return self._changes[since]

    def heartbeat(self, picture: Picture, now: int, *, is_current: bool) -> Update:
        """Return the message that there is nothing to tell."""
        event_id = self.position(picture.sequence)
        return Update("heartbeat", event_id, messages.heartbeat(event_id, now, is_current=is_current))


class Hub:
    """Follows a store for any number of viewers. All of it runs in one event loop."""

    def __init__(
        self,
        store: Readable,
        *,
        scales: Scales | None = None,
        classes: Classes | None = None,
        pace: Pace = Pace(),
        now: Callable[[], int] = system_now,
    ) -> None:
        """Follow `store`.

        Args:
            store: see `Readable`.
            scales: what values mean; None takes those of the guides.
            classes: what everybody hears of sites; None for nothing.
            pace: see `Pace`.
            now: the clock.
        """
        self._store = store
        self.scales = scales or Scales()
        self._classes = classes or Classes()
        self._sites: tuple[float, bytes] | None = None
        self._pace = pace
        self._now = now
        self._picture = Picture()
        self._audiences: dict[_Key, Audience] = {}
        self._woken = asyncio.Event()
        self._wanted = asyncio.Event()
        self._looking = asyncio.Lock()
        self._looked = float("-inf")
        self._read_whole = float("-inf")
        self._trouble_since: float | None = None
        self._is_stale = True
        self._is_due = False
        self._is_over = False
        self._task: asyncio.Task[None] | None = None

    @property
    def viewers(self) -> int:
        """How many follow."""
        return sum(audience.viewers for audience in self._audiences.values())

    @property
    def is_current(self) -> bool:
        """False where the store could not be read for longer than is usual."""
        return self._trouble_since is None or time.monotonic() - self._trouble_since < self._pace.patience

    async def start(self) -> None:
        """Begin to follow the store."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="live hub")

    async def stop(self) -> None:
        """End all streams and stop following the store."""
        self.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def close(self) -> None:
        """End all streams; viewers may come back when there is a server again."""
        self._is_over = True
        for audience in self._audiences.values():
            audience.wake()

    def wake(self) -> None:
        """Tell that something was committed; in this loop."""
        self._woken.set()

    async def follow(
        self,
        principal: Principal,
        since: str | None = None,
        wanted: Wanted = EVERYTHING,
    ) -> AsyncGenerator[Update, None]:
        """Yield a snapshot, then changes and heartbeats, until the hub is closed.

        Whoever comes back with the `id` of the last update that it got is told what came since, as far as
        what it knows of the sensors themselves still holds; else it gets a snapshot again.

        Raises:
            TooManyViewersError: at the first step.
            StoreError, StoreUnavailableError: the store cannot be read, at the first step.
        """
        audience = await self._join(principal, wanted)
        try:
            sequence = audience.sequence(since, self._picture)
            version, beats = audience.version, audience.beats
            while not self._is_over:
                if sequence is None or version != audience.version:
                    version, beats = audience.version, audience.beats
                    sequence, update = audience.snapshot(self._picture, self._now(), self._pace.snapshot)
                    yield update
                elif sequence < self._picture.sequence:
                    changed = audience.changes(self._picture, sequence, self._now())
                    sequence, beats = self._picture.sequence, audience.beats
                    if changed is not None:
                        yield changed
                elif beats != audience.beats:
                    beats = audience.beats
                    yield audience.heartbeat(self._picture, self._now(), is_current=self.is_current)
                else:
                    await audience.turn.wait()
        finally:
            audience.viewers -= 1

    async def snapshot(self, principal: Principal, wanted: Wanted = EVERYTHING) -> bytes:
        """Return the message that a stream would begin with.

        Raises:
            TooManyViewersError, StoreError, StoreUnavailableError: as `follow`.
        """
        audience = await self._join(principal, wanted)
        audience.viewers -= 1
        return audience.snapshot(self._picture, self._now(), self._pace.snapshot)[1].data

    async def alerts(self, principal: Principal, wanted: Wanted = EVERYTHING) -> list[dict[str, Any]]:
        """Return the alerts that are open or were lately, newest first.

        Raises:
            TooManyViewersError, StoreError, StoreUnavailableError: as `follow`.
        """
        audience = await self._join(principal, wanted)
        audience.viewers -= 1
        return messages.alerts(self._picture, audience.sight)

    async def sites(self) -> bytes:
        """Return what everybody hears of sites, the same for `LASTS_SECONDS`.

        Raises:
            StoreError, StoreUnavailableError: as `follow`.
        """
        clock = time.monotonic()
        if self._sites is None or clock - self._sites[0] >= LASTS_SECONDS:
            await self._look()
            self._wanted.set()  # where nobody follows, the picture grows old from here on, and is to be known as old
            async with self._store.reading() as connection:
                things = await visible_ids(connection, COUNTED)
            self._sites = clock, describe_sites(self._picture, things, self.scales, self._classes, self._now())
        return self._sites[1]

    async def _join(self, principal: Principal, wanted: Wanted) -> Audience:
        if self.viewers >= self._pace.viewers + (self._pace.reserved if principal.name else 0):
            raise TooManyViewersError
        key = (
            principal.groups,
            Right.READ in principal.rights,
            Right.ALERTS in principal.rights,
            principal.sites,
            wanted,
        )
        if self._is_stale:
            await self._look()
        audience = self._audiences.get(key)
        if audience is None:
            self._drop_empty()
            # One client can want two hundred different things. That must not keep others from wanting everything, as
            # the viewer does, nor those who may see more from wanting anything.
            alike = sum(known[:-1] == key[:-1] and known[-1] != EVERYTHING for known in self._audiences)
            if wanted != EVERYTHING and alike >= self._pace.audiences:
                raise TooManyViewersError
            async with self._store.reading() as connection:
                things = await visible_ids(connection, principal)
            # Somebody else may have come with the same wishes meanwhile.
            audience = self._audiences.setdefault(key, Audience(principal, wanted, things, self.scales))
            audience.renew(self._picture, things)
        audience.viewers += 1
        self._wanted.set()
        return audience

    def _drop_empty(self) -> None:
        self._audiences = {key: audience for key, audience in self._audiences.items() if audience.viewers}

    async def _run(self) -> None:
        while True:
            if not self.viewers:
                self._drop_empty()
                self._is_stale = True
                self._wanted.clear()
                await self._wanted.wait()
            await self._pause()
            self._woken.clear()
            try:
                await self._look()
                if self._trouble_since is not None:
                    _log.warning("live: the store can be read again")
                self._trouble_since = None
            except ZwillingError as error:
                if self._trouble_since is None:
                    _log.error("live: the store cannot be read: %s", error)
                self._trouble()
            except Exception:  # noqa: BLE001 - a mistake of ours; viewers must not take its silence for the sensors'
                _log.exception("live: the store could not be followed")
                self._trouble()
                await asyncio.sleep(self._pace.patience)  # the same row would be met again at once, and fill the log
            self._beat()

    def _trouble(self) -> None:
        if self._trouble_since is None:
            self._trouble_since = time.monotonic()
        self._is_stale = True  # where it broke off is not known

    async def _pause(self) -> None:
        """Wait until something was committed, or may have been by others; never look again too soon."""
        least = self._pace.least + self._pace.per_viewer * self.viewers
        await asyncio.sleep(max(0.0, self._looked + least - time.monotonic()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.poll):
                await self._woken.wait()

    def _beat(self) -> None:
        latest = time.monotonic() - self._pace.heartbeat
        for audience in self._audiences.values():
            if audience.told <= latest:
                audience.told = time.monotonic()
                audience.beats += 1
                audience.wake()

    async def _look(self) -> None:
        """Bring the picture up to date and wake those who see something new."""
        async with self._looking:
            before = self._picture.sequence
            self._looked = time.monotonic()
            async with self._store.reading() as connection:
                age = self._looked - self._read_whole
                if self._is_stale:
                    await self._picture.load(connection, self._now())
                    is_whole = True
                else:
                    self._is_due |= await self._picture.follow(connection, self._now())
                    # New devices come by the hundred, each with a change of the registry.
                    is_whole = age >= (self._pace.renew if self._is_due else self._pace.whole)
                    if is_whole:
                        await self._picture.renew(connection, self._now())
                if is_whole:
                    self._read_whole = self._looked
                    self._is_due = False
                    for audience in list(self._audiences.values()):
                        audience.renew(self._picture, await visible_ids(connection, audience.principal))
            self._is_stale = False
            for audience in self._audiences.values():
                if is_whole or self._picture.sequence != before:
                    audience.forget()
                    audience.wake()
