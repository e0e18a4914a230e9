"""Names of coordinate systems, and the way from them to the ellipsoid."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from zwilling.crs import Georeference, SourceCRS, check_heights, enu_to_ecef, grid_folders, grid_zeta, parse_crs
from zwilling.errors import SettingsError, UnknownCRSError, ZwillingError
from zwilling.geoid import ATTRIBUTION, GRID
from zwilling.issues import Severity
from zwilling.region import ControlPoint, Region, load_region

NHN = SourceCRS(25832, 7837)
NEUSS = np.array([[343000.0, 5674000.0, 40.0]])
NO_GRID: tuple[Path, ...] = ()

# Positions that PROJ 9.5.1 was given together with the official grid, outside this project: EPSG:25832+7837, height.
GOLDEN = [((343000.0, 5674000.0, 40.0), 85.820), ((338608.440, 5674379.670, 40.0), 85.7045)]

NAMES = {
    "urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH": (25832, 7837),
    "urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*GCG2016": (25832, 7837),
    "urn:adv:crs:ETRS89_UTM32*DE_DHHN92_NH": (25832, 5783),
    "urn:adv:crs:ETRS89_UTM32*DE_DHHN92_NH*GCG2011": (25832, 5783),
    "urn:adv:crs:ETRS89_UTM32": (25832, None),
    "urn:adv:crs:ETRS89_UTM33*DE_DHHN2016_NH": (25833, 7837),
    "urn:adv:crs:ETRS89_UTM31*DE_DHHN2016_NH": (25831, 7837),
    "urn:adv:crs:ETRS89_Lat-Lon-h": (4937, None),
    "urn:adv:crs:DE_DHDN_3GK2*DE_DHHN12_NOH": (31466, 7699),
    "urn:adv:crs:DE_DHDN_3GK3*DE_DHHN92_NH": (31467, 5783),
    "urn:adv:crs:DE_DHDN_3GK4*DE_DHHN92_NH": (31468, 5783),
    "urn:adv:crs:DE_DHDN_3GK5*DE_DHHN85_NOH": (31469, 5784),
    "EPSG:25832": (25832, None),
    "epsg:25832": (25832, None),
    "25832": (25832, None),
    " EPSG:25832+7837\n": (25832, 7837),
    "25832+7837": (25832, 7837),
    "EPSG:25832+EPSG:7837": (25832, 7837),
    "EPSG:5555": (25832, 5783),
    "EPSG:5556": (25833, 5783),
    "EPSG:7415": (28992, 5709),
    "EPSG:6697": (6668, 6695),
    "EPSG:9924": (4258, 7837),
    "EPSG:4979": (4979, None),
    "EPSG:4937": (4937, None),
    "EPSG:4978": (4978, None),
    "urn:ogc:def:crs:EPSG::25832": (25832, None),
    "URN:OGC:DEF:CRS:EPSG::25832": (25832, None),
    "urn:ogc:def:crs:EPSG:9.9.1:25832": (25832, None),
    "urn:ogc:def:crs:EPSG:25832": (25832, None),
    "urn:x-ogc:def:crs:EPSG::25832": (25832, None),
    "urn:ogc:def:crs:EPSG::5555": (25832, 5783),
    "urn:ogc:def:crs:EPSG::5556": (25833, 5783),
    "urn:ogc:def:crs:EPSG::7415": (28992, 5709),
    "urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::7837": (25832, 7837),
    "urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783": (25832, 5783),
    "urn:ogc:def:crs,crs:EPSG:6.12:3068,crs:EPSG:6.12:5783": (3068, 5783),
    "http://www.opengis.net/def/crs/EPSG/0/25832": (25832, None),
    "https://www.opengis.net/def/crs/EPSG/9.8/25832": (25832, None),
    "http://www.opengis.net/def/crs/EPSG/0/6697": (6668, 6695),
    "http://www.opengis.net/gml/srs/epsg.xml#25832": (25832, None),
    "http://www.opengis.net/def/crs-compound?1=http://www.opengis.net/def/crs/EPSG/0/25832"
    "&2=http://www.opengis.net/def/crs/EPSG/0/7837": (25832, 7837),
    "urn:ogc:def:crs:OGC:1.3:CRS84": (4326, None),
    "http://www.opengis.net/def/crs/OGC/0/CRS84h": (4979, None),
}


@pytest.fixture(scope="module")
def region() -> Region:
    return load_region("rhein-kreis-neuss")


@pytest.fixture(scope="module")
def surface(region: Region) -> Georeference:
    """Return the way without the official grid."""
    return Georeference.create(NHN, region, grid_folders=NO_GRID)


@pytest.fixture(scope="module")
def grid(region: Region, shared_data: Path) -> Georeference:
    """Return the way with the official grid."""
    return Georeference.create(NHN, region, grid_folders=[shared_data / "geoid"])


def _random_positions(count: int) -> NDArray[np.float64]:
    """Return positions all over the county, in EPSG:25832+7837."""
    random = np.random.default_rng(7)
    return np.column_stack(
        [
            random.uniform(322_000, 360_000, count),
            random.uniform(5_652_000, 5_693_000, count),
            random.uniform(-300, 300, count),
        ]
    )


@pytest.mark.parametrize(("text", "codes"), NAMES.items())
def test_every_spelling_is_read(text: str, codes: tuple[int, int | None]) -> None:
    assert parse_crs(text) == SourceCRS(*codes)


@pytest.mark.parametrize("text", NAMES)
def test_canonical_name_reads_as_itself(text: str) -> None:
    crs = parse_crs(text)
    assert parse_crs(crs.name) == crs


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("urn:ogc:drf:crs:EPSG::25832", "urn:ogc:def:crs:EPSG::25832"),
        ("urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_HN", "urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH"),
        ("urn:adv:crs:ETRS98_UTM32", "urn:adv:crs:ETRS89_UTM32"),
        ("urn:adv:ETRS89_UTM32*DE_DHHN92_NH", "urn:adv:crs:ETRS89_UTM32*DE_DHHN92_NH"),
        (
            "urn:ogc:def:crs,crs:EPSGG::25832,crs:EPSG::7837",
            "urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::7837",
        ),
        ("EPGS:25832", "EPSG:25832"),
        ("EPSG:25832/7837", "EPSG:25832+7837"),
    ],
)
def test_typo_names_the_nearest_form(text: str, nearest: str) -> None:
    with pytest.raises(UnknownCRSError) as caught:
        parse_crs(text, source="a.gml", where="line 4")
    assert str(caught.value).startswith(f"a.gml: line 4: '{text}' names no known coordinate system")
    assert f"--crs {nearest}" in str(caught.value)
    parse_crs(nearest)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("#local-CRS-1", "local coordinate system"),
        ("CH1903", "no known coordinate system"),
        ("EPSG:99999", "not in the EPSG registry"),
        ("EPSG:7837", "DHHN2016 height"),
        ("EPSG:25832+25833", "as its heights"),
        ("EPSG:5555+7837", "Compound CRS"),
        ("EPSG:4979+7837", "ellipsoidal heights already"),
        ("EPSG:٢٥٨٣٢", "no known coordinate system"),
        ("urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*", "no known coordinate system"),
        ("EPSG:25832" * 100_000, "no known coordinate system"),
    ],
)
def test_what_is_no_crs_is_refused_in_one_short_line(text: str, problem: str) -> None:
    with pytest.raises(UnknownCRSError) as caught:
        parse_crs(text, source="a.gml", where="gml:id=M1")
    message = str(caught.value)
    assert problem in message
    assert message.startswith("a.gml: gml:id=M1: ")
    assert "--crs" in message
    assert len(message) < 400
    assert "\n" not in message


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        crs = parse_crs(text)
    except UnknownCRSError:
        return
    assert parse_crs(crs.name) == crs


@pytest.mark.parametrize(("position", "height"), GOLDEN)
def test_golden_heights_with_the_surface(
    surface: Georeference, position: tuple[float, float, float], height: float
) -> None:
    assert surface.method == "surface"
    assert surface.to_geographic(np.array([position]))[0, 2] == pytest.approx(height, abs=0.010)


@pytest.mark.parametrize(("position", "height"), GOLDEN)
def test_golden_heights_with_the_grid(grid: Georeference, position: tuple[float, float, float], height: float) -> None:
    assert grid.method == "grid"
    assert grid.attribution == ATTRIBUTION
    assert grid.issues == ()
    assert grid.to_geographic(np.array([position]))[0, 2] == pytest.approx(height, abs=0.001)


def test_golden_place(surface: Georeference) -> None:
    lon, lat, _ = surface.to_geographic(NEUSS)[0]
    assert (lon, lat) == (pytest.approx(6.75297, abs=5e-6), pytest.approx(51.19581, abs=5e-6))


def test_with_the_grid_all_is_as_proj_itself_does_it(grid: Georeference, shared_data: Path) -> None:
    """PROJ's own way from EPSG:25832+7837 to EPSG:4978, in a process of its own for its global list of folders."""
    positions = _random_positions(500)
    program = (
        "import sys, numpy, pyproj\n"
        "pyproj.datadir.append_data_dir(sys.argv[1])\n"
        "to = pyproj.Transformer.from_crs('EPSG:25832+7837', 'EPSG:4978', always_xy=True, allow_ballpark=False)\n"
        "numpy.savetxt(sys.stdout, numpy.column_stack(to.transform(*numpy.loadtxt(sys.stdin).T)), '%.6f')\n"
    )
    table = "\n".join(" ".join(map(repr, row)) for row in positions.tolist())
    done = subprocess.run(
        [sys.executable, "-c", program, str(shared_data / "geoid")],
        input=table,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    expected = np.loadtxt(done.stdout.splitlines())
    np.testing.assert_allclose(grid.to_ecef(positions), expected, rtol=0, atol=2e-4)


def test_surface_follows_the_grid_over_the_whole_county(surface: Georeference, grid: Georeference) -> None:
    positions = _random_positions(20_000)
    apart = np.linalg.norm(surface.to_ecef(positions) - grid.to_ecef(positions), axis=1)
    assert region_error(surface) < 0.007
    assert apart.max() <= region_error(surface) + 1e-5
    assert apart.max() > 1e-4  # they are two ways and not one


def region_error(georeference: Georeference) -> float:
    assert georeference.region.height_surface is not None
    return georeference.region.height_surface.max_error


def test_surface_says_so_and_names_the_bkg(surface: Georeference) -> None:
    assert [(issue.code, issue.severity) for issue in surface.issues] == [("HEIGHTS_BY_SURFACE", Severity.INFO)]
    assert "Bundesamt für Kartographie und Geodäsie" in surface.attribution
    assert "CC BY 4.0" in surface.attribution
    assert "verändert" in surface.attribution


def test_ecef_by_the_textbook(surface: Georeference) -> None:
    """Closed form (WGS 84: a = 6378137 m, 1/f = 298.257223563), independent of PROJ."""
    positions = _random_positions(300)
    lon, lat, height = surface.to_geographic(positions).T
    lon, lat = np.radians(lon), np.radians(lat)
    flattening = 1 / 298.257223563
    squared = flattening * (2 - flattening)
    normal = 6378137.0 / np.sqrt(1 - squared * np.sin(lat) ** 2)
    expected = np.column_stack(
        [
            (normal + height) * np.cos(lat) * np.cos(lon),
            (normal + height) * np.cos(lat) * np.sin(lon),
            (normal * (1 - squared) + height) * np.sin(lat),
        ]
    )
    np.testing.assert_allclose(surface.to_ecef(positions), expected, rtol=0, atol=1e-6)


@settings(max_examples=200, deadline=None)
@given(x=st.floats(322_000, 360_000), y=st.floats(5_652_000, 5_693_000), z=st.floats(-1000, 9000))
def test_there_and_back(x: float, y: float, z: float) -> None:
    way = Georeference.create(NHN, load_region(), grid_folders=NO_GRID)
    there = way.to_ecef(np.array([[x, y, z]]))
    np.testing.assert_allclose(way.from_ecef(there), [[x, y, z]], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["EPSG:25832+5783", "EPSG:31466+7837", "EPSG:4258+7837", "EPSG:4979", "EPSG:4978"])
def test_there_and_back_in_other_systems(region: Region, name: str) -> None:
    way = Georeference.create(parse_crs(name), region, grid_folders=NO_GRID)
    start = Georeference.create(NHN, region, grid_folders=NO_GRID).to_ecef(_random_positions(50))
    there = way.from_ecef(start)
    np.testing.assert_allclose(way.to_ecef(there), start, rtol=0, atol=2e-3)


def test_ellipsoidal_heights_are_kept(region: Region) -> None:
    way = Georeference.create(SourceCRS(4979), region, grid_folders=NO_GRID)
    assert way.method == "ellipsoid"
    assert way.attribution == ""
    assert way.issues == ()
    np.testing.assert_allclose(way.to_geographic(np.array([[6.75, 51.2, 85.8]])), [[6.75, 51.2, 85.8]], atol=1e-12)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("EPSG:25832+ellipsoidal", "EPSG:25832+ellipsoidal"),
        (" epsg:6668+ELLIPSOIDAL ", "EPSG:6668+ellipsoidal"),
        ("urn:ogc:def:crs:EPSG::32632+ellipsoidal", "EPSG:32632+ellipsoidal"),
        ("EPSG:4979+ellipsoidal", "EPSG:4979"),
    ],
)
def test_ellipsoidal_heights_are_spelt_out(text: str, name: str) -> None:
    crs = parse_crs(text)
    assert crs.name == name
    assert parse_crs(crs.name) == crs


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("EPSG:25832+7837+ellipsoidal", "names two height systems: DHHN2016 height and ellipsoidal; pass --crs"),
        ("EPSG:6697+ellipsoidal", r"names two height systems: JGD2011 \(vertical\) height and ellipsoidal"),
        ("EPSG:31466+ellipsoidal", "would put heights over the ellipsoid Bessel 1841"),
        ("EPSG:25832+ellipsoidisch", "did you mean 'EPSG:25832[+]ellipsoidal'"),
        ("+ellipsoidal", "names no known coordinate system"),
        ("EPSG:99999999999", "names no known coordinate system; pass --crs"),
        ("EPSG:٢٥٨٣٢", "names no known coordinate system; pass --crs"),
    ],
)
def test_names_that_mean_nothing(text: str, problem: str) -> None:
    with pytest.raises(UnknownCRSError, match=problem):
        parse_crs(text)


def test_heights_said_to_be_ellipsoidal_are_kept(region: Region) -> None:
    """The golden value: (343000, 5674000, 40.000 NHN) stands 85.820 m over the ellipsoid."""
    way = Georeference.create(parse_crs("EPSG:25832+ellipsoidal"), region, grid_folders=NO_GRID)
    nhn = Georeference.create(NHN, region, grid_folders=NO_GRID)
    assert (way.method, way.attribution, way.issues) == ("ellipsoid", "", ())
    expected = nhn.to_geographic(np.array([[343_000.0, 5_674_000.0, 40.0]]))
    found = way.to_geographic(np.array([[343_000.0, 5_674_000.0, 85.820]]))
    np.testing.assert_allclose(found[:, :2], expected[:, :2], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found[:, 2], expected[:, 2], rtol=0, atol=0.01)
    assert found[0, 2] == pytest.approx(85.820, abs=1e-6)
    start = nhn.to_ecef(_random_positions(50))
    np.testing.assert_allclose(way.to_ecef(way.from_ecef(start)), start, rtol=0, atol=1e-4)
    tokyo = Georeference.create(parse_crs("EPSG:6668+ellipsoidal"), region, grid_folders=NO_GRID)
    assert tokyo.to_geographic(np.array([[139.67, 35.28, 51.5]])).tolist() == [[139.67, 35.28, 51.5]]


def test_dhhn92_is_taken_as_dhhn2016_with_a_warning(region: Region, surface: Georeference) -> None:
    way = Georeference.create(SourceCRS(25832, 5783), region, source="old.gml", grid_folders=NO_GRID)
    warning = way.issues[0]
    assert (warning.code, warning.severity, warning.source) == (
        "HEIGHT_SYSTEM_DHHN92",
        Severity.WARNING,
        "old.gml",
    )
    assert "centimetres" in warning.message
    np.testing.assert_array_equal(way.to_ecef(NEUSS), surface.to_ecef(NEUSS))


def test_german_crs_without_heights_is_taken_as_nhn_with_a_warning(region: Region, surface: Georeference) -> None:
    way = Georeference.create(SourceCRS(25832), region, grid_folders=NO_GRID)
    assert way.issues[0].code == "HEIGHT_SYSTEM_ASSUMED"
    assert way.issues[0].severity is Severity.WARNING
    np.testing.assert_array_equal(way.to_ecef(NEUSS), surface.to_ecef(NEUSS))


def test_gauss_krueger_says_how_far_off_it_is(region: Region, surface: Georeference) -> None:
    way = Georeference.create(SourceCRS(31466, 7837), region, grid_folders=NO_GRID)
    codes = [issue.code for issue in way.issues]
    there = surface.from_ecef(way.to_ecef(np.array([[2_552_000.0, 5_674_000.0, 40.0]])))[0]
    # In NRW, Gauß-Krüger zone 2 and UTM 32 of one place are known to lie so: 6.745° E, 51.2° N.
    assert there[:2] == pytest.approx([342_433.0, 5_673_936.0], abs=2_000)
    # The datum shift moves the place and leaves the height above NHN alone.
    assert there[2] == pytest.approx(40.0, abs=1e-6)
    if any((folder / "de_adv_BETA2007.tif").is_file() for folder in grid_folders()):
        assert "HORIZONTAL_ACCURACY" not in codes
        return
    message = next(issue.message for issue in way.issues if issue.code == "HORIZONTAL_ACCURACY")
    assert "within 3 m" in message


@pytest.mark.parametrize(
    ("crs", "problem"),
    [
        (SourceCRS(4326), "says nothing about heights; .*DHHN2016, or EPSG:4326[+]ellipsoidal$"),
        (SourceCRS(28992), "says nothing about heights; .*DHHN2016$"),
        (SourceCRS(28992, 5709), "NAP height"),
        (SourceCRS(25832, 7699), "DHHN12 height"),
        (SourceCRS(25832, 5773), "EGM96 height"),
        (SourceCRS(6668, 6695), "JGD2011"),
    ],
)
def test_heights_without_a_way_are_refused_and_never_passed_through(
    region: Region, crs: SourceCRS, problem: str
) -> None:
    with pytest.raises(UnknownCRSError, match=problem) as caught:
        Georeference.create(crs, region, source="a.gml", grid_folders=NO_GRID)
    assert str(caught.value).startswith("a.gml: ")
    assert caught.value.remedy


def test_no_grid_and_no_surface_is_refused() -> None:
    bare = Region("elsewhere", "Anderswo", "EPSG:25832+7837", (6.0, 50.0, 7.0, 52.0), {})
    with pytest.raises(UnknownCRSError, match="zwilling geoid install FILE"):
        Georeference.create(NHN, bare, grid_folders=NO_GRID)


def test_outside_the_surface_is_refused_with_the_place(surface: Georeference) -> None:
    muenster = np.vstack([NEUSS, [[404_000.0, 5_746_000.0, 50.0]]])
    with pytest.raises(UnknownCRSError) as caught:
        surface.to_ecef(muenster)
    assert str(caught.value) == (
        "position (404000.000, 5746000.000, 50.000): lies outside Rhein-Kreis Neuss, for which alone there is a height "
        "surface (1 of 2 positions); install the official grid: 'zwilling geoid install FILE', or "
        "'zwilling geoid install --download'"
    )


def test_grid_reaches_beyond_the_county_but_not_beyond_germany(grid: Georeference) -> None:
    assert grid.to_geographic(np.array([[404_000.0, 5_746_000.0, 50.0]]))[0, 2] == pytest.approx(95.5, abs=1.5)
    with pytest.raises(UnknownCRSError, match="no height is known"):
        grid.to_ecef(np.array([[600_000.0, 5_150_000.0, 50.0]]))  # Bozen


@pytest.mark.parametrize(
    ("position", "hint"),
    [
        ((5_674_000.0, 343_000.0, 40.0), "x and y look swapped"),
        ((32_343_000.0, 5_674_000.0, 40.0), "EPSG:4647+7837"),
        ((343_000_000.0, 5_674_000_000.0, 40_000.0), "millimetres"),
        ((2_552_000.0, 5_674_000.0, 40.0), "EPSG:31466+7837"),
        ((6.75, 51.2, 40.0), "EPSG:4258+7837"),
        ((51.2, 6.75, 40.0), "longitude before latitude"),
        ((math.nan, 5_674_000.0, 40.0), "check the coordinates"),
        ((343_000.0, 5_674_000.0, math.inf), "check the coordinates"),
        ((1e300, -1e300, 40.0), "check the coordinates"),
        ((600_000.0, 5_150_000.0, 40.0), "zwilling geoid install"),
    ],
)
@pytest.mark.parametrize("direction", ["to_ecef", "to_geographic"])
def test_misplaced_positions_are_refused_with_a_hint(
    surface: Georeference, position: tuple[float, float, float], hint: str, direction: str
) -> None:
    convert: Callable[[NDArray[np.float64]], object] = getattr(surface, direction)
    with pytest.raises(UnknownCRSError) as caught:
        convert(np.vstack([NEUSS, [position], [position]]))
    message = str(caught.value)
    assert hint in message
    assert "2 of 3 positions" in message
    assert f"position ({position[0]:.3f}, " in message


@pytest.mark.parametrize(
    "position",
    [
        (5_674_000.0, 343_000.0, 40.0),
        (343_000.0, 56_740_000.0, 40.0),
        (-2_000_000.0, 5_674_000.0, 40.0),
    ],
)
def test_what_is_beyond_the_crs_is_refused_with_the_grid_too(
    grid: Georeference, position: tuple[float, float, float]
) -> None:
    with pytest.raises(UnknownCRSError, match=r"outside the area of EPSG:25832\+7837"):
        grid.to_ecef(np.array([position]))


@pytest.mark.parametrize("position", [(6.75, 91.0, 40.0), (500.0, 51.2, 40.0), (343_000.0, 5_674_000.0, 40.0)])
def test_what_is_no_longitude_and_latitude_is_refused(region: Region, position: tuple[float, float, float]) -> None:
    way = Georeference.create(SourceCRS(4979), region, grid_folders=NO_GRID)
    with pytest.raises(UnknownCRSError, match="outside the area of EPSG:4979"):
        way.to_ecef(np.array([position]))


def test_a_zone_reaches_as_far_as_its_authorities_use_it(grid: Georeference) -> None:
    """Selfkant, the westernmost place of Germany, at 5.87° E: west of the area that EPSG states for zone 32."""
    lon, _, _ = grid.to_geographic(np.array([[282_000.0, 5_658_500.0, 40.0]]))[0]
    assert 5.85 < lon < 5.95


def test_wrong_zone_names_the_right_one(region: Region) -> None:
    way = Georeference.create(SourceCRS(25833, 7837), region, grid_folders=NO_GRID)
    with pytest.raises(UnknownCRSError, match=r"EPSG:25832\+7837, with which it lies in Rhein-Kreis Neuss"):
        way.to_ecef(NEUSS)


def test_back_from_outside_is_refused(surface: Georeference) -> None:
    with pytest.raises(UnknownCRSError, match="cannot be brought back"):
        surface.from_ecef(np.array([[0.0, 6_378_137.0, 0.0]]))


def test_nothing_in_nothing_out(surface: Georeference) -> None:
    assert surface.to_ecef(np.empty((0, 3))).shape == (0, 3)
    assert surface.from_ecef(np.empty((0, 3))).shape == (0, 3)


def test_single_precision_and_foreign_strides_are_taken(surface: Georeference) -> None:
    columns = np.asfortranarray(_random_positions(10))
    np.testing.assert_array_equal(surface.to_ecef(columns), surface.to_ecef(columns.copy(order="C")))
    assert surface.to_ecef(NEUSS.astype(np.float32)).dtype == np.float64
    with pytest.raises(ValueError, match=r"\(n, 3\)"):
        surface.to_ecef(np.zeros(3))


def test_the_argument_is_left_alone(surface: Georeference) -> None:
    positions = _random_positions(5)
    kept = positions.copy()
    surface.to_ecef(positions)
    np.testing.assert_array_equal(positions, kept)


def _ecef(way: Georeference) -> NDArray[np.float64]:
    return way.to_ecef(NEUSS)


def test_it_may_be_pickled_and_shared(surface: Georeference, grid: Georeference) -> None:
    for way in (surface, grid):
        again = pickle.loads(pickle.dumps(way))  # noqa: S301
        assert (again.method, again.issues) == (way.method, way.issues)
        np.testing.assert_array_equal(again.to_ecef(NEUSS), way.to_ecef(NEUSS))
        with ThreadPoolExecutor(4) as threads:
            for result in threads.map(_ecef, [way] * 16):
                np.testing.assert_array_equal(result, way.to_ecef(NEUSS))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
            np.testing.assert_array_equal(processes.submit(_ecef, way).result(timeout=60), way.to_ecef(NEUSS))


def test_nothing_global_is_changed(region: Region, shared_data: Path) -> None:
    before = pyproj.datadir.get_data_dir()
    Georeference.create(NHN, region, grid_folders=[shared_data / "geoid"]).to_ecef(NEUSS)
    assert pyproj.datadir.get_data_dir() == before
    assert Georeference.create(NHN, region, grid_folders=NO_GRID).method == "surface"


def test_own_folder_comes_before_projs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    first, *others = grid_folders()
    assert first == tmp_path / "zwilling" / "proj"
    assert Path(pyproj.datadir.get_data_dir()) in others


def test_installed_grid_is_preferred(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, region: Region, shared_data: Path
) -> None:
    folder = tmp_path / "with space" / "zwilling" / "proj"
    folder.mkdir(parents=True)
    (folder / GRID).write_bytes((shared_data / "geoid" / GRID).read_bytes())
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "with space"))
    way = Georeference.create(NHN, region)
    assert way.method == "grid"
    assert way.to_geographic(NEUSS)[0, 2] == pytest.approx(85.820, abs=0.001)


def test_another_edition_of_the_grid_is_used_with_a_warning(tmp_path: Path, region: Region, shared_data: Path) -> None:
    content = (shared_data / "geoid" / GRID).read_bytes()
    (tmp_path / GRID).write_bytes(content + b"\0")
    way = Georeference.create(NHN, region, grid_folders=[tmp_path])
    assert [issue.code for issue in way.issues] == ["HEIGHT_GRID_UNKNOWN"]


def test_broken_grid_is_an_error_that_names_it(tmp_path: Path, region: Region) -> None:
    (tmp_path / GRID).write_bytes(b"not a grid")
    with pytest.raises(UnknownCRSError, match=GRID) as caught:
        Georeference.create(NHN, region, grid_folders=[tmp_path])
    assert caught.value.source == str(tmp_path / GRID)


def test_folder_that_proj_would_misread_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownCRSError, match="commas"):
        grid_zeta(tmp_path / "a,b" / GRID, [6.7], [51.2])


@pytest.mark.parametrize(("lon", "lat"), [(6.75297, 51.19581), (0.0, 0.0), (-120.5, -33.25), (179.9, 89.0)])
def test_frame_by_projs_topocentric(lon: float, lat: float) -> None:
    """EPSG method 9837 (geocentric/topocentric), which PROJ computes for itself."""
    matrix = enu_to_ecef(lon, lat, 85.82)
    local = np.random.default_rng(1).uniform(-5000, 5000, (20, 3))
    ecef = (matrix @ np.column_stack([local, np.ones(20)]).T).T[:, :3]
    topocentric = pyproj.Transformer.from_pipeline(
        f"+proj=topocentric +ellps=WGS84 +lon_0={lon} +lat_0={lat} +h_0=85.82"
    )
    np.testing.assert_allclose(np.column_stack(topocentric.transform(*ecef.T)), local, rtol=0, atol=1e-6)
    np.testing.assert_allclose(matrix[:3, :3].T @ matrix[:3, :3], np.eye(3), atol=1e-14)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1.0)
    np.testing.assert_array_equal(matrix[3], [0.0, 0.0, 0.0, 1.0])


def test_frame_at_a_place_known_by_hand() -> None:
    """Where equator and Greenwich cross: x leads up, y east, z north."""
    np.testing.assert_allclose(
        enu_to_ecef(0.0, 0.0, 10.0),
        [[0, 0, 1, 6_378_147], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]],
        rtol=0,
        atol=1e-9,
    )


def test_height_check_passes_with_and_without_the_grid(region: Region, shared_data: Path) -> None:
    by_surface = check_heights(region, grid_folders=NO_GRID)
    by_grid = check_heights(region, grid_folders=[shared_data / "geoid"])
    assert (by_surface.method, by_surface.passed) == ("surface", True)
    assert (by_grid.method, by_grid.passed) == ("grid", True)
    assert by_grid.expected == pytest.approx(85.820, abs=0.0005)


def _region_with(region: Region, point: ControlPoint | None) -> Region:
    return Region("r", "R", region.crs, region.bbox_deg, {}, region.height_surface, point)


def test_height_check_fails_where_height_or_place_is_off(region: Region) -> None:
    point = region.control_point
    assert point is not None
    lower = ControlPoint(point.position, point.lon_deg, point.lat_deg, 40.0)
    check = check_heights(_region_with(region, lower), grid_folders=NO_GRID)
    assert not check.passed
    assert check.found - check.expected == pytest.approx(45.82, abs=0.01)
    aside = ControlPoint(point.position, point.lon_deg + 1e-6, point.lat_deg, point.height)
    check = check_heights(_region_with(region, aside), grid_folders=NO_GRID)
    assert not check.passed
    assert check.shift == pytest.approx(0.070, abs=0.001)
    with pytest.raises(SettingsError, match="control_point"):
        check_heights(_region_with(region, None), grid_folders=NO_GRID)


def test_errors_survive_the_way_between_processes(surface: Georeference) -> None:
    with pytest.raises(ZwillingError) as caught:
        surface.to_ecef(np.zeros((1, 3)))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301


def test_which_of_many_positions_are_reached(surface: Georeference) -> None:
    good, far = [343_000.0, 5_674_000.0, 40.0], [404_000.0, 5_746_000.0, 50.0]
    positions = np.array([good, far, [np.nan, 5_674_000.0, 0.0], [1e300, -1e300, 0.0], [0.0, 0.0, np.inf], good])
    assert surface.reaches(positions).tolist() == [True, False, False, False, False, True]
    for position, is_reached in zip(positions, surface.reaches(positions), strict=True):
        if not is_reached:
            with pytest.raises(UnknownCRSError):
                surface.to_geographic(position[None])


def test_places_that_stand_often_come_out_as_each_does_alone() -> None:
    georeference = Georeference.create(NHN, load_region(), grid_folders=NO_GRID)
    rng = np.random.default_rng(5)
    # Few different x, fewer different y: places repeat, and there are different ones with the same x.
    x, y = 343_000 + rng.integers(0, 12, 400) * 2.5, 5_674_000 + rng.integers(0, 4, 400) * 2.5
    positions = np.stack([x, y, rng.uniform(30, 60, 400)], axis=1)
    alone = np.concatenate([georeference.to_geographic(position[None]) for position in positions])
    np.testing.assert_allclose(georeference.to_geographic(positions), alone, rtol=0, atol=1e-9)
    assert georeference.to_geographic(np.empty((0, 3))).shape == (0, 3)
