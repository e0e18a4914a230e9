"""Colours of different flights meet on their seams, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.shutil import copy
from rasterio.transform import Affine

from orthophotos import seams as seams_module
from orthophotos.balance import REACH, Correction
from orthophotos.pictures import open_pictures
from tests.orthophotos.picture_files import CELL, NORTH, WEST, decoded, window_of, write
from zwilling.crs.plane import transformed
from zwilling.rasters import Pictures

Colours = NDArray[np.float64]

SIDE = 640


def land(column: int, row: int, width: int, height: int) -> Colours:
    """Return the colours that the ground has, shape (height, width, 3): it goes on from picture to picture."""
    x, y = np.meshgrid(column + np.arange(width), row + np.arange(height))
    hills = 40 * np.sin(x / 31) * np.cos(y / 43) + 20 * np.sin((x + 2 * y) / 90)
    return np.stack([120 + hills, 130 + 0.8 * hills, 95 + 0.6 * hills], axis=-1)


def same(colours: Colours) -> Colours:
    return colours


def hazy(colours: Colours) -> Colours:
    """Return what another camera made of it: another gain and offset for each colour."""
    return colours * (0.8, 0.9, 1.1) + (45.0, -8.0, -2.0)


def photo(
    folder: Path,
    name: str,
    column: int,
    row: int,
    flight: Callable[[Colours], Colours],
    width: int = SIDE,
    height: int = SIDE,
    seed: int = 0,
) -> Path:
    """Write what a flight saw of the ground at a place of the common grid, with the noise of a camera."""
    noise = np.random.default_rng([column + 10_000, row + 10_000, seed]).normal(0, 3, (height, width, 3))
    pixels = np.clip(np.rint(flight(land(column, row, width, height)) + noise), 1, 254).astype(np.uint8)
    place = Affine(CELL, 0, WEST + column * CELL, 0, -CELL, NORTH - row * CELL)
    return write(folder / name, pixels.transpose(2, 0, 1), transform=place)


def shown(pictures: Pictures, scratch: Path, width: int, height: int, column: int = 0, row: int = 0) -> Colours:
    scratch.mkdir(exist_ok=True)
    decoded(pictures, scratch)
    pixels = pictures.read(window_of(height, width, column=column, row=row), scratch)
    assert (pixels[..., 3] == 255).all()
    return pixels[..., :3].astype(float)


def step_at(pixels: Colours, column: int) -> float:
    """Return the mean difference across a column, of pieces of 64 rows (the ground itself differs by less than one)."""
    across = pixels[:, column : column + 12].mean(axis=1) - pixels[:, column - 12 : column].mean(axis=1)
    return float(np.abs(across[: len(across) // 64 * 64].reshape(-1, 64, 3).mean(axis=1)).mean())


def codes(pictures: Pictures) -> list[str]:
    return [issue.code for issue in pictures.issues]


def prints(pictures: Pictures) -> dict[str, str]:
    return {Path(file.name).name: file.fingerprint for file in pictures.files}


@pytest.mark.parametrize("overlap", [0, 96])
def test_a_seam_between_two_flights_is_gone(overlap: int, tmp_path: Path) -> None:
    paths = [
        photo(tmp_path, "dop_1_2021.tif", 0, 0, same, width=SIDE + overlap),
        photo(tmp_path, "dop_2_2023.tif", SIDE, 0, hazy),
    ]
    plain = shown(open_pictures(paths), tmp_path / "plain", 2 * SIDE, SIDE)
    pictures = open_pictures(paths, is_balanced=True)
    even = shown(pictures, tmp_path / "even", 2 * SIDE, SIDE)
    nothing = step_at(land(0, 0, 2 * SIDE, SIDE), SIDE)
    assert step_at(plain, SIDE) > 8
    assert step_at(even, SIDE) < nothing + 1.5
    # Either side has gone half of the way, in its dark and in its bright places.
    ground = land(0, 0, 2 * SIDE, SIDE)
    half = (ground + hazy(ground)) / 2
    near = slice(SIDE - 32, SIDE + 32)
    off = (even - half)[:, near]
    assert np.abs(off.mean(axis=(0, 1))).max() < 1.5
    dark, bright = (np.abs(off[flags].mean()) for flags in (ground[:, near, 0] < 100, ground[:, near, 0] > 150))
    assert max(dark, bright) < 3
    (found,) = [issue for issue in pictures.issues if issue.code == "PICTURES_BALANCED"]
    assert "2 of 2 files" in found.message
    assert "2021, 2023" in found.message


def test_pictures_of_one_date_are_not_even_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [photo(tmp_path, "dop_1_2023.tif", 0, 0, same), photo(tmp_path, "dop_2_2023.tif", SIDE, 0, hazy)]

    def never(*_: object) -> Colours:
        raise AssertionError("pixels were read")

    monkeypatch.setattr(seams_module, "_colours", never)
    plain, even = open_pictures(paths), open_pictures(paths, is_balanced=True)
    assert prints(plain) == prints(even)
    assert codes(even) == []
    assert (shown(plain, tmp_path / "a", 64, 64) == shown(even, tmp_path / "b", 64, 64)).all()


def lighter(colours: Colours) -> Colours:
    return colours + 1.0


@pytest.mark.parametrize("other", [same, lighter])
def test_flights_between_which_nothing_is_seen_stay_as_they_are(
    other: Callable[[Colours], Colours], tmp_path: Path
) -> None:
    older = photo(tmp_path, "dop_1_2021.tif", 0, 0, same, width=SIDE + 96)
    paths = [older, photo(tmp_path, "dop_2_2023.tif", SIDE, 0, other)]
    plain, even = open_pictures(paths), open_pictures(paths, is_balanced=True)
    assert prints(plain) == prints(even)
    assert codes(even) == []


def test_what_changes_on_the_ground_along_a_seam_is_no_difference_of_flights(tmp_path: Path) -> None:
    """The newer picture ends along the edge of a wood; the older one shows both sides of it."""

    def wooded(colours: Colours) -> Colours:
        return np.where((np.arange(colours.shape[1]) < SIDE)[None, :, None], colours * 0.5, colours)

    older = photo(tmp_path, "dop_1_2021.tif", 0, 0, wooded, width=2 * SIDE)
    newer = photo(tmp_path, "dop_1_2023.tif", 0, 0, wooded, seed=1)
    assert codes(open_pictures([older, newer], is_balanced=True)) == []


def test_a_side_that_lies_under_a_newer_picture_is_no_seam(tmp_path: Path) -> None:
    older = photo(tmp_path, "dop_1_2021.tif", SIDE, 0, same)
    newer = photo(tmp_path, "dop_2_2023.tif", 0, 0, hazy)
    between = photo(tmp_path, "dop_2_2022.tif", 0, 0, lambda colours: 0.5 * colours)
    with_it = prints(open_pictures([older, between, newer], is_balanced=True))
    without = prints(open_pictures([older, newer], is_balanced=True))
    assert {name: with_it[name] for name in without} == without


def test_a_newer_flight_that_hides_all_of_the_older_one_stays_as_it_is(tmp_path: Path) -> None:
    paths = [
        photo(tmp_path, "dop_1_2021.tif", 0, 0, same, width=2 * SIDE),
        photo(tmp_path, "dop_1_2023.tif", -SIDE, -SIDE, hazy, width=2 * SIDE, height=3 * SIDE),
        photo(tmp_path, "dop_2_2023.tif", SIDE, -SIDE, hazy, width=2 * SIDE, height=3 * SIDE),
    ]
    assert prints(open_pictures(paths)) == prints(open_pictures(paths, is_balanced=True))


def test_far_from_the_seam_colours_are_those_of_the_file(tmp_path: Path) -> None:
    width = REACH + 600
    paths = [
        photo(tmp_path, "dop_1_2021.tif", 0, 0, same, width=width, height=128),
        photo(tmp_path, "dop_2_2023.tif", width, 0, hazy, width=256, height=128),
    ]
    plain = shown(open_pictures(paths), tmp_path / "plain", width, 128)
    even = shown(open_pictures(paths, is_balanced=True), tmp_path / "even", width, 128)
    changed = np.abs(even - plain).max(axis=(0, 2))
    assert (changed[:256] == 0).all()
    assert (changed[-100:] > 5).all()
    # It fades away: nowhere does it change by more than what is not seen.
    middle = (even - plain).mean(axis=0)
    assert np.abs(np.diff(middle[: width // 128 * 128].reshape(-1, 128, 3).mean(axis=1), axis=0)).max() < 2


@pytest.mark.parametrize("height", [SIDE, 2 * SIDE])
def test_neighbours_of_one_flight_go_on_without_a_step(height: int, tmp_path: Path) -> None:
    """They have different parts in the seam, one perhaps none, and the same correction on their common border."""
    paths = [
        photo(tmp_path, "dop_1_2021.tif", 0, 0, same),
        photo(tmp_path, "dop_2_2021.tif", 0, SIDE, same),
        photo(tmp_path, "dop_3_2023.tif", SIDE, 0, hazy, height=height),
    ]
    plain = shown(open_pictures(paths), tmp_path / "plain", SIDE, 2 * SIDE)
    even = shown(open_pictures(paths, is_balanced=True), tmp_path / "even", SIDE, 2 * SIDE)
    change = (even - plain)[SIDE - 100 : SIDE + 100]
    assert np.abs(change).mean() > 3
    # What is added depends on the colour, so averages over like ground are compared: of two adjoining bands.
    above, below = change[:100].mean(axis=0), change[100:].mean(axis=0)
    steps = np.abs(below - above)
    assert np.median(steps) < 1.0


def test_a_changed_picture_changes_only_what_lies_along_its_seams(tmp_path: Path) -> None:
    """Two flights, one above the other, of twelve pictures each; the north-western one is delivered anew."""
    width, height = 1024, 64
    for number in range(12):
        photo(tmp_path, f"dop_{number:02}_n_2021.tif", number * width, 0, same, width, height)
        photo(tmp_path, f"dop_{number:02}_s_2023.tif", number * width, height, hazy, width, height)
        photo(tmp_path, f"dop_{number:02}_z_2023.tif", number * width, height + REACH, hazy, width, height)
    paths = sorted(tmp_path.glob("*.tif"))
    before = prints(open_pictures(paths, is_balanced=True))
    assert before == prints(open_pictures(paths[::-1], is_balanced=True))
    photo(tmp_path, "dop_00_n_2021.tif", 0, 0, lambda colours: 0.7 * colours, width, height, seed=1)
    after = prints(open_pictures(paths, is_balanced=True))
    changed = {name for name in before if before[name] != after[name]}
    # Stretches of a seam look two squares of 1,024 pixels to each side, and count for one and a half times the reach.
    farthest = (3 * 1024 + REACH * 3 // 2) // width
    along = {f"dop_{number:02}_{row}.tif" for number in range(farthest + 1) for row in ("n_2021", "s_2023")}
    assert {"dop_00_n_2021.tif", "dop_00_s_2023.tif", "dop_01_n_2021.tif"} <= changed <= along
    # One that has no part in a seam changes alone.
    photo(tmp_path, "dop_05_z_2023.tif", 5 * width, height + REACH, same, width, height, seed=1)
    again = prints(open_pictures(paths, is_balanced=True))
    assert {name for name in again if again[name] != after[name]} == {"dop_05_z_2023.tif"}


def test_a_flight_in_another_crs(tmp_path: Path) -> None:
    """The older one is in the grid of Europe (LAEA), turned against UTM by some degrees."""
    new = photo(tmp_path, "dop_2023.tif", 0, 0, same)
    middle = np.array([[WEST + (SIDE + SIDE / 2) * CELL, NORTH - SIDE / 2 * CELL]])
    x, y = transformed(middle, "EPSG:25832", "EPSG:3035")[0]
    size = 1400
    columns, rows = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
    west, north = x - size / 2 * CELL, y + size / 2 * CELL
    places = np.stack([west + columns.ravel() * CELL, north - rows.ravel() * CELL], axis=1)
    at = transformed(places, "EPSG:3035", "EPSG:25832")
    i, j = (at[:, 0] - WEST) / CELL, (NORTH - at[:, 1]) / CELL
    hills = 40 * np.sin(i / 31) * np.cos(j / 43) + 20 * np.sin((i + 2 * j) / 90)
    ground = np.stack([120 + hills, 130 + 0.8 * hills, 95 + 0.6 * hills], axis=-1).reshape(size, size, 3)
    pixels = np.clip(np.rint(hazy(ground)), 1, 254).astype(np.uint8).transpose(2, 0, 1)
    old = write(tmp_path / "dop_2020.tif", pixels, crs="EPSG:3035", transform=Affine(CELL, 0, west, 0, -CELL, north))
    plain = shown(open_pictures([old, new]), tmp_path / "plain", SIDE + 128, SIDE)
    pictures = open_pictures([old, new], is_balanced=True)
    even = shown(pictures, tmp_path / "even", SIDE + 128, SIDE)
    assert "PICTURES_BALANCED" in codes(pictures)
    assert step_at(plain, SIDE) > 8
    assert step_at(even, SIDE) < step_at(land(0, 0, SIDE + 128, SIDE), SIDE) + 2.5


def test_nothing_and_grey_have_no_colours_to_compare(tmp_path: Path) -> None:
    new = photo(tmp_path, "dop_2_2023.tif", SIDE, 0, hazy)
    empty = write(tmp_path / "dop_1_2021.tif", np.zeros((3, SIDE, SIDE), np.uint8), nodata=0)
    assert "PICTURES_BALANCED" not in codes(open_pictures([empty, new], is_balanced=True))
    grey = write(tmp_path / "grey_1_2021.tif", np.full((1, SIDE, SIDE), 40, np.uint8))
    assert "PICTURES_BALANCED" not in codes(open_pictures([grey, new], is_balanced=True))


@pytest.mark.parametrize(("driver", "suffix"), [("JP2OpenJPEG", ".jp2"), ("COG", ".tif")])
def test_files_with_overviews_are_looked_at_in_these(driver: str, suffix: str, tmp_path: Path) -> None:
    """JPEG 2000 is slow to decode; its coarser resolutions are not, and tell the same."""
    paths = [photo(tmp_path, "dop_1_2021.tif", 0, 0, same), photo(tmp_path, "dop_2_2023.tif", SIDE, 0, hazy)]
    paths = [packed(path, driver, suffix) for path in paths]
    with rasterio.open(paths[0]) as file:
        assert file.overviews(1)
    plain, even = open_pictures(paths), open_pictures(paths, is_balanced=True)
    assert step_at(shown(plain, tmp_path / "plain", 2 * SIDE, SIDE), SIDE) > 8
    assert step_at(shown(even, tmp_path / "even", 2 * SIDE, SIDE), SIDE) < 3


def packed(path: Path, driver: str, suffix: str) -> Path:
    """Return the same picture in another format."""
    more = {"REVERSIBLE": "YES", "QUALITY": "100"} if driver == "JP2OpenJPEG" else {"BLOCKSIZE": "128"}
    place = path.parent / "packed" / f"{path.stem}{suffix}"
    place.parent.mkdir(exist_ok=True)
    with rasterio.Env(GDAL_PAM_ENABLED="NO"):
        copy(path, place, driver=driver, **more)
    return place


@given(
    st.integers(2, 4),
    st.integers(2, 4),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 7),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=50, deadline=None)
def test_a_correction_is_a_gain_and_an_offset_between_nodes(
    rows: int, columns: int, width: int, height: int, begin: int, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    gain = chance.integers(3000, 5500, (rows, columns, 3)).astype(np.int16)
    offset = chance.integers(-2000, 2000, (rows, columns, 3)).astype(np.int16)
    gain[chance.random((rows, columns)) < 0.5] = 4096
    offset[gain == 4096] = 0
    total = begin + height
    across, down = width / (columns - 1), total / (rows - 1)
    pixels = chance.integers(0, 256, (height, width, 4), dtype=np.uint8)
    result = pixels.copy()
    correction = Correction(gain, offset, across, down)
    correction.apply(result, begin)
    pieces, cut = pixels.copy(), width // 3
    correction.apply(pieces[:, :cut], begin)
    correction.apply(pieces[:, cut:], begin, cut)
    assert (pieces == result).all(), "a long row may be corrected in pieces"
    assert (result[..., 3] == pixels[..., 3]).all()
    for row in range(height):
        # The correction is that of the middle of up to sixteen rows.
        first = row // 16 * 16
        y = (begin + first + (min(first + 16, height) - first) / 2) / down
        for column in range(width):
            x = (column + 0.5) / across
            i, j = min(int(y), rows - 2), min(int(x), columns - 2)
            u, v = y - i, x - j
            weights = ((1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v)
            corners = ((i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1))
            times = sum(weight * gain[corner] for weight, corner in zip(weights, corners, strict=True)) / 4096
            plus = sum(weight * offset[corner] for weight, corner in zip(weights, corners, strict=True)) / 64
            expected = np.clip(pixels[row, column, :3] * times + plus, 0, 255)
            assert np.abs(result[row, column, :3] - expected).max() <= 0.51
