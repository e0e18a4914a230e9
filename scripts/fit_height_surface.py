"""Fit a region's height surface to an official quasigeoid grid and write it into the region's profile.

    python scripts/fit_height_surface.py de_bkg_gcg2016.tif --west 6.40 --south 50.97 --east 7.05 --north 51.42 \
        --degree 10 --control 343000 5674000 40 --profile zwilling/regions/rhein-kreis-neuss.toml

The same grid and options give the same bytes.  What stands above the mark in the profile is kept; without
`--profile` the generated part goes to standard output.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zwilling.crs import Georeference, grid_zeta, parse_crs
from zwilling.errors import ZwillingError
from zwilling.geoid import GRID, sha256_of
from zwilling.height_surface import HeightSurface, fit_coefficients, sample_nodes
from zwilling.region import ControlPoint, Region, load_region

MARK = "# --- Written by scripts/fit_height_surface.py; below this line changes are lost. ---"
ATTRIBUTION = (
    "Quasigeoid GCG2016: © Bundesamt für Kartographie und Geodäsie (BKG), CC BY 4.0, verändert (angepasstes Polynom)"
)
SAMPLES = 160  # nodes along each side of the box; twice as many change the largest error by less than 0.1 mm
PLACES = 200_000
SEED = 20161201  # the day on which DHHN2016 was introduced


def fit(grid: Path, box: tuple[float, float, float, float], degree: int, attribution: str) -> HeightSurface:
    """Return the surface that fits the grid over a box (west, south, east, north in degrees) best."""
    west, south, east, north = box
    nodes = sample_nodes(SAMPLES)
    lon, lat = np.meshgrid(
        (west + east) / 2 + (east - west) / 2 * nodes, (south + north) / 2 + (north - south) / 2 * nodes, indexing="ij"
    )
    samples = grid_zeta(grid, lon.ravel(), lat.ravel()).reshape(lon.shape)
    if not np.isfinite(samples).all():
        share = np.isfinite(samples).mean()
        raise SystemExit(
            f"{grid}: the grid covers {share:.0%} of the box; choose a smaller one, or leave the box out: a county "
            "at the border then has a control point alone and needs the official grid installed"
        )
    # To 0.01 mm: finer digits would only repeat the grid's noise.
    coefficients = np.round(fit_coefficients(samples, degree), 5)
    unmeasured = HeightSurface(
        west, south, east, north, coefficients, grid.name, sha256_of(grid), 0.0, 0.0, attribution
    )
    largest, rms = measure(unmeasured, grid)
    return HeightSurface(
        west, south, east, north, coefficients, grid.name, unmeasured.grid_sha256, largest, rms, attribution
    )


def measure(surface: HeightSurface, grid: Path) -> tuple[float, float]:
    """Return the largest and the root-mean-square distance in metres from the grid, at random places in the box."""
    random = np.random.default_rng(SEED)
    lon = random.uniform(surface.west, surface.east, PLACES)
    lat = random.uniform(surface.south, surface.north, PLACES)
    error = surface.zeta(lon, lat) - grid_zeta(grid, lon, lat)
    return float(np.abs(error).max()), float(np.sqrt(np.mean(error**2)))


def control_point(grid: Path, crs: str, position: tuple[float, float, float]) -> ControlPoint:
    """Return a position of `crs` with the place and ellipsoidal height that the official grid gives it."""
    somewhere = Region("control", "control", crs, (-180.0, -90.0, 180.0, 90.0), {})
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / GRID).symlink_to(grid.absolute())
        way = Georeference.create(parse_crs(crs), somewhere, grid_folders=[Path(folder)])
        lon, lat, height = way.to_geographic(np.array([position]))[0].tolist()
    return ControlPoint(position, round(lon, 9), round(lat, 9), round(height, 4))


def to_toml(surface: HeightSurface | None, control: ControlPoint) -> str:
    """Return the generated part of a profile."""
    lines = [
        MARK,
        "",
        "# A place whose ellipsoidal height the official grid tells: checked before every build.",
        "[control_point]",
        f"position = {list(control.position)}",
        f"lon_deg = {control.lon_deg}",
        f"lat_deg = {control.lat_deg}",
        f"height = {control.height}",
        "",
    ]
    if surface is not None:
        lines += [
            "# Quasigeoid height over the box as Chebyshev series, metres; rows: longitude.  Errors are metres",
            f"# from the grid at {PLACES:,} random places.  The attribution must be shown with the result.",
            "[height_surface]",
            f'grid = "{surface.grid}"',
            f'grid_sha256 = "{surface.grid_sha256}"',
            f"west = {surface.west}",
            f"south = {surface.south}",
            f"east = {surface.east}",
            f"north = {surface.north}",
            f"degree = {surface.degree}",
            f"max_error = {surface.max_error:.5f}",
            f"rms_error = {surface.rms_error:.5f}",
            f'attribution = "{surface.attribution}"',
            "coefficients = [",
            *(f"  [{_numbers(row)}]," for row in surface.coefficients),
            "]",
            "",
        ]
    return "\n".join(lines)


def _numbers(row: NDArray[np.float64]) -> str:
    # Adding zero makes -0.0 and 0.0 the same text.
    return ", ".join(f"{value + 0.0:.5f}" for value in row)


def main(arguments: list[str] | None = None) -> None:
    """Fit, report, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grid", type=Path, help="official quasigeoid grid (GeoTIFF as PROJ reads it)")
    for side in ("west", "south", "east", "north"):
        parser.add_argument(f"--{side}", type=float, help="edge of the box, degrees ETRS89")
    parser.add_argument("--degree", type=int, default=10, help="highest degree in each direction (default: 10)")
    parser.add_argument("--control", type=float, nargs=3, required=True, metavar=("X", "Y", "Z"), help="control point")
    parser.add_argument("--crs", default="EPSG:25832+7837", help="CRS of the control point where there is no --profile")
    parser.add_argument("--attribution", default=ATTRIBUTION, help="line that the grid's licence demands")
    parser.add_argument("--profile", type=Path, help="region profile to update")
    options = parser.parse_args(arguments)
    box = (options.west, options.south, options.east, options.north)
    if len({side is None for side in box}) > 1:
        parser.error("name all four edges of the box, or none for a profile without a height surface")
    try:
        crs = options.crs if options.profile is None else load_region(options.profile).crs
        surface = None if options.west is None else fit(options.grid, box, options.degree, options.attribution)
        text = to_toml(surface, control_point(options.grid, crs, tuple(options.control)))
    except ZwillingError as error:
        raise SystemExit(str(error)) from error
    if surface is not None:
        print(
            f"degree {surface.degree}: largest error {surface.max_error * 1000:.2f} mm, "
            f"rms {surface.rms_error * 1000:.2f} mm at {PLACES:,} places",
            file=sys.stderr,
        )
    if options.profile is None:
        print(text, end="")
        return
    kept = options.profile.read_text(encoding="utf-8").partition(MARK)[0].rstrip("\n")
    options.profile.write_text(f"{kept}\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
