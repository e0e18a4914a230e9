"""Small point clouds for tests, written by laspy, and lies written into their bytes."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import laspy
import numpy as np
from numpy.typing import NDArray

from pointclouds.sources import LasSource, open_one
from zwilling.points import OPTIONAL_COLUMNS, PointBatch
from zwilling.region import load_region

REGION = load_region()
CRS = "EPSG:25832+7837"
VERSIONS = {
    **dict.fromkeys(range(2), "1.0"),
    2: "1.2",
    3: "1.2",
    4: "1.3",
    5: "1.3",
    **dict.fromkeys(range(6, 11), "1.4"),
}
# Where things stand in a LAS head (LAS 1.4 R15, table 3), for lies.
POINTS_AT, VLR_COUNT, FORMAT, RECORD_LENGTH, COUNT, SCALE, BOUNDS, EVLR_AT, EVLR_COUNT, LONG_COUNT = (
    96, 100, 104, 105, 107, 131, 179, 235, 243, 247,
)  # fmt: skip


def cloud(
    layout: int = 1,
    *,
    count: int = 1000,
    version: str | None = None,
    seed: int = 0,
    corner: tuple[float, float] = (340000.0, 5670000.0),
    change: Callable[[laspy.LasData], None] | None = None,
) -> laspy.LasData:
    """Return random points in Neuss, every dimension of the format filled; `change` may alter them."""
    header = laspy.LasHeader(point_format=layout, version=version or ("1.4" if layout >= 6 else "1.3"))
    header.scales, header.offsets = np.array([0.01, 0.01, 0.001]), np.array([*corner, 0.0])
    data = laspy.LasData(header)
    numbers = np.random.default_rng(seed)
    data.X, data.Y = numbers.integers(0, 100_000, (2, count))
    data.Z = numbers.integers(-5_000, 90_000, count)
    for name in data.point_format.dimension_names:
        if name in ("X", "Y", "Z", "withheld"):
            continue
        dimension = data.point_format.dimension_by_name(name)
        if dimension.dtype is not None and dimension.dtype.kind == "f":
            data[name] = numbers.normal(size=count)
        else:
            data[name] = numbers.integers(0, min(1 << dimension.num_bits, 30_000), count).astype(
                np.int16 if name in ("scan_angle", "scan_angle_rank") else np.uint32
            ) - (100 if name == "scan_angle" else 0)
    if change is not None:
        change(data)
    return data


def write(path: Path, data: laspy.LasData) -> Path:
    """Write points as LAS or LAZ, by the path's ending."""
    data.write(str(path), laz_backend=laspy.LazBackend.Lazrs)
    return path


def packed_in_chunks(path: Path, data: laspy.LasData, counts: list[int]) -> Path:
    """Write points as LAZ with chunks of those counts."""
    import lazrs

    vlr = lazrs.LazVlr.new_for_compression(
        data.point_format.id, data.point_format.num_extra_bytes, use_variable_size_chunks=True
    )
    header = data.header
    header.vlrs.append(laspy.vlrs.known.LasZipVlr(vlr.record_data()))
    header.set_compressed(True)
    with path.open("wb") as file:
        header.update(data.points)
        header.write_to(file)
        compressor = lazrs.LasZipCompressor(file, vlr)
        raw = data.points.array.tobytes()
        size, at = data.point_format.size, 0
        for number, count in enumerate(counts):
            if number:
                compressor.finish_current_chunk()
            compressor.compress_many(np.frombuffer(raw[at : at + count * size], np.uint8))
            at += count * size
        compressor.done()
    return path


def patched(path: Path, offset: int, form: str, *values: float) -> Path:
    """Write numbers into a file at an offset."""
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, offset, *values)
    path.write_bytes(data)
    return path


def number_at(path: Path, offset: int, form: str) -> int:
    """Return a number in a file."""
    return int(struct.unpack_from(form, path.read_bytes(), offset)[0])


def opened(
    path: Path, *, crs: str | None = CRS, columns: tuple[str, ...] = OPTIONAL_COLUMNS, **options: bool
) -> LasSource:
    """Return a source."""
    return open_one(path, crs=crs, region=REGION, columns=columns, **options)


def read_all(source: LasSource) -> PointBatch:
    """Return all points of a source."""
    batches = [source.read(piece) for piece in range(source.head.chunks)]
    columns: dict[str, NDArray[np.generic]] = {
        name: np.concatenate([batch.columns[name] for batch in batches]) for name in source.head.columns if batches
    }
    xyz = np.concatenate([batch.xyz for batch in batches]) if batches else np.empty((0, 3), np.int32)
    return PointBatch(xyz, source.head.lattice, columns, tuple(issue for batch in batches for issue in batch.issues))


def stored(data: laspy.LasData) -> NDArray[np.int32]:
    """Return coordinates as laspy has them, shape (n, 3)."""
    return np.stack([data.X, data.Y, data.Z], axis=1)


def in_memory(data: laspy.LasData, *, packed: bool) -> bytes:
    """Return a file's bytes."""
    room = io.BytesIO()
    data.write(room, do_compress=packed, laz_backend=laspy.LazBackend.Lazrs)
    return room.getvalue()
