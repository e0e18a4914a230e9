"""ChirpStack v4: every event of its documentation, in JSON and in protobuf, and what a webhook lacks."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from sensor_overlay import instants
from sensor_overlay.networks import chirpstack_protobuf, read, topics
from sensor_overlay.uplink import BadMessageError, Cause, DeviceStatus, Ignored, Joined, Uplink
from tests.sensor_overlay.networks.messages import CHIRPSTACK_UP, EUI, PAYLOAD, TOPIC, body, changed

UPLINK = Uplink(
    network="chirpstack",
    dev_eui=EUI,
    time=instants.parse("2026-11-20T08:15:02.123456Z"),
    dev_addr="01020304",
    f_cnt=812,
    f_port=5,
    payload=PAYLOAD,
    deduplication_id="5d0f2f5e-6a1c-4c0b-9f3e-0a4b7c1d2e99",
    name="Raum 204",
    application="Schulen",
    profile="ERS-CO2",
    rssi=-97,
    snr=7.5,
    data_rate="SF7BW125",
)


def topic(event: str) -> str:
    return TOPIC.replace("/up", f"/{event}")


def device(**more: object) -> dict[str, object]:
    return {"time": "2026-11-20T08:15:02Z", "deviceInfo": CHIRPSTACK_UP["deviceInfo"], **more}


def test_an_uplink_is_read_whole() -> None:
    assert read("chirpstack", TOPIC, body(CHIRPSTACK_UP)) == UPLINK


def test_when_the_network_server_had_it_is_told_beside_the_gateways_time() -> None:
    gateways = [
        {"rssi": -97, "snr": 7.5, "nsTime": "2026-11-20T13:15:02.5+00:00", "gwTime": "2026-11-20T08:15:02.123456Z"},
        {"rssi": -99, "snr": 5.5, "nsTime": "2026-11-20T13:15:02.4+00:00"},
        {"rssi": -99, "snr": 5.5, "nsTime": "yesterday"},
        {"rssi": -99, "snr": 5.5, "nsTime": None},
    ]
    uplink = read("chirpstack", TOPIC, body(changed(CHIRPSTACK_UP, "rxInfo", to=gateways)))
    assert uplink == replace(UPLINK, heard=instants.parse("2026-11-20T13:15:02.4Z"))
    event: Any = chirpstack_protobuf.CLASSES["UplinkEvent"]()
    event.device_info.dev_eui = EUI
    event.rx_info.add(rssi=-9)
    for seconds in (1_795_162_600, 1_795_162_502, 10**15):
        event.rx_info.add(rssi=-97).ns_time.seconds = seconds
    uplink = read("chirpstack", TOPIC, event.SerializeToString())
    assert isinstance(uplink, Uplink)
    assert uplink.heard == 1_795_162_502_000_000


def test_a_webhook_tells_the_event_in_its_address_or_by_what_it_holds() -> None:
    assert read("chirpstack", None, body(CHIRPSTACK_UP), event="up") == UPLINK
    assert read("chirpstack", None, body(CHIRPSTACK_UP)) == UPLINK
    assert isinstance(read("chirpstack", None, body(device(batteryLevel=50))), DeviceStatus)
    with pytest.raises(BadMessageError, match="event=") as caught:
        read("chirpstack", None, body(device()))
    assert caught.value.cause is Cause.MALFORMED


def test_what_protobuf_leaves_out_is_zero() -> None:
    message: Any = CHIRPSTACK_UP
    for key in ("fCnt", "fPort", "dr", "data", "rxInfo", "txInfo", "adr"):
        message = changed(message, key, to=...)
    uplink = read("chirpstack", TOPIC, body(message))
    assert isinstance(uplink, Uplink)
    assert (uplink.f_cnt, uplink.f_port, uplink.payload, uplink.data_rate) == (0, 0, b"", "DR0")
    assert (uplink.rssi, uplink.snr) == (None, None)


def test_signal_is_that_of_the_gateway_that_heard_best_and_its_zero_snr_counts() -> None:
    heard = [{"rssi": -101, "snr": 3.0}, {"rssi": -80}, {"snr": 9.0}]
    uplink = read("chirpstack", TOPIC, body(changed(CHIRPSTACK_UP, "rxInfo", to=heard)))
    assert isinstance(uplink, Uplink)
    assert (uplink.rssi, uplink.snr) == (-80, 0.0)


def test_numbers_may_be_texts_and_nothing_may_be_null() -> None:
    message = changed(changed(CHIRPSTACK_UP, "fCnt", to="812"), "object", to=None)
    assert read("chirpstack", TOPIC, body(message)) == UPLINK


def test_the_topic_wins_over_the_body() -> None:
    uplink = read("chirpstack", TOPIC.replace(EUI, "A81758FFFE0FFFFF"), body(CHIRPSTACK_UP))
    assert isinstance(uplink, Uplink)
    assert uplink.dev_eui == "a81758fffe0fffff"


def test_a_bridged_broker_may_put_levels_in_front() -> None:
    assert read("chirpstack", f"neuss/lorawan/{TOPIC}", body(CHIRPSTACK_UP)) == UPLINK


def test_other_events() -> None:
    assert read("chirpstack", topic("join"), body(device(devAddr="0A0b0c0D"))) == Joined(
        dev_eui=EUI, dev_addr="0a0b0c0d", time=instants.parse("2026-11-20T08:15:02Z")
    )
    for event in ("ack", "txack", "location", "integration"):
        assert read("chirpstack", topic(event), body(device(acknowledged=True))) == Ignored(event=event, dev_eui=EUI)
    log = device(level="ERROR", code="UPLINK_CODEC", description="Exception: boom")
    assert read("chirpstack", topic("log"), body(log)) == Ignored(
        event="log", dev_eui=EUI, detail="ERROR UPLINK_CODEC Exception: boom"
    )


@pytest.mark.parametrize(
    ("told", "battery", "is_externally_powered"),
    [
        ({"batteryLevel": 98.43, "margin": 7}, 98.43, False),
        ({"margin": 7}, 0.0, False),
        ({"batteryLevelUnavailable": True, "margin": 7}, None, False),
        ({"externalPowerSource": True, "margin": 7}, None, True),
        ({"batteryLevel": "NaN", "margin": 7}, None, False),
    ],
)
def test_status(told: dict[str, object], battery: float | None, is_externally_powered: bool) -> None:
    assert read("chirpstack", topic("status"), body(device(**told))) == DeviceStatus(
        dev_eui=EUI,
        time=instants.parse("2026-11-20T08:15:02Z"),
        battery=battery,
        margin=7,
        is_externally_powered=is_externally_powered,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "application/x/device/y/event/up",
        "application/x/device/a81758fffe0abcd/event/up",
        f"application/x/device/{EUI}/command/down",
        f"application/x/device/{EUI}/event/nonsense",
        f"application/x/y/device/{EUI}/event/up",
        f"application/+/device/{EUI}/event/up",
        f"#/application/x/device/{EUI}/event/up",
        f"application/x/device/{EUI}/event/up\n",
        f"application/x\0/device/{EUI}/event/up",
        f"application/x'; DROP TABLE uplink; --/device/{EUI}/event/up/",
        "$SYS/broker/uptime",
        "",
        "a" * 60_000,
        f"{'a/' * 30_000}{TOPIC}",
    ],
    ids=lambda text: text[:60] or "empty",
)
def test_topics_that_are_none_of_chirpstacks(wrong: str) -> None:
    with pytest.raises(BadMessageError) as caught:
        read("chirpstack", wrong, body(CHIRPSTACK_UP))
    assert caught.value.cause is Cause.TOPIC


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("data",), "not base64!"),
        (("data",), base64.b64encode(bytes(256)).decode()),
        (("data",), 5),
        (("fCnt",), -1),
        (("fCnt",), 2**32),
        (("fCnt",), "many"),
        (("fCnt",), 1.5),
        (("fPort",), 256),
        (("fPort",), [1]),
        (("time",), "yesterday"),
        (("time",), "2026-11-20T08:15:02"),
        (("time",), "2026-02-30T08:15:02Z"),
        (("time",), 1795162502),
        (("object",), "text"),
        (("object",), [1]),
        (("rxInfo",), {"rssi": -90}),
        (("rxInfo",), [{"rssi": "loud"}]),
        (("txInfo",), []),
        (("deviceInfo",), ...),
        (("deviceInfo",), "r204"),
        (("deviceInfo", "deviceName"), {"a": 1}),
    ],
    ids=str,
)
def test_wrong_values_are_named_by_place_and_never_repeated(path: tuple[str, ...], to: object) -> None:
    with pytest.raises(BadMessageError) as caught:
        read("chirpstack", TOPIC, body(changed(CHIRPSTACK_UP, *path, to=to)))
    assert caught.value.cause is Cause.MALFORMED
    assert caught.value.dev_eui == EUI
    assert not isinstance(to, str) or to not in caught.value.detail


def test_a_body_without_topic_needs_a_sound_eui() -> None:
    for wrong in ("", "a81758fffe0abcd", "a81758fffe0abcdg", "１" * 16, None):
        with pytest.raises(BadMessageError, match="devEui"):
            read("chirpstack", None, body(changed(CHIRPSTACK_UP, "deviceInfo", "devEui", to=wrong)))


def test_names_lose_control_characters_and_keep_everything_else() -> None:
    odd = "Raum\0 204\n \u202eسلام ẞ😀" + "x" * 500
    uplink = read("chirpstack", TOPIC, body(changed(CHIRPSTACK_UP, "deviceInfo", "deviceName", to=odd)))
    assert isinstance(uplink, Uplink)
    assert uplink.name == ("Raum 204 \u202eسلام ẞ😀" + "x" * 500)[:200]


def test_filters_for_subscriptions() -> None:
    assert topics("chirpstack") == ("application/+/device/+/event/+",)
    assert topics("tts") == ("v3/+/devices/+/up", "v3/+/devices/+/join")
    with pytest.raises(ValueError, match="lora"):
        read("lora", None, b"{}")


class TestProtobuf:
    """Messages are built with ChirpStack's own package and read with our table."""

    @pytest.fixture
    def api(self) -> Any:
        return pytest.importorskip("chirpstack_api.integration")

    def message(self, kind: Any, message: dict[str, Any]) -> bytes:
        from google.protobuf.json_format import ParseDict

        built: bytes = ParseDict(message, kind()).SerializeToString()
        return built

    def test_the_table_is_that_of_chirpstacks_package(self, api: Any) -> None:
        from chirpstack_api import gw

        kinds = {"string": 9, "uint32": 13, "int32": 5, "bool": 8, "bytes": 12, "float": 2}
        for title, table in chirpstack_protobuf.MESSAGES.items():
            if title == "IntegrationEvent":
                continue  # that package lacks it; number and type are those of all events
            published = getattr(api, title, None) or getattr(gw, title)
            for name, (number, kind) in table.items():
                field = published.DESCRIPTOR.fields_by_name[name]
                assert field.number == number, (title, name)
                bare = kind.strip("[]")
                if bare in kinds:
                    assert field.type == kinds[bare], (title, name)
                else:
                    assert field.message_type.name == bare.rpartition(".")[2], (title, name)
                assert field.is_repeated == kind.startswith("["), (title, name)

    def test_an_uplink_says_the_same_as_in_json(self, api: Any) -> None:
        built = self.message(api.UplinkEvent, CHIRPSTACK_UP)
        assert read("chirpstack", TOPIC, built) == UPLINK
        assert read("chirpstack", None, built, event="up") == UPLINK

    def test_an_object_is_plain(self, api: Any) -> None:
        told = {"co2": 776, "inner": {"list": [1, "a", None, {"b": True}]}}
        uplink = read("chirpstack", TOPIC, self.message(api.UplinkEvent, {**CHIRPSTACK_UP, "object": told}))
        assert isinstance(uplink, Uplink)
        assert uplink.object == told

    def test_other_events(self, api: Any) -> None:
        info = {"time": "2026-11-20T08:15:02Z", "deviceInfo": CHIRPSTACK_UP["deviceInfo"]}
        joined = read("chirpstack", topic("join"), self.message(api.JoinEvent, {**info, "devAddr": "0a0b0c0d"}))
        assert joined == Joined(dev_eui=EUI, dev_addr="0a0b0c0d", time=instants.parse("2026-11-20T08:15:02Z"))
        status = self.message(api.StatusEvent, {**info, "margin": 7, "batteryLevel": 50.5})
        assert read("chirpstack", topic("status"), status) == DeviceStatus(
            dev_eui=EUI, time=instants.parse("2026-11-20T08:15:02Z"), battery=50.5, margin=7
        )
        log = self.message(api.LogEvent, {**info, "level": "ERROR", "code": "UPLINK_CODEC", "description": "boom"})
        assert read("chirpstack", topic("log"), log) == Ignored(event="log", dev_eui=EUI, detail="boom")
        for event, kind in (("ack", api.AckEvent), ("txack", api.TxAckEvent), ("location", api.LocationEvent)):
            assert read("chirpstack", topic(event), self.message(kind, info)) == Ignored(event=event, dev_eui=EUI)

    def test_bytes_that_are_none_of_it(self, api: Any) -> None:
        built = self.message(api.UplinkEvent, CHIRPSTACK_UP)
        with pytest.raises(BadMessageError) as caught:
            read("chirpstack", TOPIC, built[: len(built) // 2])
        assert (caught.value.cause, caught.value.dev_eui) == (Cause.NOT_PROTOBUF, EUI)
        with pytest.raises(BadMessageError, match="event=") as caught:
            read("chirpstack", None, built)
        assert caught.value.cause is Cause.MALFORMED
        with pytest.raises(BadMessageError) as caught:
            read("chirpstack", TOPIC, self.message(api.UplinkEvent, {**CHIRPSTACK_UP, "fPort": 300}))
        assert caught.value.cause is Cause.MALFORMED

    def test_a_time_beyond_the_calendar(self, api: Any) -> None:
        event = api.UplinkEvent()
        event.ParseFromString(self.message(api.UplinkEvent, CHIRPSTACK_UP))
        event.time.seconds = 2**62
        with pytest.raises(BadMessageError, match="years") as caught:
            read("chirpstack", TOPIC, event.SerializeToString())
        assert caught.value.cause is Cause.MALFORMED

    @pytest.mark.parametrize(("levels", "is_read"), [(30, True), (40, False)])
    def test_an_object_nested_deeply(self, api: Any, levels: int, is_read: bool) -> None:
        event = api.UplinkEvent()
        event.ParseFromString(self.message(api.UplinkEvent, CHIRPSTACK_UP))
        inner = event.object
        for _ in range(levels):
            inner = inner.fields["a"].struct_value
        inner.fields["a"].number_value = 1
        if is_read:
            assert isinstance(read("chirpstack", TOPIC, event.SerializeToString()), Uplink)
            return
        with pytest.raises(BadMessageError) as caught:
            read("chirpstack", TOPIC, event.SerializeToString())
        assert caught.value.cause is Cause.NOT_PROTOBUF

    def test_the_topic_wins_over_the_body(self, api: Any) -> None:
        built = self.message(api.UplinkEvent, CHIRPSTACK_UP)
        uplink = read("chirpstack", TOPIC.replace(EUI, "A81758FFFE0FFFFF"), built)
        assert isinstance(uplink, Uplink)
        assert uplink.dev_eui == "a81758fffe0fffff"


@pytest.mark.parametrize(
    ("data", "payload"),
    [
        ("AQDiAikEACcFBgYDCAcNYg==", PAYLOAD),
        ("AQDiAikEACcFBgYDCAcNYg", PAYLOAD),
        ("AQDiAikEACcFBgYDCAcNYg=", PAYLOAD),
        ("-_8=", bytes([251, 255])),
        ("+/8", bytes([251, 255])),
        ("", b""),
        (None, b""),
        ("AQDi AikE", None),
        ("AQDiAikE\n", None),
        ("A", None),
        ("====", None),
        ("AQ=D", None),
        ("é", None),
    ],
)
def test_base64_as_protobufs_json_may_write_it(data: str | None, payload: bytes | None) -> None:
    message = changed(CHIRPSTACK_UP, "data", to=data)
    if payload is None:
        with pytest.raises(BadMessageError, match="data is no base64") as caught:
            read("chirpstack", TOPIC, body(message))
        assert caught.value.dev_eui == EUI
        return
    uplink = read("chirpstack", TOPIC, body(message))
    assert isinstance(uplink, Uplink)
    assert uplink.payload == payload


def test_a_mark_at_the_beginning_is_passed_over() -> None:
    assert read("chirpstack", TOPIC, b"\xef\xbb\xbf" + body(CHIRPSTACK_UP)) == UPLINK


@pytest.mark.parametrize(
    "time",
    ["2026-11-20T08:15:02+25:00", "2026-11-20T08:15:02+01:60", "2026-11-20T24:00:00Z", "２０２６-11-20T08:15:02Z"],
)
def test_times_that_no_clock_shows_are_refused(time: str) -> None:
    with pytest.raises(BadMessageError, match="RFC 3339"):
        read("chirpstack", TOPIC, body(changed(CHIRPSTACK_UP, "time", to=time)))
