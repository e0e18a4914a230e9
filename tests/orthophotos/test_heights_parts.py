"""Numbers in text, gaps, and files that are decoded in several parts."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthophotos.heights_numbers import numbers, table
from orthophotos.heights_packed import Packed
from orthophotos.heights_repair import fill_gaps
from orthophotos.heights_text import read_xyz, xyz_grid
from tests.orthophotos.terrain_files import NORTH, WEST, codes, surface, tiff

decimal = st.builds(
    lambda sign, whole, point, places: f"{sign}{whole}" + (f".{places}" if point else ""),
    st.sampled_from(["", "-", "+"]),
    st.integers(0, 10**9),
    st.booleans(),
    st.text("0123456789", max_size=6),
)
plain = st.builds(lambda whole, cents: f"{whole}.{cents:02d}", st.integers(-500, 10**7), st.integers(0, 99))
words = st.one_of(decimal, plain, st.sampled_from(["nan", "inf", "-inf", "1e5", "-3.4e38", ".5", "5."]))


@given(st.lists(st.one_of(st.lists(plain, min_size=3, max_size=3), st.lists(words, min_size=3, max_size=3))))
def test_numbers_are_those_that_float_reads(rows: list[list[str]]) -> None:
    text = "".join(" ".join(row) + "\r\n" for row in rows).encode()
    expected = np.array([[float(word) for word in row] for row in rows]).reshape(-1, 3)
    np.testing.assert_array_equal(table(text, 3), expected)
    np.testing.assert_array_equal(numbers(text), expected.ravel())


def read_or_none(text: bytes) -> int | None:
    try:
        return len(table(text, 3))
    except ValueError:
        return None


@given(st.binary(max_size=60))
def test_any_bytes_are_numbers_or_a_value_error(text: bytes) -> None:
    rows = read_or_none(text)
    assert rows is None or rows <= text.count(b"\n") + text.count(b"\r") + 1


def test_lines_of_uneven_length_are_not_taken_for_each_other() -> None:
    # Six numbers in three lines would be two rows.
    with pytest.raises(ValueError, match="line 1: has 2 numbers"):
        table(b"1 2\n3 4\n5 6\n", 3)
    with pytest.raises(ValueError, match="line 1: has 2 numbers"):
        table(b"1 2\n3 4 5 6\n", 3)
    assert table(b"1 2 3\n\n4 5 6 7\n", 3).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("343000,5 5673999,5 41,25\n343001,5 5673999,5 -1\n", [41.25, -1]),
        ("343000.5,5673999.5,41.25\n343001.5,5673999.5,-1\n", [41.25, -1]),
        ("343000.5, 5673999.5, 41.25\n343001.5, 5673999.5, -1\n", [41.25, -1]),
        ("\ufeffx;y;z\r\n343000,5;5673999,5;41,25\r\n343001,5;5673999,5;-1\r\n", [41.25, -1]),
        ("# DGM1\n# x\ty\tz\n343000.5\t5673999.5\t41.25\t7\n343001.5\t5673999.5\t-1\t8", [41.25, -1]),
        ("Hochwert;Rechtswert;Höhe\n5673999,5;343000,5;41,25\n5673999,5;343001,5;-1\n", [41.25, -1]),
        ("z,e,n\n41.25,343000.5,5673999.5\n-1,343001.5,5673999.5\n", [41.25, -1]),
    ],
)
def test_spellings_of_xyz(tmp_path: Path, text: str, row: list[float]) -> None:
    path = tmp_path / "a.xyz"
    path.write_bytes(text.encode())
    grid = xyz_grid(Packed(path))
    assert (grid.west, grid.north, grid.dx, grid.width, grid.height) == (343000.5, 5673999.5, 1.0, 2, 1)
    heights, beside = read_xyz(Packed(path), grid)
    assert (heights.tolist(), beside) == ([row], 0)


def test_a_large_xyz_file_is_as_numpy_reads_it(tmp_path: Path) -> None:
    # Three megabytes, so that blocks begin and end within rows.
    x, y = np.meshgrid(np.arange(400) + 343000.5, np.arange(300) + 5673000.5)
    z = np.random.default_rng(1).uniform(-3, 1200, x.shape)
    path = tmp_path / "a.xyz"
    np.savetxt(path, np.stack((x.ravel(), y.ravel(), z.ravel()), axis=1), fmt="%.2f")
    heights, _ = read_xyz(Packed(path), xyz_grid(Packed(path)))
    expected = np.loadtxt(io.StringIO(path.read_text()))[:, 2].reshape(300, 400)[::-1]
    np.testing.assert_array_equal(heights, expected.astype(np.float32))


@pytest.mark.parametrize("size", [1, 2, 17, 80])
def test_a_film_over_a_gap_in_a_plane_is_the_plane(size: int) -> None:
    plane = (50 + np.add.outer(np.arange(120) * 0.05, np.arange(120) * -0.1)).astype(np.float32)
    heights = plane.copy()
    heights[20 : 20 + size, 15 : 15 + size] = np.nan
    filled = fill_gaps(heights, 1.0)
    assert (filled.gaps, len(filled.cells)) == (1, size * size)
    assert np.isnan(heights.ravel()[filled.cells]).all()
    np.testing.assert_allclose(filled.heights, plane.ravel()[filled.cells], atol=0.005)


def test_regions_that_touch_at_corners_or_wind_are_one_gap() -> None:
    heights = np.full((60, 60), 50, np.float32)
    heights[10:50, 10] = heights[10:50, 14] = heights[49, 10:15] = np.nan  # a U
    heights[5, 5] = heights[6, 6] = heights[7, 5] = np.nan  # by corners
    heights[30, 30:40] = np.nan
    filled = fill_gaps(heights, 1.0)
    assert (filled.gaps, len(filled.cells)) == (3, 40 + 40 + 3 + 3 + 10)
    np.testing.assert_allclose(filled.heights, 50, atol=1e-5)


def test_parts_of_a_file_make_the_same_heights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = np.random.default_rng(3).uniform(50, 60, (300, 80)).astype(np.float32)
    grid[120:136, 30:50] = np.nan  # over the border of two parts
    grid[10, 10] = np.nan
    path = tiff(tmp_path / "a.tif", grid, WEST, NORTH, 1.0, tiled=True, blockxsize=16, blockysize=16)
    whole, issues = surface([path], tmp_path / "whole")
    assert whole.files[0].parts == 1
    monkeypatch.setattr("orthophotos.heights_files._PART_CELLS", 80 * 130)
    cut, cut_issues = surface([path], tmp_path / "cut")
    assert cut.files[0].parts == 3
    assert codes(cut_issues) == codes(issues) == {"HEIGHT_SYSTEM_ASSUMED", "HEIGHTS_GAPS_FILLED"}
    places = np.random.default_rng(4).uniform((WEST, NORTH - 300), (WEST + 80, NORTH), (20_000, 2))
    one, two = whole.at(places, tmp_path / "whole"), cut.at(places, tmp_path / "cut")
    assert np.isfinite(one).all()
    np.testing.assert_allclose(two, one, atol=0.01)
    cut.forget(0, tmp_path / "cut")
    assert not list((tmp_path / "cut" / "heights").iterdir())


def test_fingerprints_follow_files(tmp_path: Path) -> None:
    paths = [tiff(tmp_path / f"{n}.tif", np.full((9, 9), n, np.float32), WEST + 9 * n, NORTH, 1.0) for n in range(2)]
    first, _ = surface(paths, tmp_path)
    tiff(paths[1], np.full((9, 9), 7, np.float32), WEST + 9, NORTH, 1.0, compress="deflate")
    second, _ = surface(paths, tmp_path)
    same = [one.fingerprint == two.fingerprint for one, two in zip(first.files, second.files, strict=True)]
    assert same == [True, False]
