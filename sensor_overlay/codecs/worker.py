"""The process in which codecs of others run, and the words that it and `sensor_overlay.codecs.apart` speak.

Frames of four bytes that tell their length, then msgpack, through pipes of their own: what a codec prints goes to
standard error.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, TypeVar

import msgspec

from sensor_overlay.codecs.checking import checked
from sensor_overlay.codecs.codec import Codec, fault_of
from sensor_overlay.uplink import BadMessageError, Decoded, Reading

MOST_MEMORY: Final = 512 << 20
"""Bytes that the process may have for its data."""
_LENGTH: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Load what an entry point names.

    Attributes:
        name: of the entry point.
        value: module and attribute.
        seconds: after which the process ends itself.
    """

    name: str
    value: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A codec that an entry point offers: `Codec` without its function."""

    key: str
    title: str
    vendor: str
    models: tuple[str, ...]
    fields: Mapping[str, tuple[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of `Load`.

    Attributes:
        codecs: sound ones.
        faults: what is wrong with others, a sentence each.
    """

    codecs: tuple[Offered, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """Decode a payload.

    Attributes:
        entry: name of the entry point.
        key: of the codec among those that it offers.
        payload: bytes.
        f_port: port.
        received: instant.
        seconds: after which the process ends itself.
    """

    entry: str
    key: str
    payload: bytes
    f_port: int
    received: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of `Payload`.

    Attributes:
        readings: property and value.
        history: instant, property and value.
        notes: see `Decoded`.
        undecodable: why the payload is none of the device's; empty where it is.
        failed: type of the error by which the codec failed; empty where it did not.
    """

    readings: tuple[tuple[str, float], ...] = ()
    history: tuple[tuple[int, str, float], ...] = ()
    notes: tuple[str, ...] = ()
    undecodable: str = ""
    failed: str = ""

    def decoded(self) -> Decoded:
        """Return it as codecs give it."""
        return Decoded(
            readings=tuple([Reading(name, value) for name, value in self.readings]),
            history=tuple([(then, Reading(name, value)) for then, name, value in self.history]),
            notes=self.notes,
        )


@dataclass(frozen=True, slots=True)
class Job:
    """One of the two."""

    load: Load | None = None
    payload: Payload | None = None


T = TypeVar("T")
Read = Callable[[int], bytes]
"""Returns so many bytes; fewer where there are no more."""


def packed(message: object) -> bytes:
    """Return a message as a frame."""
    body = msgspec.msgpack.encode(message)
    return _LENGTH.pack(len(body)) + body


def unpacked(read: Read, kind: type[T]) -> T | None:
    """Return the next message, None where no more come."""
    head = read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (size,) = _LENGTH.unpack(head)
    body = read(size)
    return msgspec.msgpack.decode(body, type=kind) if len(body) == size else None


class _Codecs:
    """What was loaded, by entry point and key."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Codec] = {}

    def load(self, asked: Load) -> Loaded:
        point = importlib.metadata.EntryPoint(name=asked.name, value=asked.value, group="")
        try:
            offered = point.load()
            offered = (offered,) if isinstance(offered, Codec) else tuple(offered)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin does, the others must go on
            return Loaded(faults=(f"it cannot be loaded: {type(error).__name__}: {error}",))
        found: list[Offered] = []
        faults = []
        for codec in offered:
            fault = fault_of(codec) if isinstance(codec, Codec) else "it is no sensor_overlay.codecs.Codec"
            try:
                told = None if fault else _offered(codec)
            except (msgspec.ValidationError, TypeError) as error:
                fault, told = f"what it says of itself is not as it should be: {error}", None
            if told is None:
                faults.append(fault)
            else:
                self._found[asked.name, codec.key] = codec
                found.append(told)
        return Loaded(codecs=tuple(found), faults=tuple(faults))

    def decode(self, asked: Payload) -> Answer:
        try:
            found = checked(self._found[asked.entry, asked.key].decode(asked.payload, asked.f_port, asked.received))
            return Answer(
                readings=tuple([(each.observed_property, float(each.value)) for each in found.readings]),
                history=tuple([(int(then), each.observed_property, float(each.value)) for then, each in found.history]),
                notes=tuple([str(note) for note in found.notes]),
            )
        except BadMessageError as error:
            return Answer(undecodable=str(error.detail) or "it says no more")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - codecs of others
            return Answer(failed=type(error).__name__)


def _offered(codec: Codec) -> Offered:
    told = {name: getattr(codec, name) for name in ("key", "title", "vendor", "models")}
    fields = {name: tuple(meaning) for name, meaning in codec.fields.items()}
    return msgspec.convert({**told, "models": tuple(codec.models), "fields": fields}, Offered)


def _limit() -> None:
    """Let this process have so much memory and no more, as far as the system knows such limits."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))


def _alarm(seconds: float) -> None:
    """Let the system end this process after so many seconds, whatever it does then; 0 takes that back.

    Who asks gives up before. But if that one was killed, nobody else would end a codec that never returns.
    """
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def serve(asked: BinaryIO, told: BinaryIO) -> None:
    """Answer until nobody asks any more."""
    codecs = _Codecs()
    while (job := unpacked(asked.read, Job)) is not None:
        answer: Any
        if job.load is not None:
            _alarm(job.load.seconds)
            answer = codecs.load(job.load)
        elif job.payload is not None:
            _alarm(job.payload.seconds)
            answer = codecs.decode(job.payload)
        _alarm(0)
        told.write(packed(answer))
        told.flush()


def main() -> None:
    """Answer through the standard streams, which codecs then cannot reach any more."""
    asked, told = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - for its descriptor
        os.dup2(nothing.fileno(), 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asks
    _limit()
    with os.fdopen(asked, "rb") as questions, os.fdopen(told, "wb") as answers, contextlib.suppress(BrokenPipeError):
        serve(questions, answers)
    sys.exit(0)
