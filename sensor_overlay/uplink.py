"""What comes in from a LoRaWAN network server, and what we take from it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Cause(enum.StrEnum):
    """Why a message could not become observations; stands in the dead-letter table."""

    TOO_LARGE = "too-large"
    NOT_JSON = "not-json"
    NOT_PROTOBUF = "not-protobuf"
    MALFORMED = "malformed"
    """It is JSON or protobuf, but a field that is needed is missing or of the wrong kind."""
    TOPIC = "topic"
    """The topic is none that the network server's documentation knows."""
    NO_CODEC = "no-codec"
    """Nothing decoded the payload: no object from the network server, and no codec for the device's model."""
    UNDECODABLE = "undecodable"
    """The codec for the device's model does not understand the payload."""
    TOO_MANY_UNKNOWN = "too-many-unknown"
    """More devices that nobody registered than the twin keeps."""


class BadMessageError(Exception):
    """A message that becomes a dead letter.

    Attributes:
        cause: see `Cause`.
        detail: one sentence for a person; never the message itself.
        dev_eui: the device, as far as the topic or the body told it.
    """

    def __init__(self, cause: Cause, detail: str, *, dev_eui: str = "") -> None:
        super().__init__(cause, detail, dev_eui)
        self.cause = cause
        self.detail = detail
        self.dev_eui = dev_eui

    def __str__(self) -> str:
        return f"{self.cause}: {self.detail}"


class Quality(enum.IntFlag):
    """What must be known about an observation; 0 is a sound one."""

    SOUND = 0
    IMPLAUSIBLE = 1
    """Outside what the observed property, or the sensor, can be: never an alert, never an average."""
    CLOCK = 2
    """The time was that of a clock gone wrong (1970, 2099): never the latest, never an alert."""
    LATE = 4
    """It came after newer ones, and went to its place in time."""
    TEST = 8
    """The thing is in its test phase: shown as such, never an alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """One uplink as the network server told it.

    Attributes:
        network: `chirpstack` or `tts`.
        dev_eui: 16 lower-case hexadecimal digits; the topic's where both tell one.
        time: instant that the network received it, as the message says; None where it does not say. With ChirpStack it
            may be the gateway's clock.
        heard: the same by the network server's own clock; None where that is not told.
        dev_addr: 8 lower-case hexadecimal digits; the session in which `f_cnt` counts. Empty where unknown.
        session: what else names that session (`session_key_id` of The Things Stack); empty where nothing does.
        f_cnt: frame counter; absent means 0.
        f_port: port; absent means 0.
        payload: the decrypted frame payload.
        object: what the network server decoded from it, None where it has no codec for the device.
        deduplication_id: the network server's own id of the uplink; empty where it has none.
        is_simulated: made in the network server's console; never an observation.
        name: the device's name there.
        application: id or name of the application there.
        profile: name of the device profile or model, which helps to find the codec; empty where unknown.
        rssi: dBm at the best gateway, None where not told.
        snr: dB at that gateway.
        data_rate: spreading factor and bandwidth or DR number, as text (`SF7BW125`); empty where not told.
    """

    network: str
    dev_eui: str
    time: int | None = None
    heard: int | None = None
    dev_addr: str = ""
    session: str = ""
    f_cnt: int = 0
    f_port: int = 0
    payload: bytes = b""
    object: Mapping[str, Any] | None = None
    deduplication_id: str = ""
    is_simulated: bool = False
    name: str = ""
    application: str = ""
    profile: str = ""
    rssi: float | None = None
    snr: float | None = None
    data_rate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatus:
    """What a device tells about itself between uplinks (ChirpStack's `status` event).

    Attributes:
        dev_eui: as in `Uplink`.
        time: as in `Uplink`.
        battery: percent; None on external power or unknown.
        margin: dB by which it heard the last downlink better than it needs to; None where not told.
        is_externally_powered: no battery.
    """

    dev_eui: str
    time: int | None = None
    battery: float | None = None
    margin: float | None = None
    is_externally_powered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A device began a new session, in which its frame counter starts at 0."""

    dev_eui: str
    dev_addr: str = ""
    time: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A message that is well-formed and of no interest here (acknowledgements, logs, downlinks)."""

    event: str
    dev_eui: str = ""
    detail: str = ""


Message = Uplink | DeviceStatus | Joined | Ignored


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value.

    Attributes:
        observed_property: key in `sensor_overlay.observed.PROPERTIES`, or a name of the device's own.
        value: in the unit of that property.
    """

    observed_property: str
    value: float


@dataclass(frozen=True, slots=True)
class Decoded:
    """What an uplink's payload says.

    Attributes:
        readings: values of now, at most one of each property.
        history: values that the device remembered, each with its instant.
        notes: what was left out, one sentence each.
    """

    readings: tuple[Reading, ...]
    history: tuple[tuple[int, Reading], ...] = ()
    notes: tuple[str, ...] = field(default=())
