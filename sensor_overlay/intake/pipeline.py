"""From deliveries to the store, in batches; each delivery is settled once it is kept, and never before.

Nothing stops it: what cannot be understood becomes a dead letter; while the database is away, the batch is kept and
tried again; and what the database itself chokes on is found by halving and becomes a dead letter, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sensor_overlay import instants
from sensor_overlay.intake.delivery import Batch, Decode, Delivery, add, letter, understood
from sensor_overlay.store.errors import StoreError, StoreUnavailableError
from sensor_overlay.store.letters import Letter
from sensor_overlay.store.writing import Written
from sensor_overlay.uplink import Cause, Message, Uplink

_log = logging.getLogger("zwilling.sensors.intake")

_MODELS_SECONDS: Final = 60.0
_A_BREATH: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is taken at once, and how long is waited.

    Attributes:
        batch: deliveries in one transaction.
        gather: seconds that the first of a batch waits for others.
        waiting: deliveries that may wait; then brokers are not read.
        waiting_bytes: of their bodies; likewise.
        first_wait: seconds until a database that is away is tried again; doubled each time.
        longest_wait: at most.
    """

    batch: int = 500
    gather: float = 0.02
    waiting: int = 10_000
    waiting_bytes: int = 64 << 20
    first_wait: float = 0.2
    longest_wait: float = 10.0


class Keeper(Protocol):
    """The store as intake uses it."""

    async def models(self, dev_euis: Sequence[str]) -> Mapping[str, str]:
        """Return the registry's models of these devices."""

    async def write(self, batch: Batch, *, judged: bool, now: int) -> Written:
        """Write a batch in one transaction; `judged`: with the alerts that follow from it."""


@dataclass(slots=True)
class Counts:
    """What was done since the start.

    Attributes:
        received: deliveries.
        stored: uplinks that were new.
        duplicates: uplinks that were there already.
        observations: values that were added.
        letters: dead letters.
        batches: transactions.
        lost: deliveries that not even became dead letters: mistakes of ours, which the log tells.
    """

    received: int = 0
    stored: int = 0
    duplicates: int = 0
    observations: int = 0
    letters: int = 0
    batches: int = 0
    lost: int = 0


def waits(first: float, longest: float) -> Iterator[float]:
    """Yield seconds to wait before each further try: doubled up to `longest`, each cut by chance by up to a half.

    Chance keeps instances that failed together from coming back together.
    """
    wait = first
    while True:
        yield wait * random.uniform(0.5, 1.0)  # noqa: S311 - nobody gains by guessing it
        wait = min(2 * wait, longest)


@dataclass(frozen=True, slots=True)
class _Unwritable:
    """In the place of a message that the database did not take: its dead letter."""

    letter: Letter


_Pair = tuple[Delivery, Message | Letter | _Unwritable]


class Pipeline:
    """Takes deliveries from any number of sources; all of it runs in one event loop."""

    def __init__(
        self,
        keeper: Keeper,
        decode: Decode,
        *,
        may_wait: Callable[[Uplink, str], bool] = lambda _uplink, _model: False,
        written: Callable[[Written], None] = lambda _: None,
        limits: Limits = Limits(),
        now: Callable[[], int] = instants.now,
    ) -> None:
        """Make a pipeline that is not running yet.

        Args:
            keeper: the store.
            decode: `sensor_overlay.decode.decode`, or another.
            may_wait: whether `decode` of an uplink with a model may wait; it is called in a thread then.
            written: called after each commit.
            limits: see there.
            now: the clock.
        """
        self.counts = Counts()
        self._keeper = keeper
        self._decode = decode
        self._may_wait = may_wait
        self._written = written
        self._limits = limits
        self._now = now
        self._waiting: deque[Delivery] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._is_enough = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._is_leaving = asyncio.Event()
        self._models: dict[str, str] = {}
        self._models_until = 0.0
        self._away_since: int | None = None
        self._storing_since = now()
        self._needs_person = False
        self._judges = True
        self._task: asyncio.Task[None] | None = None

    # For sources

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be brought now."""
        return len(self._waiting) >= self._limits.waiting or self._waiting_bytes >= self._limits.waiting_bytes

    @property
    def waiting(self) -> int:
        """How many deliveries wait."""
        return len(self._waiting)

    def put(self, delivery: Delivery) -> None:
        """Take a delivery, also where it is full: whoever brings more should look at `is_full` first."""
        self.counts.received += 1
        self._waiting.append(delivery)
        self._waiting_bytes += len(delivery.body)
        self._arrived.set()
        if len(self._waiting) >= self._limits.batch:
            self._is_enough.set()
        if self.is_full:
            self._has_room.clear()

    async def room(self) -> None:
        """Return when there is room again: half of what may wait."""
        await self._has_room.wait()

    # For those who watch

    @property
    def is_storing(self) -> bool:
        """False while the database is away."""
        return self._away_since is None

    @property
    def storing_since(self) -> int | None:
        """Instant since which what comes in is stored; None while the database is away."""
        return None if self._away_since is not None else self._storing_since

    def troubles(self) -> list[str]:
        """Return what is wrong, a German sentence each; nothing that tells of the machine."""
        found = []
        if self._away_since is not None:
            since = instants.text(self._away_since - self._away_since % instants.SECOND)
            found.append(
                f"Die Datenbank braucht seit {since} einen Menschen; das Protokoll sagt, was ist. Nichts geht verloren."
                if self._needs_person
                else f"Die Datenbank ist seit {since} nicht erreichbar. Was ankommt, wird danach gespeichert."
            )
        if not self._judges:
            found.append("Meldungen werden nicht geprüft; das Protokoll nennt den Fehler.")
        if self.counts.lost:
            lost = self.counts.lost
            found.append(
                "Eine Nachricht war nicht zu speichern; das Protokoll nennt sie."
                if lost == 1
                else f"{lost} Nachrichten waren nicht zu speichern; das Protokoll nennt sie."
            )
        return found

    # Running

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="sensors: intake")

    async def stop(self, patience: float = 5.0) -> None:
        """Write what waits, as far as the database lets us within `patience` seconds, and end.

        What is not written is not settled, so a broker that promised to keep it brings it again.
        """
        self._is_leaving.set()
        self._arrived.set()
        self._is_enough.set()
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            if not self._waiting:
                if self._is_leaving.is_set():
                    return
                self._arrived.clear()
                continue
            await self._gather()
            if not await self._keep([(delivery, understood(delivery)) for delivery in self._take()]):
                return

    async def _gather(self) -> None:
        if len(self._waiting) < self._limits.batch and not self._is_leaving.is_set():
            self._is_enough.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.gather):
                    await self._is_enough.wait()

    def _take(self) -> list[Delivery]:
        deliveries = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._limits.batch))]
        self._waiting_bytes -= sum(len(delivery.body) for delivery in deliveries)
        if len(self._waiting) * 2 <= self._limits.waiting and self._waiting_bytes * 2 <= self._limits.waiting_bytes:
            self._has_room.set()
        return deliveries

    async def _keep(self, pairs: Sequence[_Pair]) -> bool:
        """Write deliveries and settle them, however long the database is away; return False where we leave first."""
        pauses = waits(self._limits.first_wait, self._limits.longest_wait)
        batch: Batch | None = None
        while True:
            try:
                if batch is None:
                    batch = await self._batch(pairs)
                await self._commit(batch)
            except (StoreUnavailableError, StoreError) as error:
                self._tell_trouble(error)
                if self._is_leaving.is_set():
                    return False
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(next(pauses)):
                        await self._is_leaving.wait()
            except Exception:  # noqa: BLE001 - whatever it is, one message must not stop all others
                _log.exception("%d messages could not be written together", len(pairs))
                return await self._keep_divided(pairs)
            else:
                self._tell_no_trouble()
                for delivery, _ in pairs:
                    delivery.settle()
                return True

    async def _keep_divided(self, pairs: Sequence[_Pair]) -> bool:
        """Keep halves of what could not be written as a whole; what alone cannot be written becomes a dead letter."""
        if len(pairs) > 1:
            middle = len(pairs) // 2
            return await self._keep(pairs[:middle]) and await self._keep(pairs[middle:])
        delivery, message = pairs[0]
        if isinstance(message, _Unwritable):
            _log.error("a message of %s could not even be kept as a dead letter", delivery.source)
            self.counts.lost += 1
            delivery.settle()
            return True
        detail = "the database does not take what it says: a mistake of ours"
        return await self._keep([(delivery, _Unwritable(letter(delivery, Cause.MALFORMED, detail)))])

    async def _batch(self, pairs: Sequence[_Pair]) -> Batch:
        """Return what is to be written for deliveries.

        Raises:
            StoreUnavailableError, StoreError: the registry cannot be asked for models.
        """
        batch = Batch()
        models = await self._models_of(pairs)
        for number, (delivery, message) in enumerate(pairs, 1):
            content = message.letter if isinstance(message, _Unwritable) else message
            if isinstance(content, Uplink) and self._may_wait(content, models.get(content.dev_eui, "")):
                await asyncio.to_thread(add, batch, delivery, content, models, self._decode)
            else:
                add(batch, delivery, content, models, self._decode)
            if number % _A_BREATH == 0:
                await asyncio.sleep(0)  # others answer requests in this loop
        return batch

    async def _models_of(self, pairs: Sequence[_Pair]) -> Mapping[str, str]:
        """Return the registry's models of the devices whose uplinks the network server did not decode itself."""
        clock = asyncio.get_running_loop().time()
        if clock >= self._models_until:
            self._models.clear()
            self._models_until = clock + _MODELS_SECONDS
        asked = {message.dev_eui for _, message in pairs if isinstance(message, Uplink) and message.object is None}
        if missing := sorted(asked - self._models.keys()):
            found = await self._keeper.models(missing)
            self._models.update({dev_eui: found.get(dev_eui, "") for dev_eui in missing})
        return self._models

    async def _commit(self, batch: Batch) -> None:
        """Write a batch; without its alerts, where they are what fails: values come first."""
        if not batch:
            return
        now = self._now()
        try:
            written = await self._keeper.write(batch, judged=True, now=now)
            self._judges = True
        except (StoreUnavailableError, StoreError):
            raise
        except Exception as error:  # noqa: BLE001 - of the alerts' rules, perhaps; or of the values
            try:
                written = await self._keeper.write(batch, judged=False, now=now)
            except (StoreUnavailableError, StoreError):
                raise  # it is waited for: the rules' mistake must not make a dead letter of a sound uplink
            except Exception:  # noqa: BLE001 - whatever it is, it is not the alerts' fault
                raise error from None
            _log.exception("alerts could not be judged")
            self._judges = False
        self.counts.stored += written.stored
        self.counts.duplicates += written.duplicates
        self.counts.observations += written.observations
        self.counts.letters += len(batch.letters) + written.refused
        self.counts.batches += 1
        self._written(written)

    def _tell_trouble(self, error: StoreError | StoreUnavailableError) -> None:
        if self._away_since is None:
            _log.error("%s; what comes in waits", error)
            self._away_since = self._now()
        self._needs_person = isinstance(error, StoreError)

    def _tell_no_trouble(self) -> None:
        if self._away_since is not None:
            seconds = (self._now() - self._away_since) / instants.SECOND
            _log.warning("the database takes what comes in again, after %.1f s", seconds)
            self._away_since = None
            self._storing_since = self._now()
