"""Which CRS a point cloud is in: its records, the bit that chooses, the region's default, and places that cannot be."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import laspy
import pyproj
import pytest
from laspy.vlrs.known import WktCoordinateSystemVlr

from tests.pointclouds.clouds import cloud, opened, write
from zwilling.errors import UnknownCRSError

WKT_BIT = 16


def keys_vlrs(keys: Mapping[int, int | str]) -> list[laspy.VLR]:
    """Return GeoTIFF records of keys; texts go where GeoTIFF puts them."""
    text = b"".join(f"{value}|".encode() for value in keys.values() if isinstance(value, str))
    rows, at = [], 0
    for key, value in sorted(keys.items()):
        if isinstance(value, str):
            rows.append((key, 34737, len(value) + 1, at))
            at += len(value) + 1
        else:
            rows.append((key, 0, 1, value))
    directory = struct.pack("<4H", 1, 1, 0, len(rows)) + b"".join(struct.pack("<4H", *row) for row in rows)
    return [laspy.VLR("LASF_Projection", 34735, "", directory), laspy.VLR("LASF_Projection", 34737, "", text + b"\0")]


def file_with(
    path: Path, *, wkt: str | None = None, keys: Mapping[int, int | str] | None = None, bit: bool = False,
    corner: tuple[float, float] = (340000.0, 5670000.0),
) -> Path:  # fmt: skip
    """Write a file in Neuss with CRS records."""
    data = cloud(1, count=20, version="1.4", corner=corner)
    if wkt is not None:
        data.header.vlrs.append(WktCoordinateSystemVlr(wkt))
    if keys is not None:
        data.header.vlrs.extend(keys_vlrs(keys))
    write(path, data)
    raw = bytearray(path.read_bytes())
    raw[6] = (raw[6] & ~WKT_BIT) | (WKT_BIT if bit else 0)
    path.write_bytes(raw)
    return path


def wkt_of(name: str, form: str = "WKT1_GDAL") -> str:
    return str(pyproj.CRS(name).to_wkt(form))


def codes(path: Path) -> tuple[str, list[str]]:
    source = opened(path, crs=None)
    return source.head.crs, [issue.code for issue in source.issues]


@pytest.mark.parametrize("form", ["WKT1_GDAL", "WKT2_2015", "WKT2_2019"])
def test_wkt_with_heights(tmp_path: Path, form: str) -> None:
    assert codes(file_with(tmp_path / "a.las", wkt=wkt_of("EPSG:25832+7837", form), bit=True)) == (
        "EPSG:25832+7837",
        [],
    )


def test_wkt_without_codes_is_known_by_what_it_says(tmp_path: Path) -> None:
    text = wkt_of("EPSG:25832+7837", "WKT1_GDAL")
    bare = "".join(part if not i else part[part.index("]") + 1 :] for i, part in enumerate(text.split(",AUTHORITY[")))
    assert "AUTHORITY" not in bare
    assert codes(file_with(tmp_path / "a.las", wkt=bare, bit=True)) == ("EPSG:25832+7837", [])


def test_one_code_for_both(tmp_path: Path) -> None:
    assert codes(file_with(tmp_path / "a.las", wkt=wkt_of("EPSG:5555"), bit=True)) == ("EPSG:25832+5783", [])


def test_without_heights_the_regions_are_taken_and_told(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.las", wkt=wkt_of("EPSG:25832"), bit=True)
    assert codes(path) == ("EPSG:25832+7837", ["POINT_HEIGHTS_ASSUMED"])


def test_other_places_keep_what_they_say(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.las", wkt=wkt_of("EPSG:25833"), bit=True)
    assert codes(path) == ("EPSG:25833", [])


def test_without_any_the_regions_is_taken_where_it_puts_the_points_there(tmp_path: Path) -> None:
    assert codes(file_with(tmp_path / "a.las")) == ("EPSG:25832+7837", ["POINT_CRS_ASSUMED"])
    far = file_with(tmp_path / "b.las", corner=(540000.0, 5670000.0))
    with pytest.raises(UnknownCRSError, match="names no coordinate system, and does not lie in Rhein-Kreis Neuss"):
        opened(far, crs=None)


def test_the_users_word_goes_first(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.las", wkt=wkt_of("EPSG:2154"), bit=True)
    assert opened(path, crs="EPSG:25832+ellipsoidal").head.crs == "EPSG:25832+ellipsoidal"
    with pytest.raises(UnknownCRSError, match="--crs"):
        opened(path, crs="EPSG:999999")


@pytest.mark.parametrize(("bit", "crs"), [(True, "EPSG:25832+5783"), (False, "EPSG:25832+7837")])
def test_the_bit_says_which_record_counts(tmp_path: Path, bit: bool, crs: str) -> None:
    keys = {1024: 1, 3072: 25832, 4096: 7837}
    path = file_with(tmp_path / "a.las", wkt=wkt_of("EPSG:25832+5783"), keys=keys, bit=bit)
    found, issues = codes(path)
    assert found == crs
    assert issues == ([] if bit else ["POINT_CRS_AMBIGUOUS"])


def test_records_that_agree_say_nothing(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.las", wkt=wkt_of("EPSG:25832+7837"), keys={1024: 1, 3072: 25832, 4096: 7837})
    assert codes(path) == ("EPSG:25832+7837", [])


def test_wkt_alone_counts_without_its_bit(tmp_path: Path) -> None:
    assert codes(file_with(tmp_path / "a.las", wkt=wkt_of("EPSG:25832+7837"))) == ("EPSG:25832+7837", [])


def test_records_that_differ_are_told(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.las", wkt=wkt_of("EPSG:25832+7837"), keys={1024: 1, 3072: 31466}, bit=True)
    assert codes(path) == ("EPSG:25832+7837", ["POINT_CRS_AMBIGUOUS"])


@pytest.mark.parametrize(
    ("keys", "crs"),
    [
        ({3072: 25832}, "EPSG:25832+7837"),
        ({1024: 1, 3072: 25832, 4096: 7837}, "EPSG:25832+7837"),
        ({1024: 1, 3072: 25832, 4096: 5030}, "EPSG:25832+ellipsoidal"),
        ({1024: 1, 2048: 4258, 3072: 25832, 3076: 9001, 4096: 5783, 4099: 9001}, "EPSG:25832+5783"),
    ],
)
def test_geotiff_keys(tmp_path: Path, keys: dict[int, int | str], crs: str) -> None:
    assert codes(file_with(tmp_path / "a.las", keys=keys))[0] == crs


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({1024: 1, 3072: 32767, 3073: "Baustelle Neuss"}, r"of their own \(Baustelle Neuss\)"),
        ({1024: 1, 3072: 25832, 4097: "Canal (feet)", 4099: 9003}, r"its heights count in feet over Canal \(feet\)"),
        ({1024: 1, 3072: 25832, 3076: 9003}, "counts in units of US survey foot, and EPSG:25832"),
        ({1024: 1, 3072: 9999}, "EPSG"),
    ],
)
def test_geotiff_keys_that_lead_nowhere(tmp_path: Path, keys: dict[int, int | str], message: str) -> None:
    with pytest.raises(UnknownCRSError, match=message) as caught:
        opened(file_with(tmp_path / "a.las", keys=keys), crs=None)
    assert caught.value.source == str(tmp_path / "a.las")
    assert "--crs" in str(caught.value)


@pytest.mark.parametrize(
    ("wkt", "message"),
    [
        ("PROJCS[", "its WKT of the coordinate system cannot be read"),
        ('LOCAL_CS["Baustelle",UNIT["metre",1]]', "cannot be read|from which nothing can be placed|not in the EPSG"),
        (
            wkt_of("+proj=tmerc +lat_0=51 +lon_0=6.7 +ellps=bessel +type=crs", "WKT2_2019"),
            "is not in the EPSG registry",
        ),
    ],
)
def test_wkt_that_leads_nowhere(tmp_path: Path, wkt: str, message: str) -> None:
    with pytest.raises(UnknownCRSError, match=message):
        opened(file_with(tmp_path / "a.las", wkt=wkt, bit=True), crs=None)


def test_a_wrong_zone_is_found_by_its_place(tmp_path: Path) -> None:
    """EPSG:5677 is 31467 with east before north, which is what the old WKT says."""
    path = file_with(tmp_path / "a.las", wkt=wkt_of("EPSG:31467+7837"), bit=True)
    with pytest.raises(UnknownCRSError, match=r"where EPSG:5677\+7837 does not reach.*pass --crs EPSG:25832\+7837"):
        opened(path, crs=None)


def test_swapped_axes_are_found_by_their_place(tmp_path: Path) -> None:
    data = cloud(1, count=20, corner=(5670000.0, 340000.0))
    with pytest.raises(UnknownCRSError, match="does not reach"):
        opened(write(tmp_path / "a.las", data))
