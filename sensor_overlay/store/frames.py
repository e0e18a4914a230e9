"""When two uplinks are one frame: the rule that makes intake idempotent.

A LoRaWAN device counts its frames (LoRaWAN 1.0.4, 4.3.1.5), so within a session a frame is told by its counter, and a
retransmission repeats it as it was. Brokers deliver again, network servers hand the same frame out twice (seen 48
seconds apart), several gateways hear it: all of these have the same counter, port and payload, and times that lie close
together. A device whose counter began anew may send an equal frame as well, but later: a counter does not come back
within the hour.

So two uplinks are one where all that the frame says is equal and their times are less than an hour apart. That looks at
nothing but the two: it does not depend on the order in which uplinks come, needs no memory of where a counter stands,
and no hash that could be equal by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from sensor_overlay.instants import DAY, HOUR
from sensor_overlay.uplink import Uplink

WINDOW: Final = HOUR
"""Equal frames are one where their times are closer than this."""
UNTIMED_WINDOW: Final = 7 * DAY
"""The same where a message does not tell its time: a broker may keep it for so long before it is delivered again."""

FrameKey = tuple[int, int, str, str, int, bytes]


@dataclass(slots=True)
class Frame:
    """A frame that is kept, or is about to be.

    Attributes:
        id: of its row in `uplink`.
        time: instant that it stands at.
        deduplication: the network server's own id, else empty.
        is_decoded: observations were made of it.
    """

    id: int
    time: int
    deduplication: str
    is_decoded: bool

    def is_that_of(self, uplink: Uplink, received: int) -> bool:
        """Return whether `uplink`, which has the same `frame_key`, is this frame again."""
        if self.deduplication and self.deduplication == uplink.deduplication_id:
            return True
        if uplink.time is None:
            return abs(received - self.time) < UNTIMED_WINDOW
        return abs(uplink.time - self.time) < WINDOW


def frame_key(thing_id: int, uplink: Uplink) -> FrameKey:
    """Return what the frame itself says; equal for every copy of it."""
    return thing_id, uplink.f_cnt, uplink.dev_addr, uplink.session, uplink.f_port, frame_payload(uplink)


def frame_payload(uplink: Uplink) -> bytes:
    """Return a frame's payload; where the network server tells only what it decoded, that: it differs as well.

    Some integrations leave out `data`, and a counter of 0 is left out anyway: all frames of a device would look alike.
    """
    if uplink.payload or uplink.object is None:
        return uplink.payload
    return msgspec.json.encode(uplink.object, order="deterministic")
