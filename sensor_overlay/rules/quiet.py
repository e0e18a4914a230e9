"""When nothing is sent: nights, weekends, holidays, by the clocks of Germany."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sensor_overlay.instants import instant_of, moment_of
from sensor_overlay.rules.calendar import Calendar
from sensor_overlay.rules.words import BERLIN

_MOST_DAYS: Final = 400
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Quiet times of a rule, by local time.

    Attributes:
        begin: time of day from which it is quiet; None for no such time.
        end: until then; where it is not after `begin`, on the next day.
        weekends: Saturdays and Sundays are quiet as a whole.
        calendar: its free days are quiet as a whole; None for none.
    """

    begin: time | None = None
    end: time | None = None
    weekends: bool = False
    calendar: Calendar | None = field(default=None, compare=False)

    def is_quiet(self, instant: int) -> bool:
        """Return whether nothing is sent at an instant."""
        local = moment_of(instant).astimezone(BERLIN)
        return self._is_quiet_day(local.date()) or self._is_quiet_time(local.time())

    def over(self, instant: int) -> int:
        """Return the instant at which it is no longer quiet: `instant` itself where it is not.

        A year that is quiet throughout has an end as well: what was raised in it is told then.
        """
        if not self.is_quiet(instant):
            return instant
        day = moment_of(instant).astimezone(BERLIN).date()
        for _ in range(_MOST_DAYS):
            for found in self._turns(day):
                if found > instant and not self.is_quiet(found):
                    return found
            day += _DAY
        return self._turns(day)[0]

    def awake(self, begin: int, end: int) -> int:
        """Return how many microseconds between two instants are not quiet."""
        total, now = 0, begin
        while now < end:
            start = self.over(now)
            if start >= end:
                break
            stop = min(end, self._next_quiet(start))
            total += stop - start
            now = stop
        return total

    def _next_quiet(self, instant: int) -> int:
        """Return the next instant at which it becomes quiet, or one a day later that is still awake."""
        day = moment_of(instant).astimezone(BERLIN).date()
        for found in (*self._turns(day), *self._turns(day + _DAY)):
            if found > instant and self.is_quiet(found):
                return found
        return self._turns(day + _DAY)[0]

    def _turns(self, day: date) -> list[int]:
        """Return the instants of a day at which quiet can begin or end, in order.

        Those are its midnight, the times of day, both times where clocks show one twice, and the hour at which clocks
        change, since the times of day in between never are (Directive 2000/84/EC: at 01:00 UTC).
        """
        times = {time(0), self.begin or time(0), self.end or time(0)}
        local = {instant_of(datetime.combine(day, at.replace(fold=fold), BERLIN)) for at in times for fold in (0, 1)}
        return sorted({*local, instant_of(datetime.combine(day, time(1), UTC))})

    def _is_quiet_day(self, day: date) -> bool:
        return (self.weekends and day.weekday() >= 5) or (self.calendar is not None and self.calendar.is_free(day))

    def _is_quiet_time(self, now: time) -> bool:
        if self.begin is None or self.end is None:
            return False
        if self.begin < self.end:
            return self.begin <= now < self.end
        return now >= self.begin or now < self.end


ALWAYS_AWAKE: Final = Quiet()
