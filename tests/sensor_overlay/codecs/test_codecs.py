"""Every codec, on vectors that their makers published, on examples computed by hand, and on any bytes."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sensor_overlay import instants
from sensor_overlay.codecs import Codec, by_profile, codecs
from sensor_overlay.codecs.codec import fault_of
from sensor_overlay.uplink import BadMessageError, Cause, Decoded

CODECS = list(codecs().values())
KEYS = [codec.key for codec in CODECS]

# How the makers' decoders call what we call otherwise, and what they say that is no measurement.
NAMES = {
    "activity": "motion",
    "activity_counter": "motion",
    "light": "illuminance",
    "illumination": "illuminance",
    "infrared": "light_infrared",
    "infrared_and_visible": "light_visible_infrared",
    "ambient_light_infrared": "light_infrared",
    "ambient_light_visible_infrared": "light_visible_infrared",
    "air_temperature": "temperature",
    "air_humidity": "humidity",
    "barometric_pressure": "pressure",
    "co2_concentration": "co2",
    "total_voc": "tvoc",
    "BatV": "battery_voltage",
    "Hum_SHT": "humidity",
    "TempC_SHT": "temperature",
    "TempC_DS": "external_temperature",
}
NOT_MEASURED = {"device_id", "protocol_version", "raw_ir_reading", "Bat_status", "Ext_sensor"}


def values(found: Decoded) -> dict[str, float]:
    return {reading.observed_property: reading.value for reading in found.readings}


def test_published_vectors(shared_data: Path) -> None:
    vectors = json.loads((shared_data / "lorawan" / "uplinks.json").read_text(encoding="utf-8"))["uplinks"]
    assert len(vectors) == 14
    for vector in vectors:
        codec = by_profile(vector["device"])
        assert codec is not None
        assert codec.vendor == vector["vendor"]
        payload = bytes.fromhex(vector["payload_hex"])
        if vector["expected"] is None:
            with pytest.raises(BadMessageError, match="port 2"):
                codec.decode(payload, vector["fPort"], 0)
            continue
        found = values(codec.decode(payload, vector["fPort"], 0))
        for name, value in vector["expected"].items():
            if name in NOT_MEASURED:
                continue
            ours = NAMES.get(name, name)
            if ours == "pressure" and value > 10_000:
                value /= 100  # Pa
            if ours == "tvoc" and "AM30" in vector["device"]:
                ours, value = "tvoc_rating", value / 100  # the vector counts hundredths
            assert found.pop(ours) == pytest.approx(value, rel=1e-12), (vector["device"], name)
        # The vector itself says of AM307's first example that it leaves channel 05 out.
        assert found in ({}, {"motion": 73})


@pytest.mark.parametrize("codec", CODECS, ids=KEYS)
def test_examples_computed_by_hand(codec: Codec) -> None:
    assert codec.examples
    assert fault_of(codec) == ""
    assert codec.vendor in codec.title
    found = by_profile(codec.models[0])
    assert found is not None
    assert found.key == codec.key


@pytest.mark.parametrize("codec", CODECS, ids=KEYS)
@settings(max_examples=250, deadline=None)
@given(
    payload=st.binary(max_size=255),
    f_port=st.sampled_from([0, 1, 2, 3, 5, 85, 223]),
    received=st.sampled_from([0, instants.parse("2026-11-20T08:00:00Z")]),
)
@example(payload=b"", f_port=1, received=0)
@example(payload=b"\xff" * 255, f_port=2, received=0)
def test_any_bytes_are_decoded_or_undecodable(codec: Codec, payload: bytes, f_port: int, received: int) -> None:
    cause = None
    try:
        found = codec.decode(payload, f_port, received)
    except BadMessageError as error:
        cause = error.cause
    else:
        names = [reading.observed_property for reading in found.readings]
        assert len(names) == len(set(names))
        assert all(math.isfinite(reading.value) for reading in found.readings)
        assert all(math.isfinite(reading.value) for _, reading in found.history)
    assert cause in (None, Cause.UNDECODABLE)


@pytest.mark.parametrize("codec", CODECS, ids=KEYS)
def test_a_payload_cut_anywhere_never_gives_another_value(codec: Codec) -> None:
    for whole in codec.examples:
        payload = bytes.fromhex(whole.payload)
        full = values(codec.decode(payload, whole.f_port, 0))
        for size in range(len(payload)):
            try:
                part = values(codec.decode(payload[:size], whole.f_port, 0))
            except BadMessageError:
                continue
            assert part.items() <= full.items(), size


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ("01 ff9c", {"temperature": -10.0}),
        ("02 63", {"humidity": 99}),
        ("03 3f c1 00", {"acceleration_x": 1.0, "acceleration_y": -1.0, "acceleration_z": 0}),
        ("04 ffff", {"illuminance": 65_535}),
        ("05 ff", {"motion": 255}),
        ("06 2710", {"co2": 10_000}),
        ("07 0e10", {"battery_voltage": 3.6}),
        ("08 01f4", {"analog_1": 0.5}),
        ("09 0102030405 06", {}),
        ("0a 0007", {"pulses_1": 7}),
        ("0b 00010000", {"pulses_1_total": 65_536}),
        ("0c 0064", {"external_temperature": 10.0}),
        ("0d 01", {"digital_1": 1}),
        ("0e 09c4", {"distance": 2.5}),
        ("0f 03", {"vibration": 3}),
        ("10 00c8 ffec", {"infrared_temperature_inside": 20.0, "infrared_temperature": -2.0}),
        ("11 02", {"occupancy": 2}),
        ("12 ff", {"water_leak": 255}),
        ("13" + "14" * 65, {}),
        ("14 000f7314", {"pressure": 1012.5}),
        ("15 50 2d", {"sound_peak": 80, "sound": 45}),
        ("16 0100", {"pulses_2": 256}),
        ("17 ffffffff", {"pulses_2_total": 4_294_967_295}),
        ("18 2710", {"analog_2": 10.0}),
        ("19 fff6", {"external_temperature_2": -1.0}),
        ("1a 00", {"digital_2": 0}),
        ("1b fffffc18", {"analog_load_cell": -0.001}),
        ("1c 0190", {"tvoc": 400}),
        ("3d 00000000", {}),
    ],
)
def test_every_type_of_elsys_has_its_length_and_scale(element: str, expected: dict[str, float]) -> None:
    codec = by_profile("ers-co2")
    assert codec is not None
    # What comes after it is read only where its length is right.
    found = codec.decode(bytes.fromhex(f"{element} 0d 05"), 5, 0)
    assert values(found) == {**expected, "digital_1": 5}
    assert found.notes == ()


def test_an_unknown_element_ends_the_reading_and_is_noted() -> None:
    for profile, payload in (("ers-co2", "06 0308 3e 01 0100e2"), ("am107", "077d0803 aabb 0367e200")):
        codec = by_profile(profile)
        assert codec is not None
        found = codec.decode(bytes.fromhex(payload), 5, 0)
        assert values(found) == {"co2": 776}
        assert len(found.notes) == 1
        with pytest.raises(BadMessageError, match="not known"):
            codec.decode(bytes.fromhex("3eaabbcc"), 5, 0)


def test_what_a_device_remembered_is_not_of_now() -> None:
    # AM307: 2026-11-20T08:00:00Z = 0x6afffe00; 210, 90/2, 0, 2, 500, 100, 10110; all low byte first
    am307 = by_profile("am307")
    assert am307 is not None
    found = am307.decode(bytes.fromhex("077d e803 20ce 00feff6a d200 5a00 00 02 f401 6400 7e27"), 85, 0)
    assert values(found) == {"co2": 1000}
    then = instants.parse("2026-11-20T08:00:00Z")
    assert {(at, reading.observed_property, reading.value) for at, reading in found.history} == {
        (then, "temperature", 21.0),
        (then, "humidity", 45.0),
        (then, "occupancy", 0),
        (then, "light_level", 2),
        (then, "co2", 500),
        (then, "tvoc_rating", 1.0),
        (then, "pressure", 1011.0),
    }
    lht65 = by_profile("lht65")
    assert lht65 is not None
    found = lht65.decode(bytes.fromhex("07d0 0866 01c2 49 6afffe00"), 2, 0)
    assert values(found) == {}
    assert {(at, reading.observed_property, reading.value) for at, reading in found.history} == {
        (then, "external_temperature", 20.0),
        (then, "temperature", 21.5),
        (then, "humidity", 45.0),
    }
    strips = by_profile("strips")
    assert strips is not None
    found = strips.decode(bytes.fromhex("0102 00000e10 02 00e2 0000001e 09 00"), 2, then)
    assert [(at, reading.observed_property, reading.value) for at, reading in found.history] == [
        (then - instants.HOUR, "temperature", 22.6),
        (then - 30 * instants.SECOND, "door", 0),
    ]


def test_carbon_dioxide_of_the_em500_is_unsigned() -> None:
    codec = by_profile("em500-co2")
    assert codec is not None
    assert values(codec.decode(bytes.fromhex("057dffff"), 85, 0)) == {"co2": 65_535}


def test_flags_of_decentlab_must_fit_the_length() -> None:
    codec = by_profile("dl-mbx")
    assert codec is not None
    for payload in ("0200010003 04d2 0001", "0200010002 0bb8 0bb8", "0100010002 0bb8", "020001", ""):
        with pytest.raises(BadMessageError) as caught:
            codec.decode(bytes.fromhex(payload), 1, 0)
        assert caught.value.cause is Cause.UNDECODABLE
    assert values(codec.decode(bytes.fromhex("0200010001 04d2 0000"), 1, 0)) == {"valid_samples": 0}


def test_an_ldds75_too_near_or_without_its_sensor_gives_no_distance() -> None:
    codec = by_profile("ldds75")
    assert codec is not None
    for payload in ("0ce4 0014 00 0000 01", "0ce4 0000 00 0000 00"):
        found = codec.decode(bytes.fromhex(payload), 2, 0)
        assert values(found) == {"battery_voltage": 3.3}
        assert found.notes


@pytest.mark.parametrize(
    ("profile", "key"),
    [
        ("ERS-CO2", "elsys-ers-co2"),
        ("ers_co2_lite", "elsys-ers-co2"),
        ("Elsys ERSCO2 (Schulen)", "elsys-ers-co2"),
        ("elsys-ers-co2", "elsys-ers-co2"),
        ("ERS Sound", "elsys-ers"),
        ("AM107-868M", "milesight-am107"),
        ("Milesight AM319L", "milesight-am319"),
        ("EM500-CO2", "milesight-em500-co2"),
        ("DL-IAM-001", "decentlab-dl-iam"),
        ("DL-PR26-0-1", "decentlab-dl-pr26-0-1"),
        ("LHT65N", "dragino-lht65"),
        ("DL-PR26", None),  # of which range?
        ("DL-PR26-0-10", None),
        ("EM500-PT100", None),
        ("EM500", None),
        ("Sensors", None),
        ("xers", None),
        ("", None),
        ("-", None),
        ("ä" * 100_000, None),
    ],
)
def test_a_profile_leads_to_its_codec(profile: str, key: str | None) -> None:
    found = by_profile(profile)
    assert (found and found.key) == key


def test_several_probes_on_one_device() -> None:
    """Elsys: an element 0x19 for each; 0xff38 = -200, 0x00fa = 250, 0xfff6 = -10."""
    codec = by_profile("ELT-2")
    assert codec is not None
    assert values(codec.decode(bytes.fromhex("0100e2 0cff38 19ff38 1900fa 19fff6"), 5, 0)) == {
        "temperature": 22.6,
        "external_temperature": -20.0,
        "external_temperature_2": -20.0,
        "external_temperature_3": 25.0,
        "external_temperature_4": -1.0,
    }
    assert len(values(codec.decode(bytes.fromhex("190001" * 20), 5, 0))) == 9


@pytest.mark.parametrize(
    ("model", "payload", "f_port", "expected"),
    [  # by hand, after the makers' documents; low byte first with Milesight
        ("AM103", "01755c 03670bff 046894 077db704", 85, (92, -24.5, 74.0, 1207)),
        ("EM500-CO2", "017564 03679cff 046801 057de704", 85, (100, -10.0, 0.5, 1255)),
        ("AM307", "01750a 0367f6ff 046812 077d9001", 85, (10, -1.0, 9.0, 400)),
    ],
)
def test_cold_rooms(model: str, payload: str, f_port: int, expected: tuple[float, ...]) -> None:
    codec = by_profile(model)
    assert codec is not None
    found = values(codec.decode(bytes.fromhex(payload), f_port, 0))
    assert found == dict(zip(("battery", "temperature", "humidity", "co2"), expected, strict=True))


def test_decentlab_below_zero_and_dragino_on_ice() -> None:
    """175 x 9000 / 65535 - 45 = -20.967; 0xf8fb = 63739 - 65536 = -1797."""
    iam = by_profile("DL-IAM")
    assert iam is not None
    found = values(iam.decode(bytes.fromhex("02 0bbd 0003 0b92 2328 8000"), 1, 0))
    assert found["temperature"] == pytest.approx(175 * 9000 / 65535 - 45)
    assert found["humidity"] == pytest.approx(50.0, abs=0.01)
    lht65 = by_profile("LHT65N")
    assert lht65 is not None
    found = values(lht65.decode(bytes.fromhex("cbf6 f8fb 0376 01 f8fb 7fff"), 2, 0))
    assert found == {"battery_voltage": 3.062, "temperature": -17.97, "humidity": 88.6, "external_temperature": -17.97}
