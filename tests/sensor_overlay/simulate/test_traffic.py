"""The traffic: what the broker gets, in order; read and decoded again by the rooms that do so for real."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from sensor_overlay import instants
from sensor_overlay.decode import decode
from sensor_overlay.instants import HOUR, MINUTE
from sensor_overlay.networks import read
from sensor_overlay.observed import PROPERTIES
from sensor_overlay.simulate import chance
from sensor_overlay.simulate.plan import Fault, Plan, draw_up
from sensor_overlay.simulate.traffic import Disorder, Traffic
from sensor_overlay.uplink import Uplink

NOW = instants.parse("2026-11-20T10:00:00Z")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return draw_up()


@pytest.fixture(scope="module")
def traffic(plan: Plan) -> Traffic:
    return Traffic(plan, dead_since=NOW - 30 * MINUTE)


def test_every_message_decodes_to_the_values_it_was_made_of(plan: Plan, traffic: Traffic) -> None:
    seen = Counter[str]()
    for message in traffic.between(NOW - HOUR, NOW):
        sensor = plan.sensors[message.sensor]
        uplink = read("chirpstack", message.topic, message.body)
        assert isinstance(uplink, Uplink)
        assert (uplink.dev_eui, uplink.time, uplink.f_port) == (sensor.dev_eui, message.time, sensor.model.f_port)
        assert (uplink.object is not None) == sensor.model.has_object
        assert uplink.rssi is not None
        found = {r.observed_property: r.value for r in decode(uplink, sensor.model.title, NOW).readings}
        drawn = _drawn(plan, uplink)
        for name, value in traffic.values(sensor, message.time, drawn).items():
            if sensor.model.has_object and name == "tvoc_rating":
                continue  # the maker's object does not tell what it counts
            digits = 0.002 if sensor.model.key == "iam" and name in ("temperature", "humidity") else 1e-9
            if name == "illuminance" and sensor.model.key == "iam":
                digits = 1.6  # two diodes' counts, of which one is 1.55 lx
            assert found[name] == pytest.approx(value, abs=digits), (sensor.key, name)
        seen[sensor.model.key] += 1
    assert set(seen) == {"ers", "iam", "am319", "em500", "mbx", "ldds75", "parking", "meter"}


def _drawn(plan: Plan, uplink: Uplink) -> tuple[float, ...]:
    return chance.uniform(plan.seed, int(uplink.dev_eui[8:], 16), uplink.f_cnt)


def test_profiles_without_object_are_decoded_from_the_payload_alike(plan: Plan, traffic: Traffic) -> None:
    """Payload and object of one message say the same."""
    for message in traffic.between(NOW - 20 * MINUTE, NOW):
        sensor = plan.sensors[message.sensor]
        uplink = read("chirpstack", message.topic, message.body)
        assert isinstance(uplink, Uplink)
        if sensor.model.key not in ("am319", "em500"):
            continue
        told = {r.observed_property: r.value for r in decode(uplink, "", NOW).readings}
        bare = Uplink(
            network="chirpstack", dev_eui=uplink.dev_eui, f_port=85, payload=uplink.payload, profile=uplink.profile
        )
        read_from_payload = {r.observed_property: r.value for r in decode(bare, "", NOW).readings}
        read_from_payload.pop("tvoc_rating", None)
        assert told == pytest.approx(read_from_payload)


def test_each_sensor_sends_at_its_interval_with_a_counter_without_gap(plan: Plan, traffic: Traffic) -> None:
    heard: dict[str, list[Uplink]] = defaultdict(list)
    for message in traffic.between(NOW - 3 * HOUR, NOW):
        uplink = read("chirpstack", message.topic, message.body)
        assert isinstance(uplink, Uplink)
        heard[uplink.dev_eui].append(uplink)
    for sensor in plan.sensors:
        uplinks = heard[sensor.dev_eui]
        counts = [uplink.f_cnt for uplink in uplinks]
        assert counts == list(range(counts[0], counts[0] + len(counts)))
        expected = 3 * 3_600 / sensor.model.interval
        if sensor.fault is Fault.DEAD:
            expected -= 30 * 60 / sensor.model.interval
        assert abs(len(uplinks) - expected) <= 1


def test_faults(plan: Plan, traffic: Traffic) -> None:
    by_fault = {sensor.fault: sensor for sensor in plan.sensors}
    messages = list(traffic.between(NOW - 2 * HOUR, NOW))
    for message in messages:
        sensor = plan.sensors[message.sensor]
        if sensor.fault is Fault.DEAD:
            assert message.time < NOW - 30 * MINUTE
        if sensor.fault is Fault.LATE:
            assert message.due - message.time == 45 * MINUTE
        if sensor.fault is Fault.IMPLAUSIBLE:
            readings = decode(read("chirpstack", message.topic, message.body), "", NOW).readings  # type: ignore[arg-type]
            co2 = next(reading.value for reading in readings if reading.observed_property == "co2")
            assert co2 < PROPERTIES["co2"].low
    assert {by_fault[fault].number for fault in Fault} <= {message.sensor for message in messages}


def test_order_and_pieces(traffic: Traffic) -> None:
    whole = list(traffic.between(NOW - HOUR, NOW))
    assert whole == sorted(whole)
    middle = NOW - 17 * MINUTE - 123
    assert [*traffic.between(NOW - HOUR, middle), *traffic.between(middle, NOW)] == whole


def test_disorder(plan: Plan) -> None:
    orderly = list(Traffic(plan, dead_since=NOW).between(NOW - 4 * HOUR, NOW))
    traffic = Traffic(plan, dead_since=NOW, disorder=Disorder(duplicates=0.1, out_of_order=0.1))
    disorderly = list(traffic.between(NOW - 4 * HOUR, NOW))
    assert disorderly == sorted(disorderly)
    copies = [message for message in disorderly if message.is_copy]
    assert len(copies) / len(orderly) == pytest.approx(0.1, abs=0.02)
    originals = {(m.sensor, m.time): m for m in disorderly if not m.is_copy}
    same = other_id = 0
    for copy in copies:
        original = originals.get((copy.sensor, copy.time))
        if original is None:
            continue  # it was due before
        first, again = read("chirpstack", original.topic, original.body), read("chirpstack", copy.topic, copy.body)
        assert isinstance(first, Uplink)
        assert isinstance(again, Uplink)
        assert (first.payload, first.f_cnt, first.time) == (again.payload, again.f_cnt, again.time)
        same += first == again
        other_id += first.deduplication_id != again.deduplication_id
    assert same > 0.3 * len(copies)
    assert other_id > 0.3 * len(copies)
    held = [m for m in disorderly if not m.is_copy and 0 < m.due - m.time < 45 * MINUTE]
    assert len(held) / len(orderly) == pytest.approx(0.1, abs=0.02)
    assert max(m.due - m.time for m in held) < 6 * MINUTE


def test_the_same_seed_gives_the_same_bytes(plan: Plan) -> None:
    def first() -> list[bytes]:
        return [message.body for message in Traffic(plan).between(NOW - 5 * MINUTE, NOW)]

    assert first() == first()


def test_protobuf_says_the_same_as_json(plan: Plan, traffic: Traffic) -> None:
    binary = Traffic(plan, dead_since=NOW - 30 * MINUTE, is_protobuf=True)
    pairs = list(zip(traffic.between(NOW - HOUR, NOW), binary.between(NOW - HOUR, NOW), strict=True))
    assert len(pairs) > 1_500
    for json, protobuf in pairs:
        assert protobuf.body[:1] != b"{"
        first, second = (read("chirpstack", json.topic, message.body) for message in (json, protobuf))
        assert isinstance(first, Uplink)
        assert isinstance(second, Uplink)
        # SNR is a float of 32 bits there.
        assert replace(first, snr=None) == replace(second, snr=None)
        assert first.snr == pytest.approx(second.snr, abs=1e-5)
