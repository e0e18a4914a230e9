"""Messages that are sent as one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Line:
    """One message.

    Attributes:
        message_id: in the table `message`.
        event: what happened to the alert.
        text: German.
        alert_id, rule, kind, level, rank, opened: of the alert.
        thing_key, thing_name, site, site_name, room: of the thing.
    """

    message_id: int
    event: str
    text: str
    alert_id: int
    rule: str
    kind: str
    level: str
    rank: int
    opened: int
    thing_key: str
    thing_name: str
    site: str
    site_name: str
    room: str

    @property
    def is_urgent(self) -> bool:
        """Whether it may not wait for others: it became worse, or nobody has taken care."""
        return (
            self.event.startswith("raised") or self.event == "escalated" or (self.event == "opened" and self.rank > 0)
        )


@dataclass(frozen=True, slots=True)
class Bundle:
    """What one recipient is sent by one channel at once.

    Attributes:
        id: least id of its messages; the same at each attempt, as are its lines.
        channel: `mail` or `webhook`.
        recipient: id in the settings.
        attempt: which one this is; 1 for the first.
        lines: in the order in which they were written.
    """

    id: int
    channel: str
    recipient: str
    attempt: int
    lines: tuple[Line, ...]

    @property
    def identity(self) -> str:
        """What names the bundle outside this twin: letters, digits and hyphens."""
        return f"{self.id}-{self.lines[0].opened:x}"


class Fate(StrEnum):
    """What became of a sending."""

    SENT = "sent"
    FAILED = "failed"
    """It is tried again."""
    REFUSED = "refused"
    """It is never tried again: the other side does not know the recipient."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a sending, and why.

    Attributes:
        fate: see there.
        reason: one line for a person; empty where it was sent.
    """

    fate: Fate
    reason: str = ""


class Channel(Protocol):
    """A way to tell people."""

    async def send(self, bundle: Bundle) -> Outcome:
        """Send a bundle, and return what became of it; never raises for what the other side does."""
