"""Payloads that are a row of elements, each a key and its values: the tables that describe them, read both ways."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sensor_overlay.codecs.codec import undecodable


@dataclass(frozen=True, slots=True)
class Element:
    """The values that follow a key.

    Attributes:
        layout: their bytes.
        names: property of each value; empty for one that is none of ours.
        divisors: what each number is divided by.
    """

    layout: struct.Struct
    names: tuple[str, ...]
    divisors: tuple[float, ...]

    def read(self, payload: bytes, start: int) -> dict[str, float]:
        """Return the values by property.

        Raises:
            struct.error: the payload ends before they do.
        """
        numbers = self.layout.unpack_from(payload, start)
        return {
            name: number if divisor == 1 else number / divisor
            for name, divisor, number in zip(self.names, self.divisors, numbers, strict=True)
            if name
        }

    def write(self, values: Mapping[str, float]) -> bytes:
        """Return the bytes of values by property; those that are not given are 0, those out of range at its end."""
        numbers = []
        for name, divisor, code in zip(self.names, self.divisors, self.layout.format.lstrip("<>"), strict=True):
            low, high = _RANGES[code]
            numbers.append(min(max(round(values.get(name, 0) * divisor), low), high))
        return self.layout.pack(*numbers)


_RANGES = {"B": (0, 0xFF), "b": (-0x80, 0x7F), "H": (0, 0xFFFF), "h": (-0x8000, 0x7FFF)}
_RANGES |= {"I": (0, 0xFFFF_FFFF), "i": (-0x8000_0000, 0x7FFF_FFFF)}


def element(order: str, *values: tuple[str, str] | tuple[str, str, float]) -> Element:
    """Return an element of values, each a property, a letter of `struct`, and a divisor where there is one.

    Example:
        >>> element(">", ("temperature", "h", 10)).read(bytes.fromhex("00e2"), 0)
        {'temperature': 22.6}
    """
    layout = struct.Struct(order + "".join(value[1] for value in values))
    return Element(layout, tuple(value[0] for value in values), tuple([*value, 1.0][2] for value in values))


def skipped(size: int) -> Element:
    """Return an element of `size` bytes that holds nothing of ours."""
    return Element(struct.Struct(f"{size}x"), (), ())


def elements(
    payload: bytes, start: int, key_size: int, table: Mapping[int, Element], *, mask: int = 0xFFFF
) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield key and values of each element until the payload ends, or a key comes whose length is not known.

    Raises:
        UnknownKey: such a key came.
        BadMessageError: UNDECODABLE, an element is cut off.  No radio frame is ever cut: it is another device's.
    """
    position = start
    size = len(payload)
    while position < size:
        if position + key_size > size:
            raise undecodable("the payload ends within a key")
        key = int.from_bytes(payload[position : position + key_size], "big") & mask
        found = table.get(key)
        if found is None:
            raise UnknownKey(key, position)
        position += key_size
        try:
            values = found.read(payload, position)
        except struct.error:
            raise undecodable(f"the payload ends within element {key:#0{2 + 2 * key_size}x}") from None
        yield key, values
        position += found.layout.size


class UnknownKey(Exception):  # noqa: N818 - how a row of elements ends, not always an error
    """An element of unknown length: nothing after it can be read.

    Attributes:
        key: as it stands in the payload.
        position: where it stands.
    """

    def __init__(self, key: int, position: int) -> None:
        super().__init__(key, position)
        self.key = key
        self.position = position

    def __str__(self) -> str:
        return f"element {self.key:#x} at byte {self.position} is not known; nothing after it was read"
