"""Region profiles: the shipped one, one's own, and broken ones."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from zwilling.crs import parse_crs
from zwilling.errors import SettingsError
from zwilling.region import DEFAULT_REGION, load_region, region_names

SHIPPED = Path(__file__).resolve().parents[2] / "zwilling" / "regions"


def test_the_eight_municipalities() -> None:
    region = load_region()
    assert dict(region.municipalities) == {
        "05162004": "Dormagen",
        "05162008": "Grevenbroich",
        "05162012": "Jüchen",
        "05162016": "Kaarst",
        "05162020": "Korschenbroich",
        "05162022": "Meerbusch",
        "05162024": "Neuss",
        "05162028": "Rommerskirchen",
    }
    assert region.title == "Rhein-Kreis Neuss"


@pytest.mark.parametrize("name", region_names())
def test_every_shipped_profile_is_whole(name: str) -> None:
    region = load_region(name)
    assert region.name == name
    assert parse_crs(region.crs).name == region.crs
    assert region.control_point is not None
    surface = region.height_surface
    assert surface is not None
    west, south, east, north = region.bbox_deg
    assert surface.covers(np.array([west, east]), np.array([south, north])).all()
    assert region.contains(region.control_point.lon_deg, region.control_point.lat_deg)
    assert 0 < surface.rms_error < surface.max_error < 0.007
    assert "Bundesamt für Kartographie und Geodäsie" in surface.attribution


def test_a_profile_is_found_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "kreis.toml"
    file.write_bytes((SHIPPED / f"{DEFAULT_REGION}.toml").read_bytes())
    for path in (file, str(file)):
        assert load_region(path).title == "Rhein-Kreis Neuss"


def test_a_profile_needs_no_height_surface(tmp_path: Path) -> None:
    file = tmp_path / "kreis.toml"
    file.write_text(
        'name = "kreis-viersen"\ntitle = "Kreis Viersen"\ncrs = "EPSG:25832+7837"\n'
        'bbox_deg = [6.0, 51.1, 6.6, 51.5]\n[municipalities]\n05166032 = "Viersen"\n',
        encoding="utf-8",
    )
    region = load_region(file)
    assert region.height_surface is None
    assert region.control_point is None
    assert region.contains(6.39, 51.25)
    assert not region.contains(51.25, 6.39)


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"no region is called 'rhein-kreis'.*rhein-kreis-neuss"):
        load_region("rhein-kreis")


def test_missing_file_is_named() -> None:
    with pytest.raises(SettingsError, match=r"nowhere/kreis\.toml: .*cannot be read"):
        load_region("nowhere/kreis.toml")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("title =", "titel =", "titel"),
        ('title = "Rhein-Kreis Neuss"', "title = 5", "Expected `str`"),
        ("[municipalities]", "[municipalities", "line"),
        ("bbox_deg = [6.40, 50.97, 7.05, 51.42]", "bbox_deg = [50.97, 6.40, 51.42, 7.05, 1.0]", "length"),
        ("bbox_deg = [6.40, 50.97, 7.05, 51.42]", "bbox_deg = [7.05, 50.97, 6.40, 51.42]", "west, south, east, north"),
        ("05162004 =", "5162004 =", "05162004|regex|pattern"),
        ("degree = 10", "degree = 9", "coefficients must be 10 rows"),
        ("degree = 10", "degree = 1000", "99"),
        ("west = 6.4\n", "west = 7.4\n", "box"),
        ("[[45.77", "[[nan, 45.77", "rows|finite"),
        ('grid_sha256 = "', 'grid_sha256 = "x', "pattern|regex"),
    ],
)
def test_broken_profile_is_named_in_one_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = (SHIPPED / f"{DEFAULT_REGION}.toml").read_text(encoding="utf-8").replace("[\n  [", "[[")
    assert old in text
    file = tmp_path / "kreis.toml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError, match=problem) as caught:
        load_region(file)
    assert str(caught.value).startswith(f"{file}: ")


def test_not_utf8_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "kreis.toml"
    file.write_bytes(b'name = "\xff"')
    with pytest.raises(SettingsError):
        load_region(file)


def test_municipalities_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        load_region().municipalities["05162004"] = "x"  # type: ignore[index]


def test_a_region_can_be_sent_to_another_process() -> None:
    region = load_region()
    again = pickle.loads(pickle.dumps(region))  # noqa: S301
    assert again.municipalities == region.municipalities
    assert again.control_point == region.control_point
    assert region.height_surface is not None
    np.testing.assert_array_equal(again.height_surface.coefficients, region.height_surface.coefficients)
