"""Messages as the network servers' documentation shows them, made up here: no real device, place or person."""

from __future__ import annotations

import base64
import json
from typing import Any

EUI = "a81758fffe0abcde"
TOPIC = f"application/5f3c1a52-5d84-4c1c-9a53-2a6a4f6f3f11/device/{EUI}/event/up"
PAYLOAD = bytes.fromhex("0100e202290400270506060308070d62")

CHIRPSTACK_UP: dict[str, Any] = {
    "deduplicationId": "5d0f2f5e-6a1c-4c0b-9f3e-0a4b7c1d2e99",
    "time": "2026-11-20T08:15:02.123456789+00:00",
    "deviceInfo": {
        "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
        "tenantName": "Kreis",
        "applicationId": "5f3c1a52-5d84-4c1c-9a53-2a6a4f6f3f11",
        "applicationName": "Schulen",
        "deviceProfileId": "14855bf7-d10d-4aee-b618-ebfcb64dc7ad",
        "deviceProfileName": "ERS-CO2",
        "deviceName": "Raum 204",
        "devEui": EUI,
        "deviceClassEnabled": "CLASS_A",
        "tags": {"schule": "S07", "raum": "204"},
    },
    "devAddr": "01020304",
    "adr": True,
    "dr": 5,
    "fCnt": 812,
    "fPort": 5,
    "confirmed": False,
    "data": base64.b64encode(PAYLOAD).decode(),
    "rxInfo": [
        {"gatewayId": "0016c001f153a14c", "uplinkId": 4217106255, "rssi": -104, "snr": 2.5, "context": "EFwMtA=="},
        {"gatewayId": "0016c001f153a14d", "uplinkId": 4217106256, "rssi": -97, "snr": 7.5, "crcStatus": "CRC_OK"},
    ],
    "txInfo": {
        "frequency": 868100000,
        "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 7, "codeRate": "CR_4_5"}},
    },
    "regionConfigId": "eu868",
}

TTS_TOPIC = "v3/schulen@kreis/devices/raum-204/up"
TTS_UP: dict[str, Any] = {
    "end_device_ids": {
        "device_id": "raum-204",
        "application_ids": {"application_id": "schulen"},
        "dev_eui": EUI.upper(),
        "join_eui": "A81758FFFF000000",
        "dev_addr": "260B1234",
    },
    "correlation_ids": ["gs:uplink:01HFXXXXXXXXXXXXXXXXXXXXXX"],
    "received_at": "2026-11-20T08:15:02.400Z",
    "uplink_message": {
        "session_key_id": "AYvWZ0bIBfPnSyFQWfCk6A==",
        "f_port": 5,
        "f_cnt": 812,
        "frm_payload": base64.b64encode(PAYLOAD).decode(),
        "decoded_payload": {"temperature": 22.6, "humidity": 41, "light": 39, "motion": 6, "co2": 776, "vdd": 3426},
        "normalized_payload": [{"air": {"temperature": 22.6, "relativeHumidity": 41}}],
        "rx_metadata": [
            {
                "gateway_ids": {"gateway_id": "kreishaus", "eui": "0016C001F153A14C"},
                "time": "2026-11-20T08:15:02.100Z",
                "timestamp": 2463457000,
                "rssi": -90,
                "channel_rssi": -90,
                "snr": 9.25,
                "uplink_token": "ChIKEAoEZ3R3MRIIAhYMAfFToUw=",
            }
        ],
        "settings": {
            "data_rate": {"lora": {"bandwidth": 125000, "spreading_factor": 9, "coding_rate": "4/5"}},
            "frequency": "868300000",
            "timestamp": 2463457000,
        },
        "received_at": "2026-11-20T08:15:02.197Z",
        "consumed_airtime": "0.205824s",
        "version_ids": {"brand_id": "elsys", "model_id": "ers-co2", "hardware_version": "1.0"},
        "network_ids": {"net_id": "000013", "tenant_id": "kreis", "cluster_id": "eu1"},
    },
}


def body(message: object) -> bytes:
    """Return a message as the network server sends it."""
    return json.dumps(message).encode()


def changed(message: dict[str, Any], *path: str, to: object) -> dict[str, Any]:
    """Return a copy of a message with another value at a place; `...` takes the place out."""
    copy: dict[str, Any] = json.loads(json.dumps(message))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    if to is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return copy
