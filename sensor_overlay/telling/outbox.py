"""What is due, claimed before it is sent; and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.instants import DAY, MINUTE, SECOND
from sensor_overlay.rules.rule import Recipient
from sensor_overlay.store.lists import Numbers, among
from sensor_overlay.store.opening import Commit
from sensor_overlay.store.schema import alert, message, thing
from sensor_overlay.telling.bundle import Bundle, Fate, Line, Outcome

LEASE: Final = 2 * MINUTE
"""How long a claim lasts: longer than any sending, which ends after one minute."""
PAUSE: Final = 5 * MINUTE
"""Between two e-mails to one recipient, unless one is urgent: what comes in between is sent as one."""
MOST_ATTEMPTS: Final = 50
"""About a day, by `patience`."""
MOST_LINES: Final = 200
"""In one bundle."""
_MOST_DUE: Final = 5_000
_LONGEST_WAIT: Final = 30 * MINUTE
_LONGEST_REASON: Final = 500

_IS_OPEN: Final = (message.c.sent.is_(None), message.c.given_up.is_(None))
_DUE: Final = (
    select(
        message.c.id,
        message.c.event,
        message.c.text,
        message.c.channel,
        message.c.recipient,
        message.c.attempts,
        message.c.bundle,
        alert.c.id.label("alert_id"),
        alert.c.rule,
        alert.c.kind,
        alert.c.level,
        alert.c.rank,
        alert.c.opened,
        thing.c.key.label("thing_key"),
        thing.c.name.label("thing_name"),
        thing.c.site,
        thing.c.site_name,
        thing.c.room,
    )
    .select_from(message.join(alert).join(thing, thing.c.id == alert.c.thing_id))
    .where(*_IS_OPEN, message.c.due <= bindparam("now"), message.c.channel == bindparam("by"))
    .order_by(message.c.id)
    .limit(_MOST_DUE)
)
_UNDER_WAY: Final = (
    select(message.c.recipient)
    .where(*_IS_OPEN, message.c.attempts > 0, message.c.channel == bindparam("by"))
    .distinct()
)
_CLAIM: Final = (
    update(message)
    .where(message.c.id == bindparam("of"))
    .values(attempts=message.c.attempts + 1, bundle=bindparam("now_bundle"), due=bindparam("now_due"))
)
_OF_BUNDLE: Final = (among(message.c.id, "ids", Numbers), message.c.sent.is_(None))
_SENT: Final = update(message).where(*_OF_BUNDLE).values(sent=bindparam("now"), error=None)
_FAILED: Final = update(message).where(*_OF_BUNDLE).values(due=bindparam("again"), error=bindparam("why"))
_GIVEN_UP: Final = update(message).where(*_OF_BUNDLE).values(given_up=bindparam("now"), error=bindparam("why"))
_LAST_SENT: Final = (
    select(message.c.recipient, func.max(message.c.sent))
    .where(message.c.sent > bindparam("since"), message.c.channel == bindparam("by"))
    .group_by(message.c.recipient)
)


def patience(attempts: int) -> int:
    """Return how long to wait after so many failed attempts: from half a minute, doubled, to half an hour.

    Example:
        >>> [patience(attempts) // 1_000_000 for attempts in (1, 2, 3, 7, 50)]
        [30, 60, 120, 1800, 1800]
    """
    doubled: int = 30 * SECOND << min(attempts - 1, 10)
    return min(doubled, _LONGEST_WAIT)


async def last_sent(connection: AsyncConnection, channel: str, since: int) -> dict[str, int]:
    """Return when each recipient was sent something last by a channel."""
    rows = await connection.execute(_LAST_SENT, {"since": since, "by": channel})
    return {recipient: sent for recipient, sent in rows if sent is not None}


@dataclass(frozen=True, slots=True)
class Due:
    """What one channel has to do.

    Attributes:
        bundles: to be sent now.
        hopeless: ids of messages to recipients whom the settings no longer know.
    """

    bundles: tuple[Bundle, ...]
    hopeless: tuple[int, ...]

    def __bool__(self) -> bool:
        return bool(self.bundles or self.hopeless)

    def first(self, count: int) -> Due:
        """Return the same with no more than the first `count` bundles."""
        return Due(self.bundles[:count], self.hopeless)


async def due(
    connection: AsyncConnection, channel: str, recipients: Mapping[str, Recipient], sent: Mapping[str, int], now: int
) -> Due:
    """Return what a channel has to do now.

    Args:
        connection: of the store.
        channel: `mail` or `webhook`.
        recipients: of the settings.
        sent: see `last_sent`.
        now: instant.
    """
    rows = (await connection.execute(_DUE, {"now": now, "by": channel})).all()
    if not rows:
        return Due((), ())
    under_way = set((await connection.execute(_UNDER_WAY, {"by": channel})).scalars())
    again: dict[int, list[Any]] = {}
    fresh: dict[str, list[Any]] = {}
    hopeless: list[int] = []
    for row in rows:
        recipient = recipients.get(row.recipient)
        if recipient is None or channel not in recipient.channels or not recipient.hears_of(row.site):
            hopeless.append(row.id)
        elif row.bundle is not None:
            again.setdefault(row.bundle, []).append(row)
        else:
            fresh.setdefault(row.recipient, []).append(row)
    bundles = [_bundle(number, found) for number, found in again.items()]
    for name, found in fresh.items():
        if name in under_way:  # in order: what was tried before comes first
            continue
        bundle = _bundle(found[0].id, found[:MOST_LINES])
        is_soon = channel == "mail" and name in sent and sent[name] + PAUSE > now
        if not is_soon or any(line.is_urgent for line in bundle.lines):
            bundles.append(bundle)
    return Due(tuple(bundles), tuple(hopeless))


async def claim(commit: Commit, found: Due) -> None:
    """Take what is due, so that nobody else does; it was found in this very transaction."""
    if found.hopeless:
        why = "the settings no longer name this recipient for this place"
        await commit.connection.execute(_GIVEN_UP, {"ids": found.hopeless, "now": commit.now, "why": why})
    claims = [
        {"of": line.message_id, "now_bundle": bundle.id, "now_due": commit.now + LEASE}
        for bundle in found.bundles
        for line in bundle.lines
    ]
    if claims:
        await commit.connection.execute(_CLAIM, claims)


def _bundle(number: int, rows: Iterable[Any]) -> Bundle:
    found = list(rows)
    lines = tuple(
        Line(
            row.id,
            row.event,
            row.text,
            row.alert_id,
            row.rule,
            row.kind,
            row.level,
            row.rank,
            row.opened,
            row.thing_key or "",
            row.thing_name,
            row.site,
            row.site_name,
            row.room,
        )
        for row in found
    )
    return Bundle(number, found[0].channel, found[0].recipient, found[0].attempts + 1, lines)


async def note(commit: Commit, bundle: Bundle, outcome: Outcome) -> None:
    """Write what became of a bundle."""
    ids = [line.message_id for line in bundle.lines]
    why = outcome.reason[:_LONGEST_REASON]
    if outcome.fate is Fate.SENT:
        await commit.connection.execute(_SENT, {"ids": ids, "now": commit.now})
    elif outcome.fate is Fate.REFUSED or bundle.attempt >= MOST_ATTEMPTS:
        await commit.connection.execute(_GIVEN_UP, {"ids": ids, "now": commit.now, "why": why})
    else:
        again = commit.now + patience(bundle.attempt)
        await commit.connection.execute(_FAILED, {"ids": ids, "again": again, "why": why})


@dataclass(frozen=True, slots=True)
class Trouble:
    """A recipient who cannot be told.

    Attributes:
        channel: `mail` or `webhook`.
        recipient: id in the settings.
        waiting: messages that are tried again.
        given_up: messages of the last week that are not.
        error: of one of the attempts that failed.
    """

    channel: str
    recipient: str
    waiting: int
    given_up: int
    error: str


_TROUBLE: Final = (
    select(
        message.c.channel,
        message.c.recipient,
        func.sum(message.c.given_up.is_(None).cast(message.c.attempts.type)),
        func.count(),
        func.max(message.c.error),
    )
    .where(message.c.sent.is_(None), message.c.error.is_not(None))
    .where((message.c.given_up.is_(None)) | (message.c.given_up > bindparam("since")))
    .group_by(message.c.channel, message.c.recipient)
    .order_by(message.c.channel, message.c.recipient)
)


async def trouble(connection: AsyncConnection, now: int) -> list[Trouble]:
    """Return every recipient whom something could not be sent to, and is not yet."""
    rows = await connection.execute(_TROUBLE, {"since": now - 7 * DAY})
    return [
        Trouble(channel, recipient, int(waiting or 0), total - int(waiting or 0), error)
        for channel, recipient, waiting, total, error in rows
    ]
