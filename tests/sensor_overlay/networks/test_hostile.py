"""Whatever comes in, either it is a message or a `BadMessageError`, and neither takes long."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor_overlay.networks import MOST_BYTES, NETWORKS, read
from sensor_overlay.uplink import BadMessageError, Cause, DeviceStatus, Ignored, Joined, Uplink
from tests.sensor_overlay.networks.messages import CHIRPSTACK_UP, EUI, TOPIC, TTS_TOPIC, TTS_UP, body

TOPICS = {"chirpstack": TOPIC, "tts": TTS_TOPIC}
SAMPLES: dict[str, dict[str, Any]] = {"chirpstack": CHIRPSTACK_UP, "tts": TTS_UP}


def refusal(network: str, topic: str | None, message: bytes, event: str = "") -> BadMessageError | None:
    """Return why a message is refused, None where it is not; any other exception fails the test."""
    try:
        found = read(network, topic, message, event=event)
    except BadMessageError as error:
        return error
    assert isinstance(found, Uplink | DeviceStatus | Joined | Ignored)
    return None


def is_told_well(error: BadMessageError | None) -> bool:
    return error is None or (0 < len(error.detail) < 300 and "\n" not in error.detail)


def cause_of(network: str, message: bytes) -> Cause | None:
    error = refusal(network, TOPICS[network], message)
    assert is_told_well(error)
    return error.cause if error else None


def with_object(network: str, text: str) -> bytes:
    """Return the sample with a JSON text, whatever it is, in place of the decoded object."""
    key = "object" if network == "chirpstack" else "decoded_payload"
    message = json.loads(json.dumps(SAMPLES[network]))
    (message if network == "chirpstack" else message["uplink_message"])[key] = {"a": "HERE"}
    return json.dumps(message).replace('"HERE"', text).encode()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (b"", Cause.MALFORMED),
        (b"hello", Cause.NOT_JSON),
        (b"null", Cause.MALFORMED),
        (b"[]", Cause.MALFORMED),
        (b"{", Cause.NOT_JSON),
        (b"{}", Cause.MALFORMED),
        (b"{}{}", Cause.NOT_JSON),
        (b"\xff\xfe{\x00}\x00", Cause.NOT_JSON),
        (b"\xef\xbb\xbf{}", Cause.MALFORMED),
        (b"[" * 100_000, Cause.MALFORMED),
        (b"[" * 100_000 + b"]" * 100_000, Cause.MALFORMED),
        (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, Cause.MALFORMED),
        (b" " * (MOST_BYTES + 1), Cause.TOO_LARGE),
        (b'{"a":"' + b"x" * 5_000_000 + b'"}', Cause.TOO_LARGE),
    ],
    ids=lambda value: f"{value[:12]!r}*{len(value)}" if isinstance(value, bytes) else value,
)
def test_no_message(network: str, message: bytes, cause: Cause) -> None:
    assert cause_of(network, message) is cause


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("NaN", Cause.NOT_JSON),
        ("Infinity", Cause.NOT_JSON),
        ("1e999", Cause.MALFORMED),
        ("-1e999", Cause.MALFORMED),
        ("9" * 5_000, Cause.MALFORMED),
        ("9" * 4_000, None),
        ("0." + "9" * 5_000, None),
        ("012", Cause.NOT_JSON),
        ('"\\ud800"', Cause.NOT_JSON),
        ('"\\udc00\\ud800"', Cause.NOT_JSON),
        ('"\\u0000"', None),
        ('{"a":' * 50_000 + "1" + "}" * 50_000, Cause.TOO_LARGE),
        ('{"a":' * 20_000 + "1" + "}" * 20_000, Cause.MALFORMED),
        ("[" * 100_000 + "]" * 100_000, Cause.MALFORMED),
        ('{"k": 1, "k": 2}', None),
        ('"' + "x" * 200_000 + '"', None),
        ("[" + "1," * 100_000 + "1]", None),
    ],
    ids=lambda value: f"{value[:12]}*{len(value)}" if isinstance(value, str) and len(value) > 12 else value,
)
def test_no_object(network: str, text: str, cause: Cause | None) -> None:
    assert cause_of(network, with_object(network, text)) is cause


def test_of_two_keys_the_last_counts() -> None:
    message = body(CHIRPSTACK_UP)[:-1] + b', "fCnt": 9, "fCnt": 10}'
    uplink = read("chirpstack", TOPIC, message)
    assert isinstance(uplink, Uplink)
    assert uplink.f_cnt == 10


def test_text_that_is_not_utf8_is_named_by_its_byte() -> None:
    message = body(CHIRPSTACK_UP).replace(b"Raum 204", b"Raum \xff04")
    assert cause_of("chirpstack", message) is Cause.NOT_JSON


def test_a_message_that_is_too_large_still_tells_its_device() -> None:
    with pytest.raises(BadMessageError) as caught:
        read("chirpstack", TOPIC, b" " * (MOST_BYTES + 1))
    assert (caught.value.cause, caught.value.dev_eui) == (Cause.TOO_LARGE, EUI)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_worst_that_fits_into_the_size_is_answered(network: str) -> None:
    # Were anything here quadratic, the suite would stand still.
    for message in (
        b"[" * MOST_BYTES,
        b'{"a":' * (MOST_BYTES // 5),
        b"9" * MOST_BYTES,
        b'{"fCnt":' + b"9" * (MOST_BYTES - 10) + b"}",
        with_object(network, "9" * (MOST_BYTES - 3_000)),
        with_object(network, "{" + ",".join(f'"k{n}":{n}' for n in range(15_000)) + "}"),
        b'{"rxInfo":[' + b"{}," * (MOST_BYTES // 3 - 10) + b"{}]}",
        b"\x0a\x80" * (MOST_BYTES // 2),
        b"\x12\x02\x12\x00" * (MOST_BYTES // 4),
        b"\x62\x00" * (MOST_BYTES // 2),
        b"\n" * MOST_BYTES,
    ):
        cause_of(network, message)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


@pytest.mark.parametrize("network", NETWORKS)
@settings(max_examples=300, deadline=None)
@given(data=st.data(), value=JSON, with_topic=st.booleans())
def test_any_value_at_any_place(network: str, data: st.DataObject, value: Any, with_topic: bool) -> None:
    message = json.loads(json.dumps(SAMPLES[network]))
    path = data.draw(st.sampled_from(places(message)))
    inner = message
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert is_told_well(refusal(network, TOPICS[network] if with_topic else None, json.dumps(message).encode()))


@pytest.mark.parametrize("network", NETWORKS)
@settings(max_examples=300, deadline=None)
@given(
    message=st.binary(max_size=400), topic=st.none() | st.text(max_size=100), event=st.sampled_from(["", "up", "log"])
)
def test_any_bytes(network: str, message: bytes, topic: str | None, event: str) -> None:
    for told in (topic, TOPICS[network], None):
        assert is_told_well(refusal(network, told, message, event))


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_protobuf_with_any_bytes_changed(data: st.DataObject) -> None:
    api = pytest.importorskip("chirpstack_api.integration")
    from google.protobuf.json_format import ParseDict

    message = bytearray(ParseDict({**CHIRPSTACK_UP, "object": {"co2": 5}}, api.UplinkEvent()).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(message)))
    assert is_told_well(refusal("chirpstack", TOPIC, bytes(message[:cut])))
