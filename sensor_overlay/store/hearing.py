"""When a thing was heard last: by the network's time, as far as that can be believed.

What waited at a broker while we were away tells when it was heard, so a sensor that died meanwhile is not taken for
one that has just sent. But that time may be a gateway's clock, and clocks go wrong: then only the server's is left.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensor_overlay.instants import SECOND
from sensor_overlay.store.observing import FUTURE, PAST


@dataclass(frozen=True, slots=True)
class Heard:
    """How a thing was heard last.

    Attributes:
        seen: instant at which the network heard it; None where it never did.
        arrived: server time at which something of it came last.
        told: the time that this told of itself.
    """

    seen: int | None = None
    arrived: int | None = None
    told: int | None = None

    def by(self, now: int) -> Heard:
        """Return what of this can be so by the server's clock: nothing, where that was set back since.

        Example:
            >>> hour = 3_600_000_000
            >>> Heard(5 * hour, 5 * hour, 5 * hour).by(3 * hour)
            Heard(seen=None, arrived=None, told=None)
        """
        return Heard() if self.arrived is not None and self.arrived > now + FUTURE else self

    def then(self, told: int | None, arrived: int, interval: int) -> Heard:
        """Return how it was heard after one more message.

        A time that cannot be (1970, 2099) is not believed, nor is one to come. One that lies back is believed, unless
        the message before it lay back as far, and half an interval or more is between their arrivals: what waited
        comes faster than it was sent, and only a clock that is slow goes with ours at a distance.

        Args:
            told: the time that the message tells, None where it tells none.
            arrived: server time at which it came.
            interval: that the thing is expected in, seconds.

        Example:
            >>> hour = 3_600_000_000
            >>> before = Heard(10 * hour, 10 * hour, 10 * hour)
            >>> waited = before.then(12 * hour, 20 * hour, 3600)
            >>> waited.seen // hour, waited.then(13 * hour, 20 * hour, 3600).seen // hour
            (12, 13)
            >>> slow = waited.then(13 * hour, 21 * hour, 3600)  # eight hours behind, as the one before
            >>> slow.seen // hour
            21
        """
        told = arrived if told is None or not arrived - PAST <= told <= arrived + FUTURE else told
        seen = min(told, arrived)
        if self.arrived is not None and self.told is not None:
            half = interval * SECOND // 2
            slower = abs((arrived - told) - (self.arrived - self.told))
            if arrived - self.arrived >= half and slower <= half:
                seen = arrived
        if self.arrived is not None and arrived < self.arrived:  # a replay, or another instance was faster
            return Heard(max(seen, self.seen or seen), self.arrived, self.told)
        return Heard(seen if self.seen is None else max(seen, self.seen), arrived, told)
