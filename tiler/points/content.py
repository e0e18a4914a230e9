"""The GLB of a tile of points: one primitive, positions of 16 bits, everything compressed.

Spec: glTF 2.0, `KHR_mesh_quantization`, `EXT_meshopt_compression`, `EXT_structural_metadata` (property attributes),
`KHR_materials_unlit`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tiler.glb import Compression, GlbBuilder
from tiler.points.metadata import POINT_CLASS, PointProperty
from tiler.points.morton import sort

MOST_STEPS: Final = 65_535

_POSITION: Final = np.dtype([("position", "<u2", 3), ("padding", "V2")])
_COLOUR: Final = np.dtype([("colour", "|u1", 4)])
_FIELDS: Final = {
    "|u1": np.dtype([("value", "|u1"), ("padding", "V3")]),
    "<u2": np.dtype([("value", "<u2"), ("padding", "V2")]),
    "<i2": np.dtype([("value", "<i2"), ("padding", "V2")]),
    "<f4": np.dtype([("value", "<f4")]),
}


@dataclass(frozen=True, slots=True)
class Quantized:
    """Positions in 16 bits: `place = low + step * number`.

    Attributes:
        numbers: uint16, shape (n, 4); the last of each row is zero, for alignment.
        most: the largest number of x, y and z; the smallest is 0.
        low: of the tile's frame, shape (3,).
        step: metres.
        error: how far a place is off at most, metres.
    """

    numbers: NDArray[np.uint16]
    most: tuple[int, int, int]
    low: NDArray[np.float64]
    step: float
    error: float

    @property
    def high(self) -> NDArray[np.float64]:
        """The largest of all places along each axis, shape (3,)."""
        high: NDArray[np.float64] = self.low + np.array(self.most) * self.step
        return high


def tight_order(x: NDArray[np.uint32], y: NDArray[np.uint32], kind: NDArray[np.uint16]) -> NDArray[np.intp]:
    """Return the order in which a tile's points take the fewest bytes: kind by kind, along strips of 256 steps.

    The codec stores each byte of a number by how it differs from that of the point before.  Points of one kind differ
    least in height, colour and intensity.  Along a strip the high byte of x stays, y takes small steps, and x varies in
    its low byte alone, where in Morton order both vary by a byte and more.

    Args:
        x, y: of the points, on a grid, shape (n,).
        kind: what tells them apart best: class and returns.
    """
    x, y = x - x.min(), y - y.min()
    shift = _shift(max(int(x.max()), int(y.max())))
    return sort([kind, (x >> np.uint32(shift + 8)).astype(np.uint16), (y >> np.uint32(shift)).astype(np.uint16)])


def _shift(reach: int) -> int:
    """Return by how many bits numbers must be made coarser so that 16 bits hold them."""
    shift = max(reach.bit_length() - 16, 0)
    return shift + (_halved(reach, shift) > MOST_STEPS)


def quantize_places(places: NDArray[np.uint32], step: float, low: NDArray[np.float64]) -> Quantized:
    """Return whole numbers of `step` metres, shape (3, n), in 16 bits: exactly, where they do not reach too far.

    Args:
        places: on a grid.
        step: of the grid.
        low: where the smallest of each axis are, in the tile's frame.
    """
    first = places.min(axis=1)
    reach = places.max(axis=1) - first
    shift = _shift(int(reach.max()))
    numbers = np.zeros((places.shape[1], 4), np.uint16)
    for axis in range(3):
        column = places[axis] - first[axis]
        if shift:
            column += np.uint32(1 << (shift - 1))
            column >>= np.uint32(shift)
        numbers[:, axis] = column
    x, y, z = (_halved(int(most), shift) for most in reach)
    coarse = step * 2.0**shift
    return Quantized(numbers, (x, y, z), low, coarse, math.sqrt(3) * coarse / 2 if shift else 0.0)


def _halved(number: int, times: int) -> int:
    return (number + (1 << (times - 1))) >> times if times else number


def quantize_positions(positions: NDArray[np.float64], least_step: float) -> Quantized:
    """Return positions in metres, shape (n, 3), as 16-bit numbers of steps as fine as they allow.

    Args:
        positions: in the tile's frame.
        least_step: finer than this is of no use.
    """
    columns = np.ascontiguousarray(positions.T)
    low, high = columns.min(axis=1), columns.max(axis=1)
    step = max(float((high - low).max()) / MOST_STEPS, least_step)
    numbers = np.zeros((len(positions), 4), np.uint16)
    for axis in range(3):
        numbers[:, axis] = np.minimum(np.rint((columns[axis] - low[axis]) / step), MOST_STEPS)
    x, y, z = np.minimum(np.rint((high - low) / step), MOST_STEPS).astype(int).tolist()
    return Quantized(numbers, (x, y, z), low, step, math.sqrt(3) * step / 2)


def encode(
    quantized: Quantized,
    colours: NDArray[np.uint32] | None,
    columns: Sequence[tuple[PointProperty, NDArray[np.generic]]],
    *,
    compression: Compression,
    copyright_lines: Sequence[str],
    schema_uri: str,
) -> bytes:
    """Return the GLB of some points.

    Args:
        quantized: where they are.
        colours: linear red, green, blue and opacity, one byte each, red lowest; None where there are none.
        columns: further properties, and their values, in numbers of 32 bits or as their properties store them.
        compression: of the vertices.
        copyright_lines: attribution.
        schema_uri: address of the schema, from the GLB.
    """
    builder = GlbBuilder(compression)
    rows = quantized.numbers.view(_POSITION).ravel()
    bounds = [0, 0, 0], quantized.most
    attributes = {"POSITION": builder.add_attribute(builder.add_vertices(rows), "position", rows, bounds=bounds)}
    if colours is not None:
        rows = colours.astype("<u4", copy=False).view(_COLOUR)
        attributes["COLOR_0"] = builder.add_attribute(builder.add_vertices(rows), "colour", rows, is_normalized=True)
    for prop, values in columns:
        rows = _rows(values, prop.dtype)
        attributes[prop.attribute] = builder.add_attribute(
            builder.add_vertices(rows), "value", rows, is_normalized=prop.step > 0
        )
    asset: dict[str, Any] = {"version": "2.0", "generator": "zwilling"}
    if copyright_lines:
        asset["copyright"] = "; ".join(copyright_lines)
    primitive: dict[str, Any] = {"attributes": attributes, "material": 0, "mode": 0}
    document: dict[str, Any] = {
        "asset": asset,
        "extensionsUsed": ["KHR_mesh_quantization", "KHR_materials_unlit"],
        "extensionsRequired": ["KHR_mesh_quantization"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "matrix": _matrix(quantized)}],
        # Points without normals are unlit by the standard; said aloud, CesiumJS leaves its tone mapping out too.
        "materials": [{"name": "point", "extensions": {"KHR_materials_unlit": {}}}],
        "meshes": [{"primitives": [primitive]}],
    }
    if columns:
        primitive["extensions"] = {"EXT_structural_metadata": {"propertyAttributes": [0]}}
        properties = {prop.id: {"attribute": prop.attribute} for prop, _ in columns}
        document["extensionsUsed"].append("EXT_structural_metadata")
        document["extensions"] = {
            "EXT_structural_metadata": {
                "schemaUri": schema_uri,
                "propertyAttributes": [{"class": POINT_CLASS, "properties": properties}],
            }
        }
    return builder.finish(document)


def _rows(values: NDArray[np.generic], dtype: str) -> NDArray[np.void]:
    """Return vertices of 4 bytes each, of which the first hold the value."""
    if values.dtype == np.uint32:  # whole numbers that are small enough: what is left of their bytes is zero
        return values.astype("<u4", copy=False).view(_FIELDS[dtype])
    rows = np.zeros(len(values), _FIELDS[dtype])
    rows["value"] = values
    return rows


def _matrix(quantized: Quantized) -> list[float]:
    """Return the node's matrix, column by column: from 16-bit numbers to metres, and from z up to y up."""
    step = quantized.step
    x, y, z = quantized.low.tolist()
    return [step, 0.0, 0.0, 0.0, 0.0, 0.0, -step, 0.0, 0.0, step, 0.0, 0.0, x, z, -y, 1.0]
