"""Which CRS a point cloud is in: the user's word, then the file's, then the region's; and whether that can be true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pointclouds.findings import finding
from pointclouds.geokeys import crs_of_keys
from pointclouds.heads import LasHead, read_vlr
from zwilling.crs import SourceCRS, parse_crs
from zwilling.crs.plane import PlaneCRS, plane_crs, plane_of
from zwilling.crs.spelled import crs_of_wkt
from zwilling.errors import UnknownCRSError
from zwilling.issues import Issue
from zwilling.region import Region

# What German data is in when it is not in what it says: UTM, UTM with the zone before the easting, Gauß-Krüger.
_LIKELY: Final = (25832, 25833, 25831, 4647, 5650, 31466, 31467, 31468, 31469, 4258)
_GEOCENTRIC: Final = 4978
_EARTH_RADII_M: Final = (6_330_000.0, 6_420_000.0)
# A flight line reaches over the county's border.
_REGION_MARGIN_DEG: Final = 0.25


@dataclass(frozen=True, slots=True)
class Placed:
    """The CRS of a file, and what was odd on the way to it."""

    crs: SourceCRS
    issues: tuple[Issue, ...]


def placed(head: LasHead, *, crs: str | None, region: Region, places: Sequence[tuple[float, float, float]]) -> Placed:
    """Return the CRS of a file, in which it can lie where its points are.

    Args:
        head: the file's head.
        crs: the user's word, which goes before what the file says.
        region: whose CRS is assumed where the file names none and lies in the region with it; whose height system,
            where the file names the region's horizontal CRS alone.
        places: lowest and highest corner of its points in its CRS; empty where it has no points.

    Raises:
        UnknownCRSError: no CRS, an unknown one, or one that does not reach where the points are.
    """
    source = str(head.path)
    issues: list[Issue] = []
    if crs is not None:
        system: SourceCRS | None = parse_crs(crs, source="--crs")
    else:
        try:
            system = _of_file(head, issues)
        except UnknownCRSError as error:
            raise UnknownCRSError(error.problem, source=head.path, where=error.where, remedy=error.remedy) from error
    local = parse_crs(region.crs)
    middle = tuple(np.mean(np.array(places), axis=0)) if places else None
    if system is None:
        if middle is not None and not _lies_in_region(plane_of(local), middle, region):
            raise UnknownCRSError(
                f"names no coordinate system, and does not lie in {region.title} with {local.name}",
                source=head.path,
                remedy="pass --crs with the one that it is in, for example --crs EPSG:25832+7837",
            )
        system = local
        issues.append(finding("POINT_CRS_ASSUMED", source, "header", f"names no CRS; taken as {local.name}"))
    elif system.vertical is None and not system.is_ellipsoidal and system.horizontal == local.horizontal:
        system = local
        issues.append(
            finding("POINT_HEIGHTS_ASSUMED", source, "header", f"names no height system; taken as {local.name}")
        )
    if middle is not None:
        _check_place(head, system, middle)
    return Placed(system, tuple(issues))


def _of_file(head: LasHead, issues: list[Issue]) -> SourceCRS | None:
    """Return the CRS that the file names, None where it names none; the bit in its head says which record counts."""
    text = _wkt(head)
    by_keys = text is None or not head.says_wkt
    try:
        keyed = crs_of_keys(head)
    except UnknownCRSError:
        if by_keys and text is None:
            raise
        keyed = None
    if keyed is not None and by_keys:
        if keyed.remark:
            issues.append(finding("POINT_CRS_AMBIGUOUS", str(head.path), "header", keyed.remark))
        if text is not None:
            _compare(head, keyed.crs, text, issues)
        return keyed.crs
    if text is None:
        return None
    system = crs_of_wkt(text)
    if keyed is not None and keyed.crs.horizontal != system.horizontal:
        message = f"WKT says {system.name}, GeoTIFF keys say {keyed.crs.name}; WKT counts, as its head says"
        issues.append(finding("POINT_CRS_AMBIGUOUS", str(head.path), "header", message))
    return system


def _compare(head: LasHead, keyed: SourceCRS, text: str, issues: list[Issue]) -> None:
    try:
        other = crs_of_wkt(text)
    except UnknownCRSError:
        return
    if other.horizontal != keyed.horizontal or (other.vertical or keyed.vertical) != keyed.vertical:
        message = f"GeoTIFF keys say {keyed.name}, WKT says {other.name}; the keys count, as its head says"
        issues.append(finding("POINT_CRS_AMBIGUOUS", str(head.path), "header", message))


def _wkt(head: LasHead) -> str | None:
    vlr = head.find("LASF_Projection", 2112)
    if vlr is None:
        return None
    text = read_vlr(head.path, vlr).split(b"\0", 1)[0].decode("utf-8", "replace").strip()
    return text or None


def _check_place(head: LasHead, system: SourceCRS, middle: Sequence[float]) -> None:
    x, y, z = middle
    if system.horizontal == _GEOCENTRIC:
        low, high = _EARTH_RADII_M
        reaches = low < float(np.hypot(np.hypot(x, y), z)) < high
        hint = None
    else:
        flat = plane_of(system)
        reaches = _reaches(flat, x, y)
        hint = None if reaches else _hint(flat, x, y)
    if not reaches:
        raise UnknownCRSError(
            f"lies around ({x:.1f}, {y:.1f}, {z:.1f}), where {system.name} does not reach",
            source=head.path,
            remedy=hint or "pass the CRS that it is in with --crs",
        )


def _hint(crs: PlaneCRS, x: float, y: float) -> str | None:
    for code in _LIKELY:
        if code != crs.code:
            lon, lat = plane_crs(f"EPSG:{code}").to_degrees(np.array([[x, y]]))[0]
            if 5.8 <= lon <= 15.1 and 47.2 <= lat <= 55.1 and _reaches(plane_crs(f"EPSG:{code}"), x, y):
                return f"pass --crs EPSG:{code}+7837, with which it lies in Germany"
    return None


def _reaches(crs: PlaneCRS, x: float, y: float) -> bool:
    lon, lat = crs.to_degrees(np.array([[x, y]]))[0]
    west, south, east, north = crs.area()
    return bool(west <= lon <= east and south <= lat <= north)


def _lies_in_region(crs: PlaneCRS, middle: Sequence[float], region: Region) -> bool:
    lon, lat = crs.to_degrees(np.array([middle[:2]]))[0]
    west, south, east, north = region.bbox_deg
    margin = _REGION_MARGIN_DEG
    return bool(west - margin <= lon <= east + margin and south - margin <= lat <= north + margin)
