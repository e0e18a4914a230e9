"""The Things Stack v3: application messages over MQTT or webhooks, as JSON.

What is zero, false or empty is left out.  https://www.thethingsindustries.com/docs/integrations/data-formats/
"""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec

from sensor_overlay.networks import fields
from sensor_overlay.uplink import BadMessageError, Cause, Ignored, Joined, Message, Uplink

TOPICS = ("v3/+/devices/+/up", "v3/+/devices/+/join")

# "v3/application@tenant/devices/device/up"; without "@tenant" where the stack has one tenant only.
_TOPIC = re.compile(r"(?:.+/)?v3/[^/]{1,100}/devices/([^/]{1,100})/([a-z_]{1,32}(?:/[a-z_]{1,32})?)", re.DOTALL)
_CLEAN = re.compile(r"[^\x00-\x1f\x7f+#]*")
_EUI_DEVICE = re.compile(r"eui-([0-9a-fA-F]{16})")
_KINDS = {
    "uplink_message": "up",
    "join_accept": "join",
    "downlink_queued": "down/queued",
    "downlink_sent": "down/sent",
    "downlink_ack": "down/ack",
    "downlink_nack": "down/nack",
    "downlink_failed": "down/failed",
    "downlink_queue_invalidated": "down/queue_invalidated",
    "location_solved": "location/solved",
    "service_data": "service/data",
    "uplink_normalized": "up/normalized",
}
_EVENTS = {*_KINDS.values(), "down/push", "down/replace"}

_U32 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
_Port = Annotated[int, msgspec.Meta(ge=0, le=255)]


class _Application(msgspec.Struct):
    application_id: str | None = None


class _Device(msgspec.Struct):
    device_id: str | None = None
    application_ids: _Application | None = None
    dev_eui: str | None = None
    dev_addr: str | None = None


class _Reception(msgspec.Struct):
    rssi: float | None = None
    channel_rssi: float | None = None
    snr: float | None = None


class _Lora(msgspec.Struct):
    bandwidth: _U32 | None = None
    spreading_factor: _U32 | None = None


class _DataRate(msgspec.Struct):
    lora: _Lora | None = None


class _Settings(msgspec.Struct):
    data_rate: _DataRate | None = None


class _Version(msgspec.Struct):
    model_id: str | None = None


class _Uplink(msgspec.Struct):
    session_key_id: str | None = None
    f_port: _Port | None = None
    f_cnt: _U32 | None = None
    frm_payload: str | None = None
    decoded_payload: dict[str, Any] | None = None
    rx_metadata: list[_Reception] | None = None
    settings: _Settings | None = None
    received_at: str | None = None
    version_ids: _Version | None = None


class _Join(msgspec.Struct):
    received_at: str | None = None


class _Message(msgspec.Struct):
    end_device_ids: _Device | None = None
    received_at: str | None = None
    uplink_message: _Uplink | None = None
    join_accept: _Join | None = None
    simulated: bool | None = None


# Protobuf's JSON may write numbers as text; lax decoders take both.
_DECODER = msgspec.json.Decoder(_Message, strict=False)
_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read(topic: str | None, body: bytes) -> Message:
    """Return what one message says; see `sensor_overlay.networks.read`."""
    told = _parts(topic) if topic is not None else None
    if not body:
        raise BadMessageError(Cause.MALFORMED, "the message is empty", dev_eui=_eui_of_name(told[0]) if told else "")
    try:
        message = fields.from_json(_DECODER, body)
        device = message.end_device_ids or _Device()
        if told is not None and device.device_id and device.device_id != told[0]:
            raise BadMessageError(Cause.TOPIC, "topic and body name different devices")
        dev_eui = _dev_eui(device)
    except BadMessageError as error:
        error.dev_eui = _eui_of_name(told[0]) if told else ""
        raise
    try:
        return _read(message, device, dev_eui, told[1] if told is not None else _event_of(message, body))
    except BadMessageError as error:
        error.dev_eui = dev_eui
        raise


def _parts(topic: str) -> tuple[str, str]:
    found = _TOPIC.fullmatch(topic)
    if found is None or not _CLEAN.fullmatch(topic) or found[2] not in _EVENTS:
        raise BadMessageError(Cause.TOPIC, "the topic is not v3/…/devices/…/up or another of The Things Stack v3")
    return found[1], found[2]


def _eui_of_name(device_id: str) -> str:
    found = _EUI_DEVICE.fullmatch(device_id)
    return found[1].lower() if found else ""


def _dev_eui(device: _Device) -> str:
    # Devices that are activated by personalisation may have no EUI there but in their name.
    if not device.dev_eui and device.device_id and (named := _eui_of_name(device.device_id)):
        return named
    return fields.eui(device.dev_eui, what="end_device_ids.dev_eui")


def _event_of(message: _Message, body: bytes) -> str:
    if message.uplink_message is not None:
        return "up"
    keys = fields.from_json(_KEYS, body).keys()
    for key, event in _KINDS.items():
        if key in keys:
            return event
    raise BadMessageError(Cause.MALFORMED, "it is none of the messages that The Things Stack v3 sends")


def _read(message: _Message, device: _Device, dev_eui: str, event: str) -> Message:
    if event == "join":
        accepted = message.join_accept or _Join()
        time = fields.instant(accepted.received_at or message.received_at)
        return Joined(dev_eui=dev_eui, dev_addr=fields.address(device.dev_addr), time=time)
    if event != "up":
        return Ignored(event=event, dev_eui=dev_eui)
    up = message.uplink_message
    if up is None:
        raise BadMessageError(Cause.MALFORMED, "uplink_message is missing")
    rssi, snr = _best(up.rx_metadata or [])
    # When the network server had it; the outer time is when it was passed on.
    time = fields.instant(up.received_at or message.received_at)
    lora = up.settings and up.settings.data_rate and up.settings.data_rate.lora
    return Uplink(
        network="tts",
        dev_eui=dev_eui,
        time=time,
        heard=time,
        dev_addr=fields.address(device.dev_addr),
        session=fields.name(up.session_key_id),
        f_cnt=up.f_cnt or 0,
        f_port=up.f_port or 0,
        payload=fields.payload(fields.unbased(up.frm_payload, what="frm_payload")),
        object=up.decoded_payload,
        is_simulated=bool(message.simulated),
        name=fields.name(device.device_id),
        application=fields.name(device.application_ids.application_id if device.application_ids else None),
        profile=fields.name(up.version_ids.model_id if up.version_ids else None),
        rssi=rssi,
        snr=snr,
        data_rate=fields.data_rate(lora.spreading_factor or 0, lora.bandwidth or 0) if lora else "",
    )


def _best(receptions: list[_Reception]) -> tuple[float | None, float | None]:
    """Return RSSI and SNR at the gateway that heard best."""
    best_rssi: float | None = None
    best_snr: float | None = None
    for reception in receptions:
        # No gateway hears 0 dBm: it is a field that was left out.
        rssi = fields.finite(reception.rssi or reception.channel_rssi) or None
        if rssi is not None and (best_rssi is None or rssi > best_rssi):
            best_rssi, best_snr = rssi, fields.finite(reception.snr if reception.snr is not None else 0.0)
    return best_rssi, best_snr
