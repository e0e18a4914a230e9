"""The Things Stack v3: every message of its documentation, over MQTT and by webhook."""

from __future__ import annotations

from typing import Any

import pytest

from sensor_overlay import instants
from sensor_overlay.networks import read
from sensor_overlay.uplink import BadMessageError, Cause, Ignored, Joined, Uplink
from tests.sensor_overlay.networks.messages import EUI, PAYLOAD, TTS_TOPIC, TTS_UP, body, changed

UPLINK = Uplink(
    network="tts",
    dev_eui=EUI,
    time=instants.parse("2026-11-20T08:15:02.197Z"),
    heard=instants.parse("2026-11-20T08:15:02.197Z"),
    dev_addr="260b1234",
    session="AYvWZ0bIBfPnSyFQWfCk6A==",
    f_cnt=812,
    f_port=5,
    payload=PAYLOAD,
    object=TTS_UP["uplink_message"]["decoded_payload"],
    name="raum-204",
    application="schulen",
    profile="ers-co2",
    rssi=-90,
    snr=9.25,
    data_rate="SF9BW125",
)
IDS = TTS_UP["end_device_ids"]


def test_an_uplink_is_read_whole() -> None:
    assert read("tts", TTS_TOPIC, body(TTS_UP)) == UPLINK
    assert read("tts", None, body(TTS_UP)) == UPLINK
    assert read("tts", TTS_TOPIC.replace("@kreis", ""), body(TTS_UP)) == UPLINK


def test_what_is_left_out_is_zero() -> None:
    message = {"end_device_ids": IDS, "received_at": "2026-11-20T08:15:02.4Z", "uplink_message": {}}
    assert read("tts", TTS_TOPIC, body(message)) == Uplink(
        network="tts",
        dev_eui=EUI,
        time=instants.parse("2026-11-20T08:15:02.4Z"),
        heard=instants.parse("2026-11-20T08:15:02.4Z"),
        dev_addr="260b1234",
        name="raum-204",
        application="schulen",
    )


def test_an_uplink_of_the_console_says_so() -> None:
    uplink = read("tts", TTS_TOPIC, body({**TTS_UP, "simulated": True}))
    assert isinstance(uplink, Uplink)
    assert uplink.is_simulated


def test_a_device_without_eui_has_it_in_its_name_or_is_refused() -> None:
    named: Any = changed(changed(TTS_UP, "end_device_ids", "dev_eui", to=...), "end_device_ids", "device_id", to="x")
    with pytest.raises(BadMessageError, match="dev_eui"):
        read("tts", None, body(named))
    named = changed(named, "end_device_ids", "device_id", to=f"eui-{EUI}")
    uplink = read("tts", f"v3/schulen@kreis/devices/eui-{EUI}/up", body(named))
    assert isinstance(uplink, Uplink)
    assert uplink.dev_eui == EUI


def test_a_topic_of_another_device_is_refused() -> None:
    with pytest.raises(BadMessageError) as caught:
        read("tts", "v3/schulen@kreis/devices/raum-205/up", body(TTS_UP))
    assert caught.value.cause is Cause.TOPIC


def test_a_join() -> None:
    message = {
        "end_device_ids": IDS,
        "received_at": "2026-11-20T08:15:02.4Z",
        "join_accept": {"session_key_id": "AYvWZ0bIBfPnSyFQWfCk6A==", "received_at": "2026-11-20T08:15:01Z"},
    }
    joined = Joined(dev_eui=EUI, dev_addr="260b1234", time=instants.parse("2026-11-20T08:15:01Z"))
    assert read("tts", TTS_TOPIC.replace("/up", "/join"), body(message)) == joined
    assert read("tts", None, body(message)) == joined


@pytest.mark.parametrize(
    ("event", "key"),
    [
        ("down/queued", "downlink_queued"),
        ("down/sent", "downlink_sent"),
        ("down/ack", "downlink_ack"),
        ("down/nack", "downlink_nack"),
        ("down/failed", "downlink_failed"),
        ("location/solved", "location_solved"),
        ("service/data", "service_data"),
    ],
)
def test_what_is_of_no_interest_is_passed_over(event: str, key: str) -> None:
    message = body({"end_device_ids": IDS, "received_at": "2026-11-20T08:15:02.4Z", key: {"f_port": 15}})
    assert read("tts", TTS_TOPIC.replace("/up", f"/{event}"), message) == Ignored(event=event, dev_eui=EUI)
    assert read("tts", None, message) == Ignored(event=event, dev_eui=EUI)


@pytest.mark.parametrize(
    "wrong",
    [
        "v3/schulen@kreis/devices/raum-204",
        "v3/schulen@kreis/devices/raum-204/nonsense",
        "v3/schulen@kreis/devices/+/up",
        "v3/schulen@kreis/raum-204/up",
        "v2/schulen@kreis/devices/raum-204/up",
        "v3/schulen@kreis/devices/raum-204/up\0",
        "",
        "v3/" * 20_000,
    ],
    ids=lambda text: text[:50] or "empty",
)
def test_topics_that_are_none_of_the_things_stacks(wrong: str) -> None:
    with pytest.raises(BadMessageError) as caught:
        read("tts", wrong, body(TTS_UP))
    assert caught.value.cause is Cause.TOPIC


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("uplink_message", "frm_payload"), "not base64!"),
        (("uplink_message", "f_cnt"), -1),
        (("uplink_message", "f_port"), 256),
        (("uplink_message", "decoded_payload"), [1]),
        (("uplink_message", "rx_metadata"), {}),
        (("uplink_message", "received_at"), "now"),
        (("uplink_message",), "text"),
        (("uplink_message",), ...),
        (("end_device_ids",), ...),
        (("end_device_ids", "dev_eui"), "A8"),
    ],
    ids=str,
)
def test_wrong_values(path: tuple[str, ...], to: object) -> None:
    with pytest.raises(BadMessageError) as caught:
        read("tts", None, body(changed(TTS_UP, *path, to=to)))
    assert caught.value.cause is Cause.MALFORMED
