"""What is to be told, to whom and when: rows of `message`, written with the alert itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from sensor_overlay.instants import HOUR, MINUTE, SECOND
from sensor_overlay.rules.quiet import Quiet
from sensor_overlay.rules.rule import Recipient
from sensor_overlay.store.lists import Numbers, among
from sensor_overlay.store.opening import Commit
from sensor_overlay.store.schema import alert, message

SETTLING: Final = 5 * SECOND
"""Before anything is told: what opens and ends in the same moment is no news."""
CATCHING_UP: Final = 2 * MINUTE
"""Before something is told of values that come late, since what follows them is on its way as well."""
LONGEST_GATHERING: Final = HOUR

OPENED: Final = "opened"
ESCALATED: Final = "escalated"
CLOSED: Final = "closed"
_RAISED: Final = "raised-"


def raised_to(rank: int) -> str:
    """Return the event of an alert that is raised to a level."""
    return f"{_RAISED}{rank}"


@dataclass(frozen=True, slots=True)
class Telling:
    """What is to be told of one alert.

    Attributes:
        alert_id: whose.
        event: one of those above; of each alert each is told once.
        text: German.
        quiet: when not.
        recipients: who hears of it, already limited to their sites. The end of an alert is told to those who were
            told of it, whoever they are.
        after: microseconds from now at the earliest.
        gathers: it is about silence, and waits for other sensors that fall silent by the same cause: it is told with
            those that wait already.
    """

    alert_id: int
    event: str
    text: str
    quiet: Quiet
    recipients: tuple[Recipient, ...] = ()
    after: int = SETTLING
    gathers: bool = False


# Not sent, and no sending was tried: nobody can have it.
_UNTOUCHED: Final = (message.c.sent.is_(None), message.c.given_up.is_(None), message.c.attempts == 0)
_INSERT: Final = insert(message)
_WAITING: Final = (
    select(message.c.channel, message.c.recipient, func.min(message.c.due))
    .select_from(message.join(alert))
    .where(*_UNTOUCHED, message.c.due > bindparam("now"), alert.c.kind == "silence")
    .group_by(message.c.channel, message.c.recipient)
)
_EVENTS: Final = select(message.c.alert_id, message.c.event).where(among(message.c.alert_id, "ids", Numbers))
_TOLD: Final = (
    select(message.c.alert_id, message.c.channel, message.c.recipient)
    .where(among(message.c.alert_id, "ids", Numbers), or_(message.c.sent.is_not(None), message.c.attempts > 0))
    .distinct()
    .order_by(message.c.alert_id, message.c.recipient, message.c.channel)
)
_FORGET: Final = delete(message).where(among(message.c.alert_id, "ids", Numbers), *_UNTOUCHED)
_REWORD: Final = update(message).where(message.c.alert_id == bindparam("of"), *_UNTOUCHED).values(text=bindparam("now"))


async def tell(commit: Commit, tellings: Sequence[Telling]) -> None:
    """Write what is to be told of alerts that are open.

    Where an alert is raised before anybody was told that it opened, that it is raised says it all.
    """
    raised = [telling.alert_id for telling in tellings if telling.event.startswith(_RAISED)]
    if raised:
        found = await commit.connection.execute(_EVENTS, {"ids": raised})
        known = {(alert_id, event) for alert_id, event in found}
        tellings = [telling for telling in tellings if (telling.alert_id, telling.event) not in known]
        await forget(commit, [telling.alert_id for telling in tellings if telling.event.startswith(_RAISED)])
    dues = await _Dues.of(commit, tellings)
    rows = [
        _row(telling, channel, recipient.id, dues.of_telling(telling, channel, recipient.id))
        for telling in tellings
        for recipient in telling.recipients
        for channel in recipient.channels
    ]
    if rows:
        await commit.connection.execute(_INSERT, rows)


async def tell_end(commit: Commit, tellings: Sequence[Telling]) -> None:
    """Write that alerts are over, for those who were told of them; others need not hear of them any more.

    A telling without a text is told to nobody.
    """
    if not tellings:
        return
    by_alert = {telling.alert_id: telling for telling in tellings}
    await forget(commit, by_alert)
    told = (await commit.connection.execute(_TOLD, {"ids": list(by_alert)})).all()
    dues = await _Dues.of(commit, tellings)
    rows = [
        _row(by_alert[alert_id], channel, recipient, dues.of_telling(by_alert[alert_id], channel, recipient))
        for alert_id, channel, recipient in told
        if by_alert[alert_id].text
    ]
    if rows:
        await commit.connection.execute(_INSERT, rows)


async def forget(commit: Commit, alert_ids: Iterable[int]) -> None:
    """Remove what is not sent yet, and of which no sending was tried."""
    ids = list(alert_ids)
    if ids:
        await commit.connection.execute(_FORGET, {"ids": ids})


async def reword(commit: Commit, texts: Sequence[tuple[int, str]]) -> None:
    """Let what is not sent yet say what is the case now; pairs of an alert's id and its text."""
    if texts:
        await commit.connection.execute(_REWORD, [{"of": alert_id, "now": text} for alert_id, text in texts])


def gathering(expected_interval: int) -> int:
    """Return how long the silence of a thing waits for that of others, whose last uplinks came at other moments."""
    return min(expected_interval * SECOND, LONGEST_GATHERING)


class _Dues:
    """When something is sent: after quiet times, and what gathers together with what gathers already."""

    def __init__(self, now: int, waiting: dict[tuple[str, str], int]) -> None:
        self._now = now
        self._waiting = waiting
        self._over: dict[tuple[int, int], int] = {}  # of each rule's quiet times: holidays take weeks to look through

    @classmethod
    async def of(cls, commit: Commit, tellings: Sequence[Telling]) -> _Dues:
        waiting: dict[tuple[str, str], int] = {}
        if any(telling.gathers for telling in tellings):
            for channel, recipient, due in await commit.connection.execute(_WAITING, {"now": commit.now}):
                waiting[channel, recipient] = due
        return cls(commit.now, waiting)

    def of_telling(self, telling: Telling, channel: str, recipient: str) -> int:
        asked = (id(telling.quiet), telling.after)
        own = self._over.get(asked)
        if own is None:
            own = self._over[asked] = telling.quiet.over(self._now + telling.after)
        if not telling.gathers:
            return own
        joined = self._waiting.setdefault((channel, recipient), own)
        return joined if joined <= own and not telling.quiet.is_quiet(joined) else own


def _row(telling: Telling, channel: str, recipient: str, due: int) -> dict[str, Any]:
    return {
        "alert_id": telling.alert_id,
        "event": telling.event,
        "channel": channel,
        "recipient": recipient,
        "text": telling.text,
        "due": due,
    }
