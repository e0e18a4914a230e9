"""Dimensions that were asked for: what tiles hold of them, and how they say what it means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.judges import judge
from tests.tiler.points.clouds import Cloud, cloud
from tests.tiler.points.reading import read_tiles
from tests.tiler.points.test_build import REGION, SMALL, town
from tiler.points.build import PointsOptions, tile_points
from tiler.points.dimensions import property_of
from tiler.points.metadata import Range
from tiler.target import FolderTarget

COUNT = 3_000


def build(folder: Path, sources: Sequence[Cloud], dimensions: Sequence[str], **options: Any) -> Mapping[str, Any]:
    """Return the tileset document of clouds with further dimensions."""
    folder.mkdir(parents=True, exist_ok=True)
    how = PointsOptions(dimensions=tuple(dimensions), limits=SMALL, **options)
    tile_points(sources, FolderTarget(folder), REGION, how)
    document: Mapping[str, Any] = json.loads((folder / "tileset.json").read_bytes())
    return document


def having(source: Cloud, **columns: NDArray[Any]) -> Cloud:
    return replace(source, columns={**source.columns, **columns})


def numbers(folder: Path, name: str) -> NDArray[np.float64]:
    """Return what tiles hold under a name, in the order of the cloud's points, each of which has its own facts."""
    tiles = read_tiles(folder / "tileset.json")
    names = ("_CLASSIFICATION", "_INTENSITY", "_RETURN_NUMBER", "_NUMBER_OF_RETURNS")
    facts = [np.concatenate([tile.attributes[key][:, 0] for tile in tiles]).astype(np.uint64) for key in names]
    # The number that tests.tiler.points.clouds.cloud made the facts from.
    number = facts[1] | facts[0] << np.uint64(16) | facts[2] << np.uint64(24) | facts[3] << np.uint64(28)
    inverse = pow(2_654_435_761, -1, 2**32)
    rows = (number * np.uint64(inverse) & np.uint64(2**32 - 1)) & np.uint64(2**24 - 1)
    values = np.concatenate([tile.attributes[name][:, 0] for tile in tiles]).astype(np.float64)
    assert np.array_equal(np.sort(rows), np.arange(len(rows)))
    return values[np.argsort(rows)]


def own(document: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return what schema and statistics say of a property."""
    found = document["statistics"]["classes"]["point"]["properties"].get(name, {})
    return document["schema"]["classes"]["point"]["properties"][name], found


def test_times_of_a_flight_come_back_to_the_stated_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    time = 3.2e8 + 0.25 + np.sort(rng.uniform(0, 9_000, COUNT))
    time[0] = 3.2e8 + 0.25
    angle = rng.integers(-5_000, 5_000, COUNT).astype(np.int16)
    source = having(cloud("a.laz", town(COUNT)), gps_time=time, scan_angle=angle)
    document = build(tmp_path, [source], ["gps_time", "scan_angle"])
    judge(tmp_path / "tileset.json")
    schema, found = own(document, "GPS_TIME")
    assert (schema["componentType"], schema["required"]) == ("FLOAT32", True)
    assert schema["extras"] == {"origin": 3.2e8}
    # 8,192 to 16,384 are told apart by 2^-10: rounding takes half of that.
    assert schema["description"].endswith("Counted from 320000000. Rounded to a single float, by 0.0005 at most.")
    shown = numbers(tmp_path, "_GPS_TIME")
    assert np.abs(shown + 3.2e8 - time).max() <= 2**-11
    assert (found["min"], found["max"]) == (shown.min(), shown.max())
    schema, found = own(document, "SCAN_ANGLE")
    assert schema["componentType"] == "INT16"
    assert np.array_equal(numbers(tmp_path, "_SCAN_ANGLE"), angle)
    assert found == {"min": angle.min(), "max": angle.max()}


def test_what_a_file_lacks_and_what_is_no_number_is_no_data(tmp_path: Path) -> None:
    with_gaps = np.linspace(-2.0, 2.0, COUNT)
    with_gaps[::7], with_gaps[1], with_gaps[2], with_gaps[3], with_gaps[4] = np.nan, np.inf, -np.inf, 1e300, -1e300
    flags = (np.arange(COUNT) % 250).astype(np.uint8)
    full = having(cloud("a.laz", town(COUNT)), Deviation=with_gaps, user_data=flags)
    bare = cloud("b.laz", town(500, seed=1) + np.array([30_000, 0, 0]), seed=1)
    document = build(tmp_path, [full, bare], ["Deviation", "user_data"])
    judge(tmp_path / "tileset.json")
    schema, found = own(document, "DEVIATION")
    gap = schema["noData"]
    assert gap == -float(np.finfo(np.float32).max)
    assert "required" not in schema
    expected = with_gaps[np.abs(with_gaps) < 1e9]  # no single float holds 1e300
    assert [found["min"], found["max"]] == [np.float32(expected.min()), np.float32(expected.max())]
    tiles = read_tiles(tmp_path / "tileset.json")
    shown = np.concatenate([tile.attributes["_DEVIATION"][:, 0] for tile in tiles]).astype(np.float64)
    assert np.count_nonzero(shown == gap) == 500 + COUNT - len(expected)
    assert np.allclose(np.sort(shown[shown != gap]), np.sort(expected), atol=1e-6)
    schema, _ = own(document, "USER_DATA")
    assert (schema["componentType"], schema["noData"]) == ("UINT8", 255)
    shown = np.concatenate([tile.attributes["_USER_DATA"][:, 0] for tile in tiles])
    assert np.array_equal(np.bincount(shown, minlength=256)[:250], np.bincount(flags, minlength=250))
    assert np.count_nonzero(shown == 255) == 500


def test_numbers_that_signal_are_gaps_like_others(tmp_path: Path) -> None:
    """A NaN of the kind that damage leaves: numpy warns where one becomes a double, and warnings are errors here."""
    values = np.ones(COUNT, np.float32)
    values.view(np.uint32)[:5] = 0x7F800001
    build(tmp_path, [having(cloud("a.laz", town(COUNT)), Deviation=values)], ["Deviation"])
    assert np.count_nonzero(numbers(tmp_path, "_DEVIATION") != 1) == 5


def test_names_become_ids_that_a_shader_takes(tmp_path: Path) -> None:
    values = np.arange(COUNT, dtype=np.uint8)
    source = having(
        cloud("a.laz", town(COUNT)),
        **{"Deviation": values, "deviation": values + 1, "0 / Höhe": values.astype(np.int8)},
    )
    document = build(tmp_path, [source], ["Deviation", "deviation", "0 / Höhe", "classification", "nowhere"])
    judge(tmp_path / "tileset.json")
    ids = list(document["schema"]["classes"]["point"]["properties"])
    assert ids[4:] == ["DEVIATION", "DEVIATION_2", "D_0_H_HE"]
    assert own(document, "D_0_H_HE")[0]["name"] == "0 / Höhe"
    assert np.array_equal(numbers(tmp_path, "_DEVIATION_2"), values + 1)
    assert np.array_equal(numbers(tmp_path, "_D_0_H_HE"), values.astype(np.int8))


def test_jobs_and_partitions_do_not_show(tmp_path: Path) -> None:
    sources = [
        replace(
            having(cloud(f"{n}.laz", town(COUNT, seed=n), seed=n), gps_time=n * 1e5 + np.arange(COUNT) / 8),
            chunk_points=900,
        )
        for n in range(2)
    ]
    build(tmp_path / "1", sources, ["gps_time"])
    build(tmp_path / "2", sources[::-1], ["gps_time"], jobs=2)
    files = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*") if path.is_file())
    assert [(tmp_path / "1" / path).read_bytes() for path in files] == [
        (tmp_path / "2" / path).read_bytes() for path in files
    ]


@pytest.mark.parametrize(
    ("found", "dtype", "no_data", "origin"),
    [
        (Range(0, 255), "|u1", None, 0),
        (Range(0, 255, gaps=1), "<u2", 65_535, 0),
        (Range(-32_768, 5), "<i2", None, 0),
        (Range(-32_768, 5, gaps=1), "<f4", -float(np.finfo(np.float32).max), 0),
        (Range(-1, 5, gaps=1), "<i2", -32_768, 0),
        (Range(0, 65_535, gaps=1), "<f4", -float(np.finfo(np.float32).max), 0),
        (Range(0, 2**24), "<f4", None, 0),
        (Range(2**40, 2**40 + 100), "<f4", None, 2**40),
        (Range(-0.5, 0.25, is_whole=False), "<f4", None, 0),
        (Range(1e9, 1e9 + 0.5, is_whole=False), "<f4", None, 1e9),
        (Range(gaps=9), "|u1", 255, 0),
    ],
)
def test_the_numbers_that_occur_choose_the_type(found: Range, dtype: str, no_data: float | None, origin: float) -> None:
    prop = property_of("x", found, [])
    assert (prop.dtype, prop.no_data, prop.origin) == (dtype, no_data, origin)
