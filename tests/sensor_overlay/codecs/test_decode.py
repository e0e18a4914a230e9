"""From an uplink to readings: the network server's object in whatever form decoders give it, then the codec."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor_overlay.codecs.checking import MOST_READINGS
from sensor_overlay.decode import decode
from sensor_overlay.uplink import BadMessageError, Cause, Decoded, Uplink

ERS = bytes.fromhex("0100e20229060308")


def uplink(told: Any = None, *, payload: bytes = b"", profile: str = "", f_port: int = 5) -> Uplink:
    return Uplink(
        network="chirpstack", dev_eui="a81758fffe0abcde", f_port=f_port, payload=payload, object=told, profile=profile
    )


def values(found: Decoded) -> dict[str, float]:
    assert len(found.readings) == len({reading.observed_property for reading in found.readings})
    return {reading.observed_property: reading.value for reading in found.readings}


def of_object(told: Any, profile: str = "") -> dict[str, float]:
    return values(decode(uplink(told, profile=profile), "", 0))


def test_the_network_servers_object_comes_first() -> None:
    assert values(decode(uplink({"co2": 500}, payload=ERS, profile="ERS-CO2"), "", 0)) == {"co2": 500}


def test_an_object_without_a_number_leaves_it_to_the_codec() -> None:
    for told in (None, {}, {"error": "no decoder"}, {"co2": None}, {"co2": "NaN"}, {"list": [1, 2]}):
        assert values(decode(uplink(told, payload=ERS, profile="ERS-CO2"), "", 0))["co2"] == 776


def test_the_registrys_model_comes_before_the_profile() -> None:
    assert values(decode(uplink(payload=ERS, profile="AM107"), "ers-co2", 0))["co2"] == 776
    assert values(decode(uplink(payload=ERS, profile="ERS-CO2"), "nothing known", 0))["co2"] == 776


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"CO2": 800, "Temperature": 21}, {"co2": 800, "temperature": 21}),
        ({"co2_concentration": 800, "airTemperature": 21.5}, {"co2": 800, "temperature": 21.5}),
        ({"air": {"co2": 800, "relativeHumidity": 41}}, {"co2": 800, "humidity": 41}),
        # as Decentlab's decoder gives it
        ({"barometric_pressure": {"displayName": "Pressure", "unit": "Pa", "value": 96412}}, {"pressure": 964.12}),
        ({"pressure_pa": 96412, "water_level_cm": 123}, {"pressure": 964.12, "water_level": 1.23}),
        # as Dragino's gives it
        ({"Distance": "2821 mm", "Bat": "3.3 V"}, {"distance": 2.821, "battery_voltage": 3.3}),
        ({"temperature": "22.50", "humidity": "41%"}, {"temperature": 22.5, "humidity": 41}),
        ({"temperature": {"value": 72.5, "unit": "°F"}}, {"temperature": pytest.approx(22.5)}),
        ({"battery": 97}, {"battery": 97}),
        ({"battery": 3426}, {"battery_voltage": 3.426}),
        ({"battery": {"value": 3.4, "unit": "V"}}, {"battery_voltage": 3.4}),
        ({"energy": {"value": 1234, "unit": "Wh"}}, {"energy": 1.234}),
        ({"occupied": True, "window": "open"}, {"occupancy": 1, "window": 1}),
        # a flag beside a quantity is none
        ({"co2": True, "humidity": 40}, {"humidity": 40}),
        ({"alarms": {"co2": True}, "co2": 1200}, {"co2": 1200, "alarms_co2": 1}),
        ({"inside": {"temperature": 21}, "outside": {"temperature": 5}}, {"temperature": 21, "outside_temperature": 5}),
        ({"outside": {"temperature": 5}, "temperature": 21}, {"temperature": 21, "outside_temperature": 5}),
        # what is about the device, or of another time
        ({"co2": 800, "device_id": 3005, "firmware_version": "1.10", "sn": "6136"}, {"co2": 800}),
        ({"co2": 800, "history": {"17": {"co2": 400}}}, {"co2": 800}),
        ({"co2": 800, "when": "2026-11-20", "at": "08:15", "note": "1 2 3"}, {"co2": 800}),
        ({"co2": float("nan"), "humidity": math.inf, "temperature": 10**400, "pressure": 1000}, {"pressure": 1000}),
        ({"k" * 65: 1, "deep" * 100: {"co2": 1}, "humidity": 40}, {"humidity": 40}),
        ({"": 5, "co2": 800, "7": 1, "größe": 2}, {"co2": 800, "n7": 1, "gr_e": 2}),
        ({"a\0b": 1, "c'; DROP TABLE x": 2}, {"a_b": 1, "c_drop_table_x": 2}),
    ],
    ids=str,
)
def test_forms_of_objects(told: dict[str, Any], expected: dict[str, float]) -> None:
    assert of_object(told) == expected


@pytest.mark.parametrize(
    ("profile", "told", "expected"),
    [
        ("ers-co2", {"vdd": 3426, "soundAvg": 40}, {"battery_voltage": 3.426, "sound": 40}),
        ("elt-2", {"distance": 1234, "externalTemperature": 4.5}, {"distance": 1.234, "external_temperature": 4.5}),
        ("am307", {"pir": "trigger", "tvoc": 37, "co2": 900}, {"occupancy": 1, "co2": 900}),
        ("am107", {"activity": 73, "infrared": 20}, {"motion": 73, "light_infrared": 20}),
        ("dl-iam", {"barometric_pressure": 96412, "total_voc": 273}, {"pressure": 964.12, "tvoc": 273}),
        ("dl-mbx", {"distance": {"value": 1234, "unit": "mm"}}, {"distance": 1.234}),
        ("dl-mbx", {"distance": 1234}, {"distance": 1.234}),
        ("dl-pr26-0-1", {"pressure": {"value": 0.5, "unit": "bar"}}, {"water_level": pytest.approx(5.0986)}),
        ("lht65", {"BatV": 3.062, "TempC_DS": 27.81}, {"battery_voltage": 3.062, "external_temperature": 27.81}),
        ("ldds75", {"Distance": "2821 mm", "TempC_DS18B20": "4.50 °C"}, {"distance": 2.821, "temperature": 4.5}),
        ("strips", {"temperature": {"value": 23.4}, "lux": {"value": 12}}, {"temperature": 23.4, "illuminance": 12}),
    ],
    ids=str,
)  # fmt: skip
def test_objects_of_makers_decoders(profile: str, told: dict[str, Any], expected: dict[str, float]) -> None:
    assert of_object(told, profile) == expected


def test_a_large_object_is_read_in_part_and_says_so() -> None:
    found = decode(uplink({f"k{n}": n for n in range(100_000)}), "", 0)
    assert len(found.readings) == MOST_READINGS
    assert len(found.notes) == 2
    deep: dict[str, Any] = {"co2": 1}
    for _ in range(500):
        deep = {"a": deep}
    found = decode(uplink({"humidity": 40, "deep": deep}), "", 0)
    assert values(found) == {"humidity": 40}
    assert "nested" in found.notes[0]


@pytest.mark.parametrize(("payload", "f_port"), [(b"", 5), (b"", 0), (b"\x02\x03", 0)])
def test_a_frame_without_measurement_is_no_fault(payload: bytes, f_port: int) -> None:
    found = decode(uplink(payload=payload, f_port=f_port), "", 0)
    assert found.readings == ()
    assert found.notes


@pytest.mark.parametrize(
    ("profile", "model", "said"),
    [
        ("", "", "neither registry nor network server tells the model"),
        ("Wetter", "", "no codec is for device profile 'Wetter'"),
        ("", "DL-PR26", "no codec is for model 'DL-PR26'"),
    ],
)
def test_no_codec_says_for_what(profile: str, model: str, said: str) -> None:
    with pytest.raises(BadMessageError, match=said) as caught:
        decode(uplink(payload=ERS, profile=profile), model, 0)
    assert (caught.value.cause, caught.value.dev_eui) == (Cause.NO_CODEC, "a81758fffe0abcde")


def test_an_undecodable_payload_names_the_device() -> None:
    with pytest.raises(BadMessageError, match="Elsys ERS CO2") as caught:
        decode(uplink(payload=b"\xff\xff", profile="ERS-CO2"), "", 0)
    assert (caught.value.cause, caught.value.dev_eui) == (Cause.UNDECODABLE, "a81758fffe0abcde")


TOLD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(
    told=st.dictionaries(st.text(max_size=12) | st.sampled_from(["co2", "value", "unit", "battery"]), TOLD, max_size=6),
    payload=st.binary(max_size=60),
    profile=st.sampled_from(["", "ers-co2", "am319", "dl-iam", "lht65", "strips"]),
)
def test_anything_becomes_finite_numbers_or_a_dead_letter(told: Any, payload: bytes, profile: str) -> None:
    cause = None
    try:
        found = decode(uplink(told, payload=payload, profile=profile), "", 0)
    except BadMessageError as error:
        cause = error.cause
    else:
        assert all(math.isfinite(value) for value in values(found).values())
        assert all(name and name == name.lower() and len(name) <= 64 for name in values(found))
    assert cause in (None, Cause.NO_CODEC, Cause.UNDECODABLE)


@pytest.mark.parametrize(
    ("name", "observed"),
    [
        ("temperature_celsius", "temperature"),
        ("tempC", "temperature"),
        ("air_temperature_c", "temperature"),
        ("humidity_percent", "humidity"),
        ("battery_pct", "battery"),
        ("light_lux", "illuminance"),
        ("soundavg_db", "sound"),
        ("level_c", "level_c"),  # no temperature
        ("co2_percent", "co2_percent"),  # not ours
    ],
)
def test_names_that_tell_the_unit_which_we_have(name: str, observed: str) -> None:
    found = decode(Uplink(network="tts", dev_eui="0" * 16, object={name: 20.5}), "", 0).readings
    assert [(reading.observed_property, reading.value) for reading in found] == [(observed, 20.5)]
