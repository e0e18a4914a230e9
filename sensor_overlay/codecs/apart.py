"""Codecs of others, in a process of their own: one that never returns, eats memory or ends its process stops nothing.

A payload has `DEADLINE` seconds; then the process is ended, and begun anew for the next one. A codec that costs intake
more than a second a minute in the long run is set aside for some minutes, so that those of others go on.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from sensor_overlay.codecs.worker import Answer, Job, Load, Loaded, Payload, packed, unpacked

DEADLINE: Final = 2.0
"""Seconds for a payload; a sound codec takes some millionths of one."""
LOADING: Final = 30.0
"""Seconds for loading what an entry point names, its imports and examples."""
_AFTER: Final = 2.0
"""Seconds after that at which the process ends itself, where nobody does."""
_FREE: Final = 0.02
"""Seconds of each payload that cost a codec nothing."""
_CREDIT: Final = 5.0
"""Seconds that a codec may take beyond that at once."""
_CREDIT_EACH_MINUTE: Final = 1.0

logger = logging.getLogger("zwilling.sensors.codecs")

T = TypeVar("T")


class CodecFailedError(Exception):
    """A codec of others failed; its text says how."""


@dataclass(slots=True)
class Credit:
    """How much of intake's time a codec may still take.

    Attributes:
        clock: seconds.
        is_aside: it has taken too much, and is asked nothing until half of the credit is back.
    """

    clock: Callable[[], float] = time.monotonic
    is_aside: bool = False
    _left: float = _CREDIT
    _at: float = field(default=0.0)

    def may(self) -> bool:
        """Return whether the codec may be asked now."""
        now = self.clock()
        self._left = min(_CREDIT, self._left + (now - self._at) / 60 * _CREDIT_EACH_MINUTE)
        self._at = now
        if self.is_aside and self._left >= _CREDIT / 2:
            self.is_aside = False
        return not self.is_aside

    def spend(self, seconds: float) -> bool:
        """Count what an answer took, and return whether the codec is set aside for it."""
        self._left -= max(0.0, seconds - _FREE)
        if self._left <= 0 and not self.is_aside:
            self.is_aside = True
            return True
        return False


class Apart:
    """The process, and what is known of codecs in it; threads may share it.

    It is begun when something is asked, and ended by `rest`.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._points: dict[str, str] = {}
        self._loaded: set[str] = set()
        self._credits: dict[str, Credit] = {}
        self._lock = threading.Lock()

    def load(self, name: str, value: str) -> Loaded:
        """Return what an entry point offers; that it cannot be had is a fault."""
        self._points[name] = value
        with self._lock:
            try:
                return self._load(name)
            except CodecFailedError as error:
                return Loaded(faults=(str(error),))

    def decode(self, entry: str, key: str, title: str, payload: bytes, f_port: int, received: int) -> Answer:
        """Return what a codec makes of a payload.

        Raises:
            CodecFailedError: it did not answer in time, ended its process, or is set aside.
        """
        with self._lock:
            credit = self._credits.setdefault(title, Credit())
            if not credit.may():
                raise CodecFailedError("it took too long before, and is set aside for some minutes; replay this then")
            begun = time.monotonic()
            try:
                if entry not in self._loaded:
                    self._load(entry)
                asked = Payload(
                    entry=entry,
                    key=key,
                    payload=payload,
                    f_port=f_port,
                    received=received,
                    seconds=DEADLINE + _AFTER,
                )
                return self._ask(Job(payload=asked), Answer, DEADLINE)
            except CodecFailedError as error:
                logger.warning("codec %s: %s", title, error)
                raise
            finally:
                if credit.spend(time.monotonic() - begun):
                    logger.error("codec %s takes too long; it is set aside for some minutes", title)

    def troubles(self) -> list[str]:
        """Return what is wrong, a German sentence each."""
        return [
            f"Der Codec „{title}“ antwortet nicht oder zu langsam; was er lesen soll, wird zurückgestellt."
            for title, credit in list(self._credits.items())  # threads that decode may add to it meanwhile
            if not credit.may()
        ]

    def rest(self) -> None:
        """End the process; the next question begins it anew."""
        with self._lock:
            self._end()

    def _load(self, name: str) -> Loaded:
        asked = Load(name=name, value=self._points[name], seconds=LOADING + _AFTER)
        found = self._ask(Job(load=asked), Loaded, LOADING)
        self._loaded.add(name)
        return found

    def _ask(self, job: Job, kind: type[T], seconds: float) -> T:
        if self._process is None:
            self._begin()
        process = self._process
        assert process is not None and process.stdin is not None  # noqa: S101, PT018 - begun with pipes
        until = time.monotonic() + seconds
        try:
            process.stdin.write(packed(job))
            answer = unpacked(lambda size: self._read(size, until), kind)
        except BrokenPipeError:
            answer = None
        except TimeoutError:
            self._end()
            raise CodecFailedError(f"it did not answer within {seconds:g} s") from None
        if answer is None:
            status = self._end()
            raise CodecFailedError(f"it ended its process (status {status})")
        return answer

    def _read(self, size: int, until: float) -> bytes:
        process = self._process
        assert process is not None and process.stdout is not None  # noqa: S101, PT018 - begun with pipes
        found = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while len(found) < size:
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise TimeoutError
                part = os.read(process.stdout.fileno(), size - len(found))
                if not part:
                    break
                found += part
        return found

    def _begin(self) -> None:
        # With the paths of this process, so that it finds what this one finds.
        code = f"import sys; sys.path[:] = {sys.path!r}\nfrom sensor_overlay.codecs.worker import main\nmain()"
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            # Libraries that share a sum among all cores take memory for each.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        atexit.register(self._end)

    def _end(self) -> int | None:
        process, self._process = self._process, None
        self._loaded.clear()
        atexit.unregister(self._end)
        if process is None:
            return None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            return process.wait(0.2 if process.poll() is None else 0)  # it ends by itself where nobody asks any more
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
