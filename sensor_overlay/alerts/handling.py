"""What people do with alerts: they acknowledge them, and close them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from sqlalchemy import delete, insert, select, update

from sensor_overlay.access import Principal, visible
from sensor_overlay.alerts.judging import HELD
from sensor_overlay.alerts.messages import CLOSED, Telling, tell_end
from sensor_overlay.alerts.texts import closed_text
from sensor_overlay.rules.quiet import ALWAYS_AWAKE
from sensor_overlay.store.opening import Commit
from sensor_overlay.store.schema import alert, thing, watch

LONGEST_NAME: Final = 200


class Handled(StrEnum):
    """What came of it."""

    DONE = "done"
    ALREADY = "already"
    """Somebody did it before, or it ended by itself."""
    ABSENT = "absent"
    """There is no such alert, or this person may not see it."""


async def acknowledge(commit: Commit, alert_id: int, principal: Principal) -> Handled:
    """Note that somebody takes care of an alert: it does not escalate any more, and stays open.

    Args:
        commit: the transaction.
        alert_id: of the alert.
        principal: who; whether they have the right `alerts`, the caller has checked.
    """
    row = await _seen(commit, alert_id, principal)
    if row is None:
        return Handled.ABSENT
    if row.closed is not None or row.acknowledged is not None:
        return Handled.ALREADY
    await commit.connection.execute(
        update(alert)
        .where(alert.c.id == alert_id)
        .values(acknowledged=commit.now, acknowledged_by=_name(principal), sequence=commit.sequence)
    )
    return Handled.DONE


async def close(commit: Commit, alert_id: int, principal: Principal) -> Handled:
    """End an alert by hand; while what it is about goes on, it does not open again, unless it becomes worse.

    Args:
        commit: the transaction.
        alert_id: of the alert.
        principal: see `acknowledge`.
    """
    row = await _seen(commit, alert_id, principal)
    if row is None:
        return Handled.ABSENT
    if row.closed is not None:
        return Handled.ALREADY
    connection = commit.connection
    await connection.execute(
        update(alert)
        .where(alert.c.id == alert_id)
        .values(closed=commit.now, closed_by=_name(principal), sequence=commit.sequence)
    )
    await connection.execute(delete(watch).where(watch.c.subject == row.subject, watch.c.rank <= row.rank))
    await connection.execute(
        insert(watch).values(
            subject=row.subject, rank=HELD, since=commit.now, last=commit.now, readings=0, held=row.rank
        )
    )
    # A person did it: whoever was told hears of it at once, as far as the sending goes.
    await tell_end(commit, [Telling(alert_id, CLOSED, closed_text(row.text), ALWAYS_AWAKE)])
    return Handled.DONE


async def _seen(commit: Commit, alert_id: int, principal: Principal) -> Any:
    query = (
        select(alert.c.id, alert.c.subject, alert.c.rank, alert.c.text, alert.c.acknowledged, alert.c.closed)
        .select_from(alert.join(thing))
        .where(alert.c.id == alert_id, visible(principal))
    )
    return (await commit.connection.execute(query)).one_or_none()


def _name(principal: Principal) -> str:
    return principal.name[:LONGEST_NAME]
