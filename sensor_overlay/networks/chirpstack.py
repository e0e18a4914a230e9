"""ChirpStack v4: integration events over MQTT or HTTP, as JSON or as protobuf.

The JSON is protobuf's (field names in camel case; what is zero, false or empty is left out).
https://www.chirpstack.io/docs/chirpstack/integrations/events.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from sensor_overlay.networks import chirpstack_protobuf, fields
from sensor_overlay.uplink import BadMessageError, Cause, DeviceStatus, Ignored, Joined, Message, Uplink

TOPICS = ("application/+/device/+/event/+",)
EVENTS = ("up", "status", "join", "ack", "txack", "log", "location", "integration")

# A county that bridges brokers puts levels of its own in front.
_TOPIC = re.compile(r"(?:.+/)?application/[^/]{1,64}/device/([^/]{1,64})/event/([^/]{1,32})", re.DOTALL)
_OUR_PREFIX = re.compile(r"[^\x00-\x1f\x7f+#]*")

_U32 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
_Port = Annotated[int, msgspec.Meta(ge=0, le=255)]


class _Device(msgspec.Struct, rename="camel"):
    application_name: str | None = None
    device_profile_name: str | None = None
    device_name: str | None = None
    dev_eui: str | None = None


class _Reception(msgspec.Struct, rename="camel"):
    rssi: float | None = None
    snr: float | None = None
    ns_time: str | None = None


class _Lora(msgspec.Struct, rename="camel"):
    bandwidth: _U32 | None = None
    spreading_factor: _U32 | None = None


class _Modulation(msgspec.Struct):
    lora: _Lora | None = None


class _Transmission(msgspec.Struct):
    modulation: _Modulation | None = None


class _Event(msgspec.Struct, rename="camel"):
    time: str | None = None
    device_info: _Device | None = None


class _Up(_Event, rename="camel"):
    deduplication_id: str | None = None
    dev_addr: str | None = None
    dr: _U32 | None = None
    f_cnt: _U32 | None = None
    f_port: _Port | None = None
    data: str | None = None
    object: dict[str, Any] | None = None
    rx_info: list[_Reception] | None = None
    tx_info: _Transmission | None = None


class _Join(_Event, rename="camel"):
    dev_addr: str | None = None


class _Status(_Event, rename="camel"):
    margin: float | None = None
    external_power_source: bool | None = None
    battery_level_unavailable: bool | None = None
    battery_level: float | None = None


class _Log(_Event, rename="camel"):
    level: str | int | None = None
    code: str | int | None = None
    description: str | None = None


# Protobuf's JSON may write numbers as text; lax decoders take both.
_UP = msgspec.json.Decoder(_Up, strict=False)
_JOIN = msgspec.json.Decoder(_Join, strict=False)
_STATUS = msgspec.json.Decoder(_Status, strict=False)
_LOG = msgspec.json.Decoder(_Log, strict=False)
_EVENT = msgspec.json.Decoder(_Event, strict=False)
_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def eui_of_topic(topic: str) -> str:
    """Return the EUI that a topic names, empty where it names none."""
    found = _TOPIC.fullmatch(topic)
    return found[1].lower() if found and fields.is_eui(found[1]) else ""


def read(topic: str | None, body: bytes, event: str) -> Message:
    """Return what one event says; see `sensor_overlay.networks.read`."""
    dev_eui = ""
    if topic is not None:
        dev_eui, event = _parts(topic)
    try:
        if not body:
            raise BadMessageError(Cause.MALFORMED, "the message is empty")
        if _is_protobuf(body):
            return _from_protobuf(body, event, dev_eui)
        return _from_json(body, event, dev_eui)
    except BadMessageError as error:
        error.dev_eui = error.dev_eui or dev_eui
        raise


def _parts(topic: str) -> tuple[str, str]:
    found = _TOPIC.fullmatch(topic)
    if found is None or not _OUR_PREFIX.fullmatch(topic):
        raise BadMessageError(Cause.TOPIC, "the topic is not application/…/device/…/event/… as ChirpStack v4 has it")
    if not fields.is_eui(found[1]):
        raise BadMessageError(Cause.TOPIC, "the topic's device is not 16 hexadecimal digits")
    return found[1].lower(), found[2]


def _is_protobuf(body: bytes) -> bool:
    # Field 1 of every event is a number or has a length, and times and device follow: tags 08, 0a, 12, 1a.  Of these
    # only 0a may begin a JSON text too, as a line break, and then a brace closes it.
    if body[0] not in b"\x08\x0a\x12\x1a":
        return False
    return not (body[0] == 0x0A and body.lstrip()[:1] == b"{" and body.rstrip()[-1:] == b"}")


def _from_json(body: bytes, event: str, dev_eui: str) -> Message:
    event = event or _event_of(fields.from_json(_KEYS, body))
    if event == "up":
        return _uplink(fields.from_json(_UP, body), dev_eui)
    if event == "status":
        status = fields.from_json(_STATUS, body)
        return _status(
            _device(status, dev_eui),
            fields.instant(status.time),
            margin=status.margin,
            is_externally_powered=bool(status.external_power_source),
            is_unknown=bool(status.battery_level_unavailable),
            battery=status.battery_level,
        )
    if event == "join":
        join = fields.from_json(_JOIN, body)
        return Joined(
            dev_eui=_device(join, dev_eui), dev_addr=fields.address(join.dev_addr), time=fields.instant(join.time)
        )
    if event == "log":
        log = fields.from_json(_LOG, body)
        detail = " ".join(str(part) for part in (log.level, log.code, log.description) if part)
        return Ignored(event="log", dev_eui=_device(log, dev_eui), detail=fields.name(detail))
    if event in EVENTS:
        return Ignored(event=event, dev_eui=_device(fields.from_json(_EVENT, body), dev_eui))
    raise _unknown(event)


def _unknown(event: str) -> BadMessageError:
    if event:
        return BadMessageError(Cause.TOPIC, "the event is none that ChirpStack v4 has: " + ", ".join(EVENTS))
    return BadMessageError(
        Cause.MALFORMED, "it is not told which event this is; let ChirpStack call the address with ?event=…"
    )


def _event_of(keys: dict[str, msgspec.Raw]) -> str:
    """Return the event of a body that nothing else names: what only that event has."""
    if keys.keys() & {"data", "fCnt", "fPort", "rxInfo", "txInfo", "object"} and "queueItemId" not in keys:
        return "up"
    if keys.keys() & {"margin", "batteryLevel", "batteryLevelUnavailable", "externalPowerSource"}:
        return "status"
    return ""


def _device(event: _Event, dev_eui: str) -> str:
    if event.device_info is None:
        detail = "deviceInfo is missing; ChirpStack v4 always sends it (version 3 is not understood)"
        raise BadMessageError(Cause.MALFORMED, detail)
    return dev_eui or fields.eui(event.device_info.dev_eui, what="deviceInfo.devEui")


def _uplink(up: _Up, dev_eui: str) -> Uplink:
    dev_eui = _device(up, dev_eui)
    device = up.device_info or _Device()
    rssi, snr = _best((reception.rssi, reception.snr) for reception in up.rx_info or ())
    lora = up.tx_info and up.tx_info.modulation and up.tx_info.modulation.lora
    rate = fields.data_rate(lora.spreading_factor or 0, lora.bandwidth or 0) if lora else ""
    try:
        return Uplink(
            network="chirpstack",
            dev_eui=dev_eui,
            time=fields.instant(up.time),
            heard=_earliest(_told(reception.ns_time) for reception in up.rx_info or ()),
            dev_addr=fields.address(up.dev_addr),
            f_cnt=up.f_cnt or 0,
            f_port=up.f_port or 0,
            payload=fields.payload(fields.unbased(up.data, what="data")),
            object=up.object,
            deduplication_id=fields.name(up.deduplication_id),
            name=fields.name(device.device_name),
            application=fields.name(device.application_name),
            profile=fields.name(device.device_profile_name),
            rssi=rssi,
            snr=snr,
            data_rate=rate or f"DR{up.dr or 0}",
        )
    except BadMessageError as error:
        error.dev_eui = dev_eui
        raise


def _best(receptions: Iterable[tuple[float | None, float | None]]) -> tuple[float | None, float | None]:
    """Return RSSI and SNR at the gateway that heard best."""
    best_rssi: float | None = None
    best_snr: float | None = None
    for rssi, snr in receptions:
        # No gateway hears 0 dBm: it is a field that was left out.
        told = fields.finite(rssi) or None
        if told is not None and (best_rssi is None or told > best_rssi):
            best_rssi, best_snr = told, fields.finite(snr if snr is not None else 0.0)
    return best_rssi, best_snr


def _told(text: str | None) -> int | None:
    """Return an instant that is good to know: one that makes no sense costs nobody the uplink."""
    try:
        return fields.instant(text)
    except BadMessageError:
        return None


def _earliest(instants: Iterable[int | None]) -> int | None:
    return min((instant for instant in instants if instant is not None), default=None)


def _status(
    dev_eui: str,
    time: int | None,
    *,
    margin: float | None,
    is_externally_powered: bool,
    is_unknown: bool,
    battery: float | None,
) -> DeviceStatus:
    # What was left out is zero: an empty battery, were it not for the two flags.
    level = None if is_externally_powered or is_unknown else fields.finite(battery or 0.0)
    return DeviceStatus(
        dev_eui=dev_eui,
        time=time,
        battery=level,
        margin=fields.finite(margin or 0.0),
        is_externally_powered=is_externally_powered,
    )


def _from_protobuf(body: bytes, event: str, dev_eui: str) -> Message:
    if event not in EVENTS:
        raise _unknown(event)
    message: Any = chirpstack_protobuf.parse(event, body)
    if message is None:
        return Ignored(event=event, dev_eui=dev_eui)
    device = message.device_info
    if not message.HasField("device_info"):
        raise BadMessageError(Cause.MALFORMED, "device_info is missing; ChirpStack v4 always sends it")
    dev_eui = dev_eui or fields.eui(device.dev_eui, what="device_info.dev_eui")
    time = chirpstack_protobuf.instant(message)
    if event == "join":
        return Joined(dev_eui=dev_eui, dev_addr=fields.address(message.dev_addr), time=time)
    if event == "status":
        return _status(
            dev_eui,
            time,
            margin=message.margin,
            is_externally_powered=message.external_power_source,
            is_unknown=message.battery_level_unavailable,
            battery=message.battery_level,
        )
    if event != "up":
        return Ignored(event=event, dev_eui=dev_eui, detail=fields.name(getattr(message, "description", "")))
    if message.f_port > 255:
        raise BadMessageError(Cause.MALFORMED, "f_port is above 255", dev_eui=dev_eui)
    rssi, snr = _best((reception.rssi, reception.snr) for reception in message.rx_info)
    lora = message.tx_info.modulation.lora
    return Uplink(
        network="chirpstack",
        dev_eui=dev_eui,
        time=time,
        heard=_earliest(chirpstack_protobuf.ns_time(reception) for reception in message.rx_info),
        dev_addr=fields.address(message.dev_addr),
        f_cnt=message.f_cnt,
        f_port=message.f_port,
        payload=fields.payload(message.data),
        object=chirpstack_protobuf.plain(message.object) if message.HasField("object") else None,
        deduplication_id=fields.name(message.deduplication_id),
        name=fields.name(device.device_name),
        application=fields.name(device.application_name),
        profile=fields.name(device.device_profile_name),
        rssi=rssi,
        snr=snr,
        data_rate=fields.data_rate(lora.spreading_factor, lora.bandwidth) or f"DR{message.dr}",
    )
