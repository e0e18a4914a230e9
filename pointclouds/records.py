"""Where each dimension stands in a point record, and the columns that come out of records.

Names are those of the LAS specification in lower case, as laspy and PDAL's users know them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pointclouds.heads import RECORD_LENGTHS, LasHead, read_vlr

COLOURS: Final = ("red", "green", "blue")


@dataclass(frozen=True, slots=True)
class Field:
    """One dimension in a record: where its bytes stand, and which bits of them.

    Attributes:
        offset: bytes from the record's beginning.
        kind: numpy name of its type, little endian.
        shift, mask: bits of a byte; mask 0 stands for all.
        scale, origin: what an extra dimension's numbers mean: `number * scale + origin`.
    """

    offset: int
    kind: str
    shift: int = 0
    mask: int = 0
    scale: float = 1.0
    origin: float = 0.0

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of its column."""
        return np.dtype(np.float64 if (self.scale, self.origin) != (1.0, 0.0) else self.kind)

    def of(self, records: NDArray[np.uint8]) -> NDArray[np.generic]:
        """Return the dimension, shape (n,), perhaps as a view; `records`: shape (n, record length), contiguous."""
        column: NDArray[np.generic] = np.ndarray(len(records), self.kind, records, self.offset, (records.shape[1],))
        if self.shift:
            column = np.right_shift(column, self.shift)
        if self.mask:
            return np.asarray(np.bitwise_and(column, self.mask, dtype=column.dtype))
        if (self.scale, self.origin) != (1.0, 0.0):
            with np.errstate(all="ignore"):  # what a file's scale makes of its numbers is the file's affair
                return np.asarray(column, dtype=np.float64) * self.scale + self.origin
        return column


_COMMON: Final = {"intensity": Field(12, "<u2")}
_LEGACY: Final = {
    "return_number": Field(14, "u1", 0, 0b111),
    "number_of_returns": Field(14, "u1", 3, 0b111),
    "scan_direction_flag": Field(14, "u1", 6, 1),
    "edge_of_flight_line": Field(14, "u1", 7, 1),
    "classification": Field(15, "u1", 0, 0b11111),
    "synthetic": Field(15, "u1", 5, 1),
    "key_point": Field(15, "u1", 6, 1),
    "withheld": Field(15, "u1", 7, 1),
    "scan_angle_rank": Field(16, "i1"),
    "user_data": Field(17, "u1"),
    "point_source_id": Field(18, "<u2"),
}
_EXTENDED: Final = {
    "return_number": Field(14, "u1", 0, 0b1111),
    "number_of_returns": Field(14, "u1", 4, 0b1111),
    "synthetic": Field(15, "u1", 0, 1),
    "key_point": Field(15, "u1", 1, 1),
    "withheld": Field(15, "u1", 2, 1),
    "overlap": Field(15, "u1", 3, 1),
    "scanner_channel": Field(15, "u1", 4, 0b11),
    "scan_direction_flag": Field(15, "u1", 6, 1),
    "edge_of_flight_line": Field(15, "u1", 7, 1),
    "classification": Field(16, "u1"),
    "user_data": Field(17, "u1"),
    "scan_angle": Field(18, "<i2"),
    "point_source_id": Field(20, "<u2"),
    "gps_time": Field(22, "<f8"),
}
_GPS_TIME_AT: Final = {1: 20, 3: 20, 4: 20, 5: 20}
_COLOURS_AT: Final = {2: 20, 3: 28, 5: 28, 7: 30, 8: 30, 10: 30}
_NIR_AT: Final = {8: 36, 10: 36}
# LAS 1.4, table 24: data types 1 to 10; 11 to 30 are the withdrawn arrays of two and three.
_EXTRA_KINDS: Final = ("u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f4", "<f8")
_EXTRA: Final = struct.Struct("<HBB32s4x24s24s24s3d3d32s")
_HAS_SCALE, _HAS_ORIGIN = 1 << 3, 1 << 4


def fields_of(head: LasHead) -> Mapping[str, Field]:
    """Return every dimension of a file but its coordinates, by name; its extra dimensions come last.

    An extra dimension that has a LAS dimension's name is not reachable; one whose name stands twice is the first.
    """
    fields = {**_COMMON, **(_EXTENDED if head.format >= 6 else _LEGACY)}
    if head.format in _GPS_TIME_AT:
        fields["gps_time"] = Field(_GPS_TIME_AT[head.format], "<f8")
    if head.format in _COLOURS_AT:
        at = _COLOURS_AT[head.format]
        fields |= {name: Field(at + 2 * place, "<u2") for place, name in enumerate(COLOURS)}
    if head.format in _NIR_AT:
        fields["nir"] = Field(_NIR_AT[head.format], "<u2")
    for name, field in _extra_fields(head):
        fields.setdefault(name, field)
    return MappingProxyType(fields)


def _extra_fields(head: LasHead) -> Iterable[tuple[str, Field]]:
    """Yield the extra dimensions; what cannot be placed in the record ends the list."""
    place = RECORD_LENGTHS[head.format]
    for vlr in head.vlrs:
        if (vlr.user, vlr.record) != ("LASF_Spec", 4) or vlr.length > 1 << 20:
            continue
        data = read_vlr(head.path, vlr)
        for start in range(0, len(data) - _EXTRA.size + 1, _EXTRA.size):
            _, kind, options, name, _, _, _, *numbers, _ = _EXTRA.unpack_from(data, start)
            text = name.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
            repeats = (kind - 1) // 10 + 1
            type_name = _EXTRA_KINDS[(kind - 1) % 10]
            # Type 0 is a lump of bytes, as many as the options say.
            width = options if kind == 0 else np.dtype(type_name).itemsize * repeats
            if kind > 30 or place + width > head.record_length:
                return
            if kind and text:
                for i in range(repeats):
                    scale = numbers[i] if options & _HAS_SCALE else 1.0
                    origin = numbers[3 + i] if options & _HAS_ORIGIN else 0.0
                    at = place + i * width // repeats
                    yield text if repeats == 1 else f"{text}[{i}]", Field(at, type_name, scale=scale, origin=origin)
            place += width


def xyz_of(records: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return a view of coordinates as stored, shape (n, 3); `records`: shape (n, record length), contiguous."""
    return np.ndarray((len(records), 3), "<i4", records, 0, (records.shape[1], 4))


def ends_of(xyz: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the lowest and the highest of each coordinate, shape (3,), of at least one point, shape (n, 3).

    Axis by axis: `xyz.min(axis=0)` takes 25 times as long.
    """
    low, high = ([int(end(xyz[:, axis])) for axis in range(3)] for end in (np.min, np.max))
    return np.array(low), np.array(high)


# lazrs' bits for the layers of formats 6 to 10; x, y, returns and the scanner's channel always come.
_LAYERS: Final = {
    "classification": 2,
    "synthetic": 4,
    "key_point": 4,
    "withheld": 4,
    "overlap": 4,
    "scan_direction_flag": 4,
    "edge_of_flight_line": 4,
    "intensity": 8,
    "scan_angle": 16,
    "user_data": 32,
    "point_source_id": 64,
    "gps_time": 128,
    "red": 256,
    "green": 256,
    "blue": 256,
    "nir": 512,
    "return_number": 0,
    "number_of_returns": 0,
    "scanner_channel": 0,
}
_Z_LAYER, _EXTRA_LAYERS = 1, 2048


def layers_of(columns: Iterable[str], *, with_flags: bool) -> int:
    """Return lazrs' bits for the layers in which some columns are packed, and z; an unknown name is an extra one."""
    bits = _Z_LAYER | (_LAYERS["withheld"] if with_flags else 0)
    for name in columns:
        bits |= _LAYERS.get(name, _EXTRA_LAYERS)
    return bits
