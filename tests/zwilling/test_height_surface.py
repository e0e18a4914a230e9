"""The quasigeoid as a polynomial: evaluation, fit, and the script that makes a profile's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from zwilling.crs import check_heights, grid_zeta
from zwilling.geoid import GRID
from zwilling.height_surface import HeightSurface, fit_coefficients, sample_nodes
from zwilling.region import load_region

PROJECT = Path(__file__).resolve().parents[2]
SCRIPT = PROJECT / "scripts" / "fit_height_surface.py"
PROFILE = PROJECT / "zwilling" / "regions" / "rhein-kreis-neuss.toml"
BOX = ("--west", "6.40", "--south", "50.97", "--east", "7.05", "--north", "51.42", "--degree", "10")
CONTROL = ("--control", "343000", "5674000", "40")


def _surface(coefficients: NDArray[np.float64]) -> HeightSurface:
    return HeightSurface(6.0, 51.0, 8.0, 52.0, coefficients, "grid.tif", "0" * 64, 0.0, 0.0, "")


def test_by_hand() -> None:
    """zeta = 40 + 2 u + 3 v + 0.5 (2 u² - 1) v, with u = lon - 7 and v = 2 lat - 103."""
    surface = _surface(np.array([[40.0, 3.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.5, 0.0]]))
    lon, lat = np.array([7.0, 6.0, 8.0, 7.5]), np.array([51.5, 51.0, 52.0, 51.75])
    np.testing.assert_allclose(surface.zeta(lon, lat), [40.0, 34.5, 45.5, 42.375])


@given(
    coefficients=arrays.arrays(np.float64, (5, 5), elements=st.floats(-100, 100)),
    places=arrays.arrays(np.float64, (9, 2), elements=st.floats(-1, 1)),
)
def test_as_numpy_evaluates_it(coefficients: NDArray[np.float64], places: NDArray[np.float64]) -> None:
    u, v = places.T
    result = _surface(coefficients).zeta(7.0 + u, 51.5 + v / 2)
    np.testing.assert_allclose(result, chebyshev.chebval2d(u, v, coefficients), rtol=1e-9, atol=1e-9)


def test_many_places_are_the_same_as_one_by_one() -> None:
    surface = load_region().height_surface
    assert surface is not None
    random = np.random.default_rng(3)
    lon, lat = random.uniform(6.4, 7.05, 10_001), random.uniform(50.97, 51.42, 10_001)
    together = surface.zeta(lon, lat)
    for i in (0, 4095, 4096, 8191, 8192, 10_000):
        assert surface.zeta(lon[i : i + 1], lat[i : i + 1])[0] == pytest.approx(together[i], abs=1e-12)
    assert surface.zeta(lon[:0], lat[:0]).shape == (0,)


def test_degree_zero_is_a_constant() -> None:
    assert _surface(np.array([[45.7]])).zeta(np.array([6.0, 7.9]), np.array([51.0, 51.9])).tolist() == [45.7, 45.7]


def test_outside_is_not_a_number_and_the_edge_is_inside() -> None:
    surface = _surface(np.full((3, 3), 5.0))
    lon = np.array([6.0, 8.0, 5.999999, 8.000001, 7.0, 7.0, np.nan, np.inf, 1e300])
    lat = np.array([51.0, 52.0, 51.5, 51.5, 50.999999, 52.000001, 51.5, 51.5, -1e300])
    assert np.isnan(surface.zeta(lon, lat)).tolist() == [False, False, *[True] * 7]


@given(arrays.arrays(np.float64, (6, 6), elements=st.floats(-50, 50)))
def test_a_fit_finds_the_polynomial_that_made_the_samples(coefficients: NDArray[np.float64]) -> None:
    u, v = np.meshgrid(sample_nodes(12), sample_nodes(12), indexing="ij")
    samples = np.asarray(chebyshev.chebval2d(u, v, coefficients), dtype=np.float64)
    np.testing.assert_allclose(fit_coefficients(samples, 5), coefficients, rtol=0.0, atol=1e-9)


def test_a_fit_is_the_least_squares_one() -> None:
    nodes = sample_nodes(20)
    u, v = np.meshgrid(nodes, nodes, indexing="ij")
    samples = np.exp(u) * np.sin(3 * v)
    matrix = chebyshev.chebvander2d(u.ravel(), v.ravel(), [4, 4])
    weights = np.linalg.lstsq(matrix, samples.ravel(), rcond=None)[0].reshape(5, 5)
    np.testing.assert_allclose(fit_coefficients(samples, 4), weights, atol=1e-12)


@pytest.mark.parametrize(
    "samples", [np.zeros((3, 4)), np.zeros((4, 4)), np.full((9, 9), np.nan), np.full((9, 9), np.inf)]
)
def test_a_fit_without_enough_samples_is_refused(samples: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="samples"):
        fit_coefficients(samples, 4)


@pytest.mark.parametrize("coefficients", [np.zeros((3, 2)), np.zeros(4), np.array([[np.nan]])])
def test_malformed_coefficients_are_refused(coefficients: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="square of finite numbers"):
        _surface(coefficients)


def test_an_empty_box_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        HeightSurface(8.0, 51.0, 6.0, 52.0, np.zeros((1, 1)), "", "", 0.0, 0.0, "")


def test_shipped_surface_is_as_near_to_the_grid_as_it_says(shared_data: Path) -> None:
    surface = load_region().height_surface
    assert surface is not None
    random = np.random.default_rng(42)  # other places than those of the script
    lon = random.uniform(surface.west, surface.east, 200_000)
    lat = random.uniform(surface.south, surface.north, 200_000)
    error = surface.zeta(lon, lat) - grid_zeta(shared_data / "geoid" / GRID, lon, lat)
    assert np.abs(error).max() == pytest.approx(surface.max_error, rel=0.05)
    assert np.sqrt(np.mean(error**2)) == pytest.approx(surface.rms_error, rel=0.02)
    assert abs(error.mean()) < 1e-4


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def test_the_script_writes_the_shipped_profile_byte_for_byte(tmp_path: Path, shared_data: Path) -> None:
    profile = tmp_path / "kreis.toml"
    profile.write_text(PROFILE.read_text(encoding="utf-8").partition("# --- Written by")[0], encoding="utf-8")
    for _ in range(2):
        done = _run(str(shared_data / "geoid" / GRID), *BOX, *CONTROL, "--profile", str(profile))
        assert done.returncode == 0, done.stderr
        assert profile.read_bytes() == PROFILE.read_bytes()
    assert "largest error 6.01 mm, rms 1.06 mm" in done.stderr


def test_the_script_prints_where_there_is_no_profile(shared_data: Path) -> None:
    done = _run(str(shared_data / "geoid" / GRID), *BOX, *CONTROL)
    assert done.returncode == 0, done.stderr
    assert done.stdout in PROFILE.read_text(encoding="utf-8")


def test_the_script_refuses_a_box_beyond_the_grid(shared_data: Path) -> None:
    box = ("--west", "1", "--south", "50.97", "--east", "7.05", "--north", "51.42")
    done = _run(str(shared_data / "geoid" / GRID), *box, *CONTROL)
    assert done.returncode == 1
    assert "% of the box" in done.stderr


def test_a_county_at_the_border_gets_a_control_point_alone(tmp_path: Path, shared_data: Path) -> None:
    profile = tmp_path / "kreis.toml"
    profile.write_text(
        'name = "kreis-viersen"\ntitle = "Kreis Viersen"\ncrs = "EPSG:25832+7837"\n'
        'bbox_deg = [6.0, 51.1, 6.65, 51.55]\n[municipalities]\n05166032 = "Viersen"\n',
        encoding="utf-8",
    )
    done = _run(str(shared_data / "geoid" / GRID), "--control", "310000", "5684000", "40", "--profile", str(profile))
    assert done.returncode == 0, done.stderr
    region = load_region(profile)
    assert region.height_surface is None
    assert check_heights(region, grid_folders=[shared_data / "geoid"]).passed


def test_the_script_wants_the_whole_box(shared_data: Path) -> None:
    done = _run(str(shared_data / "geoid" / GRID), "--west", "6.4", *CONTROL)
    assert done.returncode == 2
    assert "all four edges" in done.stderr


def test_the_script_refuses_what_is_no_grid(tmp_path: Path) -> None:
    file = tmp_path / "grid.tif"
    file.write_bytes(b"II*\0")
    done = _run(str(file), *BOX, *CONTROL)
    assert done.returncode == 1
    assert done.stderr.strip().startswith(str(file))
    assert "Traceback" not in done.stderr
