"""ChirpStack v4's integration events as protobuf messages: the fields we read, by their published numbers.

The numbers are those of `api/proto/integration/integration.proto` and `api/proto/gw/gw.proto` of ChirpStack 4.  The
package `chirpstack-api` holds all of them but brings gRPC along, which nothing here calls (decision 0015); a
test holds this table against that package.  The messages live in a pool of their own, so that both can be loaded.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2, timestamp_pb2
from google.protobuf.message import DecodeError, Message

from sensor_overlay.networks import fields
from sensor_overlay.uplink import BadMessageError, Cause

_TIMESTAMP = "google.protobuf.Timestamp"
_STRUCT = "google.protobuf.Struct"
_EVENT = {"deduplication_id": (1, "string"), "time": (2, _TIMESTAMP), "device_info": (3, "DeviceInfo")}

MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "DeviceInfo": {
        "tenant_id": (1, "string"),
        "tenant_name": (2, "string"),
        "application_id": (3, "string"),
        "application_name": (4, "string"),
        "device_profile_id": (5, "string"),
        "device_profile_name": (6, "string"),
        "device_name": (7, "string"),
        "dev_eui": (8, "string"),
    },
    "UplinkRxInfo": {
        "gateway_id": (1, "string"),
        "uplink_id": (2, "uint32"),
        "rssi": (6, "int32"),
        "snr": (7, "float"),
        "ns_time": (17, _TIMESTAMP),
    },
    "LoraModulationInfo": {"bandwidth": (1, "uint32"), "spreading_factor": (2, "uint32")},
    "Modulation": {"lora": (3, "LoraModulationInfo")},
    "UplinkTxInfo": {"frequency": (1, "uint32"), "modulation": (2, "Modulation")},
    "UplinkEvent": {
        **_EVENT,
        "dev_addr": (4, "string"),
        "adr": (5, "bool"),
        "dr": (6, "uint32"),
        "f_cnt": (7, "uint32"),
        "f_port": (8, "uint32"),
        "confirmed": (9, "bool"),
        "data": (10, "bytes"),
        "object": (11, _STRUCT),
        "rx_info": (12, "[UplinkRxInfo]"),
        "tx_info": (13, "UplinkTxInfo"),
        "region_config_id": (16, "string"),
    },
    "JoinEvent": {**_EVENT, "dev_addr": (4, "string")},
    "StatusEvent": {
        **_EVENT,
        "margin": (5, "int32"),
        "external_power_source": (6, "bool"),
        "battery_level_unavailable": (7, "bool"),
        "battery_level": (8, "float"),
    },
    "LogEvent": {"time": (1, _TIMESTAMP), "device_info": (2, "DeviceInfo"), "description": (5, "string")},
    "AckEvent": dict(_EVENT),
    "LocationEvent": dict(_EVENT),
    "IntegrationEvent": dict(_EVENT),
    "TxAckEvent": {"time": (2, _TIMESTAMP), "device_info": (3, "DeviceInfo")},
}
"""Number and type of each field; a type in brackets is repeated.  Fields that are not here are skipped."""

_OF_EVENT = {
    "up": "UplinkEvent",
    "join": "JoinEvent",
    "status": "StatusEvent",
    "log": "LogEvent",
    "ack": "AckEvent",
    "txack": "TxAckEvent",
    "location": "LocationEvent",
    "integration": "IntegrationEvent",
}
_PACKAGE = "integration"


def _classes() -> dict[str, type[Message]]:
    pool = descriptor_pool.DescriptorPool()
    for published in (struct_pb2, timestamp_pb2):
        pool.AddSerializedFile(published.DESCRIPTOR.serialized_pb)
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="zwilling/chirpstack.proto", package=_PACKAGE, syntax="proto3")
    file.dependency.extend([struct_pb2.DESCRIPTOR.name, timestamp_pb2.DESCRIPTOR.name])
    for title, table in MESSAGES.items():
        message = file.message_type.add(name=title)
        for name, (number, kind) in table.items():
            field = message.field.add(name=name, number=number, label=kinds.LABEL_OPTIONAL)
            if kind.startswith("["):
                field.label, kind = kinds.LABEL_REPEATED, kind.strip("[]")
            if kind in MESSAGES or "." in kind:
                field.type = kinds.TYPE_MESSAGE
                field.type_name = "." + (kind if "." in kind else f"{_PACKAGE}.{kind}")
            else:
                field.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
    pool.AddSerializedFile(file.SerializeToString())
    return {
        title: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{title}")) for title in MESSAGES
    }


CLASSES = _classes()


def parse(event: str, body: bytes) -> Any:
    """Return the message of an event (its fields as attributes, as protobuf's Python has it).

    Raises:
        BadMessageError: NOT_PROTOBUF, the bytes are none such.
    """
    try:
        return CLASSES[_OF_EVENT[event]].FromString(body)
    except DecodeError:
        detail = "the message is neither JSON nor the protobuf message that ChirpStack v4 sends for this event"
        raise BadMessageError(Cause.NOT_PROTOBUF, detail) from None


def instant(message: Any) -> int | None:
    """Return the instant in a message's field `time`, None where it is not told.

    Raises:
        BadMessageError: MALFORMED, it is outside the calendar.
    """
    if not message.HasField("time"):
        return None
    return fields.within_calendar(message.time.seconds * 1_000_000 + message.time.nanos // 1_000)


def ns_time(reception: Any) -> int | None:
    """Return when the network server had a reception, by its own clock; None where it is not told."""
    if not reception.HasField("ns_time"):
        return None
    found = reception.ns_time.seconds * 1_000_000 + reception.ns_time.nanos // 1_000
    return int(found) if fields.is_within_calendar(found) else None


def plain(struct: Any) -> dict[str, Any]:
    """Return a `google.protobuf.Struct` as dictionaries, lists, texts, floats and booleans.

    It cannot be deep: protobuf refuses messages that are nested more than 100 times, three for each level of a Struct.
    """
    return {key: _value(value) for key, value in struct.fields.items()}


def _value(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return {key: _value(inner) for key, inner in value.struct_value.fields.items()}
        case "list_value":
            return [_value(inner) for inner in value.list_value.values]
        case "null_value" | None:
            return None
        case kind:
            return getattr(value, kind)
