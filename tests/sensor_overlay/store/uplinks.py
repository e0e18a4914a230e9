"""Uplinks for tests: short to write, believable to the store."""

from __future__ import annotations

from collections.abc import Mapping

from sensor_overlay.instants import parse
from sensor_overlay.store.writing import Arrival
from sensor_overlay.uplink import Decoded, Reading, Uplink

NOON = parse("2026-11-20T12:00:00Z")
"""When it is, in most tests."""
ROOM = "a81758fffe0abcde"


def arrival(
    f_cnt: int = 0,
    *,
    at: int | None = NOON,
    received: int | None = None,
    dev_eui: str = ROOM,
    dev_addr: str = "01020304",
    payload: bytes | None = None,
    readings: Mapping[str, float] | None = None,
    history: tuple[tuple[int, Reading], ...] = (),
    is_decoded: bool = True,
    deduplication_id: str = "",
    rssi: float | None = -97.0,
) -> Arrival:
    """Return an uplink of one sensor, with a CO2 value where nothing else is told."""
    values = {"co2": 600.0 + f_cnt} if readings is None else readings
    told = Decoded(tuple(Reading(key, value) for key, value in values.items()), history)
    return Arrival(
        uplink=Uplink(
            network="chirpstack",
            dev_eui=dev_eui,
            time=at,
            dev_addr=dev_addr,
            f_cnt=f_cnt,
            f_port=5,
            payload=repr(sorted(values.items())).encode() if payload is None else payload,
            deduplication_id=deduplication_id,
            name="r204",
            profile="ERS-CO2",
            rssi=rssi,
            snr=7.5,
        ),
        decoded=told if is_decoded else None,
        received=received if received is not None else NOON if at is None else at,
        source="county",
        topic=f"application/1/device/{dev_eui}/event/up",
        body=b"{}",
    )
