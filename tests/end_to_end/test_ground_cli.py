"""Orthophotos and terrain through the command line: all files that we have, bad and changed ones, a killed build."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds

from tests.end_to_end.program import run, zwilling
from tests.judges import judge
from tiler.check import check_tileset
from zwilling.crs import Georeference, parse_crs
from zwilling.region import load_region

# rasterio's own way of writing a position.
pytestmark = [pytest.mark.node, pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")]

IGN_DTM = "terrain/ign_montpellier/DTM_test_data_77055_627760_LA93_IGN69_50CM.tif"
OUTSIDE, FILLED = "HEIGHTS_OUTSIDE_REGION", "HEIGHTS_GAPS_FILLED"


@dataclass(frozen=True, slots=True)
class Drawn:
    """Files that become ground.

    Attributes:
        paths: below the folder of the data.
        crs: given by the user: none of these is German, so their heights are said to be ellipsoidal.
        findings: codes of all findings.
        options: others.
        has_walls: trees and houses, which are no ground: smooth normals do not fit their sides.
    """

    paths: tuple[str, ...]
    crs: str
    findings: frozenset[str]
    options: tuple[str, ...] = ()
    has_walls: bool = False


def picture(path: str, code: int, *findings: str) -> Drawn:
    return Drawn((f"orthophotos/{path}",), f"EPSG:{code}+ellipsoidal", frozenset(findings), ("--plane-height", "50"))


def terrain(path: str, code: int, *findings: str) -> Drawn:
    has_walls = "/DHM" in path or "/DSM" in path
    return Drawn((f"terrain/{path}",), f"EPSG:{code}+ellipsoidal", frozenset((OUTSIDE, *findings)), has_walls=has_walls)


DRAWN = [
    picture("colorado/cog_rgb_jpeg.tif", 26913, "PICTURE_GRID_DIFFERS"),
    picture("colorado/hro_rgb.tif", 26913, "PICTURE_GRID_DIFFERS"),
    picture("colorado/hro_rgba.tif", 26913, "PICTURE_GRID_DIFFERS"),
    picture("ign_montpellier/test_data_irc.tif", 2154),
    picture("jpeg2000/OSBS_029_lossy.jp2", 32617),
    picture("jpeg2000/ign_77055_627760_rgb_lossless.jp2", 2154),
    picture("korea/cogeo.tif", 3857, "PICTURE_WARPED"),
    picture("neon/OSBS_029.tif", 32617),
    Drawn(
        ("orthophotos/ign_montpellier/test_data_rgb.tif", IGN_DTM),
        "EPSG:2154+ellipsoidal",
        frozenset((OUTSIDE, FILLED)),
    ),
    Drawn(
        ("orthophotos/rmnp/rmnp-rgb.tif", "terrain/rmnp/rmnp-dem.tif"),
        "EPSG:4326+ellipsoidal",
        frozenset((OUTSIDE, "PICTURE_WARPED")),
    ),
    terrain("asc/ign_DTM_77055_627760.asc", 2154, FILLED),
    terrain("xyz/ign_DTM_77055_627760_dgm1style.xyz", 2154, FILLED),
    terrain("ign_montpellier/DHM_test_data_77055_627760_LA93_IGN69_50CM.tif", 2154, FILLED),
    terrain("ign_montpellier/DSM_test_data_77055_627760_LA93_IGN69_50CM.tif", 2154, FILLED),
    terrain("xyz/pdal_data.xyz", 26916),
]

SAY_HEIGHTS = (
    "heights were taken as EPSG:7837, since nothing else is said; pass --crs EPSG:{0}+CODE with the code of their "
    "height system, or --crs EPSG:{0}+ellipsoidal"
)
REFUSED = [
    (
        "orthophotos/jpeg2000/goodstuff.j2k",
        ("--plane-height", "50"),
        (
            "says nowhere where it lies; put its world file (.tfw, .jgw, .pgw, .j2w) beside it, or use gdal_edit.py "
            "-a_ullr"
        ),
    ),
    (
        "orthophotos/neon/OSBS_029.tif",
        (),
        (
            "there are pictures, but no terrain for them to lie on; name terrain files, too, or the height of a plane "
            "(--plane-height, plane_height)"
        ),
    ),
    (
        "orthophotos/neon/OSBS_029.tif",
        ("--plane-height", "50"),
        (
            "PROJ knows no exact way from EPSG:32617+7837 (WGS 84 / UTM zone 17N) to ETRS89; "
            f"{SAY_HEIGHTS.format(32617)}"
        ),
    ),
    (
        IGN_DTM,
        (),
        (
            "position (770574.750, 6277575.250, 0.000): lies where no height is known for EPSG:2154+7837; "
            f"{SAY_HEIGHTS.format(2154)}"
        ),
    ),
    (
        IGN_DTM,
        ("--plane-height", "50"),
        (
            "there is terrain, so no picture lies on a plane; leave out either the terrain or the height of the plane "
            "(--plane-height, plane_height)"
        ),
    ),
    (
        "terrain/xyz/pdal_data.xyz",
        (),
        (
            "begins at 440750, 3751290, which lies outside the area of ETRS89 / UTM zone 32N (EPSG:25832); check "
            "its place, or pass the CRS that it is in with --crs"
        ),
    ),
]
"""File, options, and all that the program says about it."""


def test_no_file_is_forgotten(shared_data: Path) -> None:
    files = {
        path.relative_to(shared_data).as_posix()
        for folder in ("orthophotos", "terrain")
        for path in (shared_data / folder).rglob("*")
        if path.is_file()
    }
    assert files == {path for drawn in DRAWN for path in drawn.paths} | {path for path, _, _ in REFUSED}


@pytest.mark.parametrize("drawn", DRAWN, ids=lambda drawn: drawn.paths[0].rpartition("/")[2])
def test_drawn(drawn: Drawn, shared_data: Path, home_with_grid: Path, tmp_path: Path) -> None:
    paths = [shared_data / path for path in drawn.paths]
    out, report_json = tmp_path / "out", tmp_path / "report.json"
    options: tuple[str | Path, ...] = ("--crs", drawn.crs, "--report", report_json, "--jobs", "1", *drawn.options)
    done = run("tile", *paths, "-o", out, *options, home=home_with_grid)
    assert done.returncode == 0, done.stderr
    report = json.loads(report_json.read_bytes())
    assert {finding["code"] for finding in report["findings"]} == drawn.findings
    if drawn.has_walls:
        codes = {issue.code for issue in check_tileset(out / "tileset.json").issues}
        assert codes <= {"TRIANGLE_AGAINST_NORMAL"}
        return
    tileset = judge(out / "tileset.json")
    assert len(tileset.contents) == report["tiles"] > 0
    files = [path for path in out.rglob("*") if path.is_file()]
    assert report["bytes"] <= sum(path.stat().st_size for path in files)  # and what is compressed beside
    assert not [path for path in out.rglob("*") if path.name.startswith(".scratch")]
    if drawn.paths[0].startswith("orthophotos"):
        assert_lies_where_the_source_does(tileset, paths[0], report)


def assert_lies_where_the_source_does(tileset: Any, path: Path, report: dict[str, Any]) -> None:
    """Compare what the tiles cover, read from their vertices, with the corners that rasterio tells."""
    with rasterio.open(path) as file:
        west, south, east, north = transform_bounds(file.crs, "EPSG:4326", *file.bounds)
        cell = max(report["resolutions"]["pictures"], 0.1)
    ecef = np.concatenate([primitive.positions for content in tileset.leaves() for primitive in content.primitives])
    back = Georeference.create(parse_crs("EPSG:4979"), load_region()).from_ecef(ecef)
    metres = np.array([111_320 * np.cos(np.radians(south)), 111_320])
    off = np.abs(np.concatenate([back[:, :2].min(0) - (west, south), back[:, :2].max(0) - (east, north)])) * np.tile(
        metres, 2
    )
    # Turned and warped pictures do not fill the box around them.
    assert off.max() < max(4 * cell, 0.02 * max((east - west) * metres[0], (north - south) * metres[1]))


@pytest.mark.parametrize(("path", "options", "message"), REFUSED)
def test_refused(
    path: str, options: tuple[str, ...], message: str, shared_data: Path, home_with_grid: Path, tmp_path: Path
) -> None:
    done = run("tile", shared_data / path, "-o", tmp_path / "out", *options, home=home_with_grid)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"zwilling: {shared_data / path}: {message}\n"
    assert list(tmp_path.iterdir()) == []


WEST, NORTH = 344_000.0, 5_674_000.0


def dop(path: Path, east: float = 0.0, *, seed: int = 1, side: int = 1024, bands: int = 3, lighter: int = 0) -> Path:
    colours = np.random.default_rng(seed).integers(60, 200, (bands, side // 16, side // 16), dtype=np.uint8) + lighter
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=side,
        height=side,
        count=bands,
        dtype="uint8",
        crs="EPSG:25832",
        transform=from_origin(WEST + east, NORTH, 0.05, 0.05),
    ) as file:
        file.write(colours.astype(np.uint8).repeat(16, axis=1).repeat(16, axis=2))
    return path


def dgm(path: Path, *, width: int = 420, height: float = 40.0, east: float = 0.0) -> Path:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=width,
        height=210,
        count=1,
        dtype="float32",
        crs="EPSG:25832",
        nodata=-9999.0,
        transform=from_origin(WEST + east, NORTH, 1, 1),
    ) as file:
        file.write(np.full((210, width), height, np.float32), 1)
    return path


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    return path


def text(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def swapped(folder: Path) -> list[Path]:
    rows = "".join(f"{NORTH - y - 0.5} {WEST + x + 0.5} 40\n" for y in range(4) for x in range(4))
    return [text(folder / "dgm1.xyz", rows)]


BAD: dict[str, tuple[Callable[[Path], list[Path]], str]] = {
    "cut-off picture": (lambda f: [cut(dop(f / "a.tif")), dgm(f / "d.tif")], "a.tif: "),
    "cut-off terrain": (lambda f: [dop(f / "a.tif"), cut(dgm(f / "d.tif"))], "d.tif: "),
    "no heights at all": (lambda f: [dgm(f / "d.tif", height=-9999.0)], "no picture shows anything and no height"),
    "VRT under another name": (
        lambda f: [text(f / "a.tif", '<VRTDataset rasterXSize="1" rasterYSize="1"/>')],
        "a.tif: ",
    ),
    "swapped axes": (swapped, "x and y are swapped"),
    "letters": (lambda f: [dgm(f / "d.tif"), text(f / "letter.txt", "Sehr geehrte Damen und Herren,\n")], "letter.txt"),
    "missing": (lambda f: [dgm(f / "d.tif"), f / "gone.tif"], "gone.tif: there is no such file"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_ends_with_one_line_and_leaves_nothing(name: str, home_with_grid: Path, tmp_path: Path) -> None:
    make, said = BAD[name]
    files, work = tmp_path / "files", tmp_path / "work"
    files.mkdir()
    work.mkdir()
    done = run("tile", *make(files), "-o", work / "out", "--jobs", "1", home=home_with_grid)
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("zwilling: ")
    assert said in last
    assert "fault in the program" not in done.stderr
    assert "Traceback" not in done.stderr
    assert list(work.iterdir()) == []


def test_pictures_far_from_the_terrain_are_told(home_with_grid: Path, tmp_path: Path) -> None:
    files = dop(tmp_path / "a.tif"), dgm(tmp_path / "d.tif", east=20_000)
    done = run("tile", *files, "-o", tmp_path / "out", "--json", "--jobs", "1", home=home_with_grid)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert "GROUND_WITHOUT_HEIGHTS" in {finding["code"] for finding in report["findings"]}
    assert report["coverage"]["both"] == 0


def test_colours_of_two_flights_are_drawn_together_unless_the_user_says_no(
    home_with_grid: Path, tmp_path: Path
) -> None:
    old, new = dop(tmp_path / "a_2021.tif"), dop(tmp_path / "b_2023.tif", 51.2, seed=2, lighter=50)
    alike = dop(tmp_path / "b_2021.tif", 51.2, seed=2, lighter=50)
    made = {}
    for name, pictures, more in (
        ("drawn together", (old, new), ()),
        ("as they are", (old, new), ("--no-balance",)),
        ("one flight", (old, alike), ()),
        ("one flight as it is", (old, alike), ("--no-balance",)),
    ):
        options = ("--plane-height", "40", "--no-globe", "--json", "--jobs", "1", *more)
        done = run("tile", *pictures, "-o", tmp_path / name, *options, home=home_with_grid)
        assert done.returncode == 0, done.stderr
        codes = {finding["code"] for finding in json.loads(done.stdout)["findings"]}
        assert ("PICTURES_BALANCED" in codes) == (name == "drawn together")
        made[name] = {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.glb")}
    assert made["one flight"] == made["one flight as it is"] == made["as they are"]
    assert made["drawn together"].keys() == made["as they are"].keys()
    assert made["drawn together"] != made["as they are"]


SETTINGS = """
[[layer]]
id = "gelaende"
title = "Gelände"
kind = "ground"
crs = "EPSG:25832+7837"
sources = ["dop_*.tif"]
heights = ["dgm1.tif"]
"""


@dataclass(frozen=True, slots=True)
class Twin:
    """A twin of two pictures side by side over one terrain."""

    folder: Path
    home: Path

    @property
    def layer(self) -> Path:
        return self.folder / "data/layers/gelaende"

    @property
    def version(self) -> str:
        return str(json.loads((self.layer / "layer.json").read_bytes())["version"])

    def build(self) -> dict[str, Any]:
        """Build, and return the report of the current version."""
        zwilling("build", self.folder / "zwilling.toml", "--jobs", "1", home=self.home)
        return dict(json.loads((self.layer / self.version / "report.json").read_bytes()))

    def files(self, version: str) -> dict[str, Path]:
        root = self.layer / version
        return {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def twin(home_with_grid: Path, tmp_path: Path) -> Twin:
    text(tmp_path / "zwilling.toml", SETTINGS)
    dop(tmp_path / "dop_1_2022.tif", seed=1)
    dop(tmp_path / "dop_2_2022.tif", 307.2, seed=2)
    dgm(tmp_path / "dgm1.tif")
    return Twin(tmp_path, home_with_grid)


def test_a_changed_picture_costs_its_own_pieces_and_the_way_back_costs_nothing(twin: Twin) -> None:
    first = twin.build()
    old = twin.version
    assert first["pieces_made"] == first["pieces"]
    shutil.copy2(twin.folder / "dop_2_2022.tif", twin.folder / "kept")

    dop(twin.folder / "dop_2_2022.tif", 307.2, seed=3)
    second = twin.build()
    new = twin.version
    assert new != old
    assert second["pieces_made"] < second["pieces"]
    assert [Path(name).name for name in second["files_decoded"] if "dop" in name] == ["dop_2_2022.tif"]
    before, after = twin.files(old), twin.files(new)
    kept = [name for name in after if name in before and after[name].samefile(before[name])]
    assert len(kept) > 10  # what did not change is not even copied
    # The same as if it had been built from nothing.
    shutil.rmtree(twin.layer)
    twin.build()
    assert twin.version == new
    fresh = twin.files(new)
    own = {"report.json", "report.html", ".units"}
    judge(twin.layer / new / "tileset.json")
    assert fresh.keys() == after.keys()
    assert {name for name in fresh if name not in own} > {"tileset.json", "terrain/layer.json"}

    shutil.move(twin.folder / "kept", twin.folder / "dop_2_2022.tif")
    back = twin.build()
    assert twin.version == old
    assert back["pieces_made"] < back["pieces"]
    dop(twin.folder / "dop_2_2022.tif", 307.2, seed=3)
    stamp = (twin.layer / new / "tileset.json").stat().st_mtime_ns
    twin.build()
    assert twin.version == new  # switched, not built
    assert (twin.layer / new / "tileset.json").stat().st_mtime_ns == stamp


def test_a_build_that_was_killed_leaves_the_version_before_and_the_next_one_cleans_up(twin: Twin) -> None:
    twin.build()
    old = twin.version
    dop(twin.folder / "dop_2_2022.tif", 307.2, seed=3, side=4096)
    process = subprocess.Popen(
        [sys.executable, "-m", "zwilling", "build", str(twin.folder / "zwilling.toml"), "--jobs", "1", "--quiet"],
        env={**os.environ, "XDG_DATA_HOME": str(twin.home), "PROJ_NETWORK": "OFF"},
    )
    while process.poll() is None and not half_built(twin.layer):
        pass
    process.kill()
    process.wait()
    assert half_built(twin.layer), "the build was over before it was killed"
    assert twin.version == old
    judge(twin.layer / old / "tileset.json")

    twin.build()
    assert twin.version != old
    assert half_built(twin.layer) == []
    judge(twin.layer / twin.version / "tileset.json")


def half_built(layer: Path) -> Sequence[Path]:
    return list(layer.glob(".*.part/.scratch/*"))
