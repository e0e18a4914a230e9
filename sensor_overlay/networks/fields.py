"""What both network servers' messages are made of: EUIs, addresses, times, names; and how JSON is read without fear."""

from __future__ import annotations

import binascii
import math
import re
from typing import TypeVar

import msgspec

from sensor_overlay import instants
from sensor_overlay.uplink import BadMessageError, Cause

MOST_BYTES = 256 * 1024
"""A message may be this long.  Uplinks have 1 to 4 kB; one that 60 gateways heard has 30 kB."""
MOST_TOPIC = 1_024
MOST_PAYLOAD = 255
"""LoRaWAN carries at most 242 bytes of application payload (regional parameters RP002, data rate 7 of EU868)."""
_MOST_TEXT = 200

_EUI = re.compile(r"[0-9a-fA-F]{16}")
_ADDRESS = re.compile(r"[0-9a-fA-F]{8}")
_CONTROL = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)])
_URL_SAFE = str.maketrans("-_", "+/")
_BOM = b"\xef\xbb\xbf"
_EARLIEST = instants.parse("0001-01-01T00:00:00Z")
_LATEST = instants.parse("9999-12-31T23:59:59Z")

T = TypeVar("T")


def from_json(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Return a JSON body as the decoder's type.

    Raises:
        BadMessageError: NOT_JSON or MALFORMED, with a sentence that says where but never repeats what.
    """
    try:
        return decoder.decode(body.removeprefix(_BOM))  # RFC 8259, 8.1: whoever reads may pass it over
    except msgspec.ValidationError as error:
        raise BadMessageError(Cause.MALFORMED, f"the JSON is not as documented: {error}") from None
    except msgspec.DecodeError as error:
        raise BadMessageError(Cause.NOT_JSON, str(error)) from None
    except UnicodeDecodeError as error:
        raise BadMessageError(Cause.NOT_JSON, f"byte {error.start} of a text is not UTF-8") from None
    except RecursionError:
        raise BadMessageError(Cause.MALFORMED, "the JSON is nested too deeply") from None


def is_eui(text: str) -> bool:
    """Return whether `text` is an EUI-64 as 16 hexadecimal digits."""
    return _EUI.fullmatch(text) is not None


def eui(text: str | None, *, what: str) -> str:
    """Return an EUI-64 in lower case.

    Raises:
        BadMessageError: MALFORMED, it is none.
    """
    if text is None or not is_eui(text):
        raise BadMessageError(Cause.MALFORMED, f"{what} is missing or not 16 hexadecimal digits")
    return text.lower()


def address(text: str | None) -> str:
    """Return a device address in lower case, empty where it is none: a frame is not lost for want of it."""
    return text.lower() if text is not None and _ADDRESS.fullmatch(text) else ""


def name(text: str | None) -> str:
    """Return a text for people without control characters (PostgreSQL refuses NUL), at most 200 characters long."""
    if not text:
        return ""
    return text[:_MOST_TEXT] if text.isprintable() else text.translate(_CONTROL)[:_MOST_TEXT]


def finite(value: float | None) -> float | None:
    """Return a number, or None where it is none that a table could hold."""
    return value if value is not None and math.isfinite(value) else None


def instant(text: str | None) -> int | None:
    """Return the instant that an RFC 3339 text names, None where there is no text.

    Raises:
        BadMessageError: MALFORMED, it names none.
    """
    if not text:
        return None
    try:
        found = instants.parse(text)
    except ValueError:
        raise BadMessageError(Cause.MALFORMED, "the time is not as RFC 3339 writes it, with a zone") from None
    return within_calendar(found)


def is_within_calendar(found: int) -> bool:
    """Return whether an instant lies in the years 1 to 9999."""
    return _EARLIEST <= found <= _LATEST


def within_calendar(found: int) -> int:
    """Return `found` where it lies in the years 1 to 9999, which every database and every reader knows.

    Raises:
        BadMessageError: MALFORMED, it does not.
    """
    if not is_within_calendar(found):
        raise BadMessageError(Cause.MALFORMED, "the time is outside the years 1 to 9999")
    return found


def unbased(text: str | None, *, what: str) -> bytes:
    """Return the bytes of a base64 text: protobuf's JSON takes both alphabets, with padding and without.

    Raises:
        BadMessageError: MALFORMED, it is none.

    Example:
        >>> unbased("-_8=", what="data") == unbased("+/8", what="data") == bytes([251, 255])
        True
    """
    if not text:
        return b""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        pass
    bare = text.rstrip("=").translate(_URL_SAFE)
    try:
        if len(text) - len(bare) > 2:
            raise ValueError
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4), strict_mode=True)
    except ValueError:
        raise BadMessageError(Cause.MALFORMED, f"{what} is no base64") from None


def payload(data: bytes | None) -> bytes:
    """Return a frame payload.

    Raises:
        BadMessageError: MALFORMED, it is longer than any LoRaWAN frame.
    """
    if data is None:
        return b""
    if len(data) > MOST_PAYLOAD:
        raise BadMessageError(Cause.MALFORMED, f"the payload has {len(data):,} bytes; LoRaWAN carries at most 242")
    return data


def data_rate(spreading_factor: int, bandwidth_hz: int) -> str:
    """Return a LoRa data rate as people write it.

    Example:
        >>> data_rate(7, 125_000)
        'SF7BW125'
    """
    return f"SF{spreading_factor}BW{bandwidth_hz // 1_000}" if spreading_factor and bandwidth_hz else ""
