"""The many spellings of a coordinate reference system, read as EPSG codes; nothing is looked up here.

`zwilling.crs.parse_crs` is the way in: it also checks the codes against the EPSG registry.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

# AdV's list of names (GeoInfoDok, "Koordinatenreferenzsysteme"), as far as EPSG has a code of its own for them.
ADV_HORIZONTAL = {
    "ETRS89_UTM31": 25831,
    "ETRS89_UTM32": 25832,
    "ETRS89_UTM33": 25833,
    "ETRS89_Lat-Lon": 4258,
    "ETRS89_Lat-Lon-h": 4937,
    "ETRS89_X-Y-Z": 4936,
    "DE_DHDN_3GK2": 31466,
    "DE_DHDN_3GK3": 31467,
    "DE_DHDN_3GK4": 31468,
    "DE_DHDN_3GK5": 31469,
    "DE_DHDN_Lat-Lon": 4314,
}
ADV_VERTICAL = {
    "DE_DHHN2016_NH": 7837,
    "DE_DHHN92_NH": 5783,
    "DE_DHHN85_NOH": 5784,
    "DE_DHHN12_NOH": 7699,
}
_ADV_HORIZONTAL = {name.lower(): code for name, code in ADV_HORIZONTAL.items()}
_ADV_VERTICAL = {name.lower(): code for name, code in ADV_VERTICAL.items()}

# OGC's own two names for WGS 84 with longitude first (OGC 18-058, GeoJSON): without and with ellipsoidal height.
_OGC = {"crs84": 4326, "crs84h": 4979}

_CODE = r"(\d{4,6})"
_VERSION = r"[\d.]*"
_URL = rf"https?://www\.opengis\.net/def/crs/epsg/{_VERSION}/{_CODE}"
_OBJECT = rf"crs:epsg:{_VERSION}:{_CODE}"
_FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"(?:epsg:)?{_CODE}(?:\+(?:epsg:)?{_CODE})?",
        rf"urn:(?:x-)?ogc:def:crs:epsg:(?:{_VERSION}:)?{_CODE}",
        rf"urn:(?:x-)?ogc:def:crs,{_OBJECT}(?:,{_OBJECT})?",
        rf"https?://www\.opengis\.net/gml/srs/epsg\.xml#{_CODE}",
        _URL,
        rf"https?://www\.opengis\.net/def/crs-compound\?1={_URL}&2={_URL}",
    )
)
_OGC_FORM = re.compile(
    r"(?:(?:urn:ogc:def:crs:)?ogc:[\d.]*:?|https?://www\.opengis\.net/def/crs/ogc/[\d.]+/)?(crs84h?)"
)
_ADV_FORM = re.compile(r"urn:adv:crs:([^*]+)(?:\*([^*]+?)(?:\*gcg\d{4}[a-z]*)?)?")

# What the nearest known form is looked for among; {a} and {b} take the codes that stand in the misspelt text.
_TEMPLATES = (
    "EPSG:{a}",
    "EPSG:{a}+ellipsoidal",
    "EPSG:{a}+{b}",
    "urn:ogc:def:crs:EPSG::{a}",
    "urn:ogc:def:crs,crs:EPSG::{a},crs:EPSG::{b}",
    "http://www.opengis.net/def/crs/EPSG/0/{a}",
    "http://www.opengis.net/gml/srs/epsg.xml#{a}",
)
_LONGEST = 300  # no known form is half as long; a megabyte in an attribute must not reach the comparison below


def codes_in(text: str) -> tuple[int, int | None] | None:
    """Return the EPSG codes that `text` names, or None where it has no known form.

    The second code is the vertical one, None where the text has no second part.

    Example:
        >>> codes_in("urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*GCG2016")
        (25832, 7837)
        >>> codes_in("urn:ogc:def:crs,crs:EPSG:6.12:3068,crs:EPSG:6.12:5783")
        (3068, 5783)
        >>> codes_in("#local-CRS-1") is None
        True
    """
    name = text.strip().lower()
    if len(name) > _LONGEST:
        return None
    for form in _FORMS:
        if found := form.fullmatch(name):
            codes = [int(code) for code in found.groups() if code is not None]
            return codes[0], codes[1] if len(codes) > 1 else None
    if found := _OGC_FORM.fullmatch(name):
        return _OGC[found.group(1)], None
    if found := _ADV_FORM.fullmatch(name):
        horizontal = _ADV_HORIZONTAL.get(found.group(1))
        vertical = _ADV_VERTICAL.get(found.group(2)) if found.group(2) else None
        if horizontal is not None and (vertical is not None or found.group(2) is None):
            return horizontal, vertical
    return None


def nearest_name(text: str) -> str | None:
    """Return the known form that a misspelt `text` comes closest to, or None where none is near.

    Example:
        >>> nearest_name("urn:ogc:drf:crs:EPSG::25832")
        'urn:ogc:def:crs:EPSG::25832'
        >>> nearest_name("CH1903") is None
        True
    """
    name = text.strip()
    if len(name) > _LONGEST:
        return None
    spellings = {form.lower(): form for form in _known_forms(re.findall(r"(?<![0-9])[0-9]{4,6}(?![0-9])", name))}
    nearest = difflib.get_close_matches(name.lower(), spellings, n=1, cutoff=0.8)
    return spellings[nearest[0]] if nearest else None


def _known_forms(codes: list[str]) -> Iterator[str]:
    for template in _TEMPLATES:
        if codes and ("{b}" in template) == (len(codes) > 1):
            yield template.format(a=codes[0], b=codes[-1])
    for horizontal in ADV_HORIZONTAL:
        yield f"urn:adv:crs:{horizontal}"
        for vertical in ADV_VERTICAL:
            yield f"urn:adv:crs:{horizontal}*{vertical}"
            if vertical == "DE_DHHN2016_NH":
                yield f"urn:adv:crs:{horizontal}*{vertical}*GCG2016"
