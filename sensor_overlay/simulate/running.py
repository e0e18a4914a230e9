"""A whole run: what was of late at once or in quick motion, then what happens as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from sensor_overlay import instants
from sensor_overlay.instants import HOUR, SECOND
from sensor_overlay.simulate.days import school_shift
from sensor_overlay.simulate.plan import Plan
from sensor_overlay.simulate.publishing import Clock, Publish, Sent, Sleep, publish
from sensor_overlay.simulate.traffic import Disorder, Traffic

DEAD_HOURS = 10
"""Sensors that die did so long before the run began."""
_LIVE_STEP = 10 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a run goes.

    Attributes:
        hours: of the past that are told first.
        speed: how many times as fast as they happened; 0 as fast as the broker takes them.
        rate: messages a second at most; 0 without limit.
        sparse_hours: of what is older only every third uplink is told, as if the others were lost; 0 tells all.
        live: go on with the present until stopped.
        is_school_day: let the schools have lessons, whatever day and hour it is.
        is_protobuf: messages are ChirpStack's protobuf, not its JSON.
        disorder: how the way to the twin misbehaves.
    """

    hours: float = 0.0
    speed: float = 0.0
    rate: float = 0.0
    sparse_hours: float = 0.0
    live: bool = True
    is_school_day: bool = False
    is_protobuf: bool = False
    disorder: Disorder = field(default_factory=Disorder)


async def run(
    plan: Plan,
    send: Publish,
    wanted: Run,
    *,
    clock: Clock = instants.now,
    sleep: Sleep = asyncio.sleep,
    on_history: Callable[[Sent], None] | None = None,
) -> Sent:
    """Return what was published, after the run; one that goes on is ended by cancelling it.

    Args:
        plan: the sensors.
        send: see `publishing.connected`.
        wanted: how it goes.
        clock, sleep: the time.
        on_history: called once the past has been told.
    """
    began = clock()
    traffic = Traffic(
        plan,
        disorder=wanted.disorder,
        is_protobuf=wanted.is_protobuf,
        shift=school_shift(began) if wanted.is_school_day else 0,
        dead_since=began - DEAD_HOURS * HOUR,
        sparse_until=began - int(wanted.sparse_hours * HOUR) if wanted.sparse_hours else 0,
    )
    sent = Sent()
    told = began - int(wanted.hours * HOUR)
    # Telling takes time, in which more happens: what is left is told again, ever less of it.
    while (until := clock()) - told >= _LIVE_STEP:
        past = traffic.between(told, until)
        await publish(past, send, speed=wanted.speed, rate=wanted.rate, clock=clock, sleep=sleep, sent=sent)
        told = until
        if not wanted.live:
            break
    if on_history is not None:
        on_history(sent)
    while wanted.live:
        step = traffic.between(told, told + _LIVE_STEP)
        await publish(step, send, speed=1, rate=wanted.rate, clock=clock, sleep=sleep, sent=sent)
        told += _LIVE_STEP
        await sleep(max((told - clock()) / SECOND, 0))
    return sent
