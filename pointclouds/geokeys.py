"""The CRS in GeoTIFF keys (OGC GeoTIFF 1.1, 19-008r4), as LAS files before WKT carry them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from pointclouds.heads import LasHead, read_vlr
from zwilling.crs import SourceCRS, parse_crs
from zwilling.crs.spelled import in_unit
from zwilling.errors import UnknownCRSError

_USER: Final = "LASF_Projection"
_DIRECTORY, _ASCII = 34735, 34737
_GEOGRAPHIC, _PROJECTED, _VERTICAL = 2048, 3072, 4096
_MODEL, _CITATION, _PROJECTED_CITATION, _VERTICAL_CITATION = 1024, 1026, 3073, 4097
_PROJECTED_UNIT, _VERTICAL_UNIT = 3076, 4099
_GEOCENTRIC: Final = 3
_USER_DEFINED: Final = 32767
_METRES: Final = {9001: 1.0, 9002: 0.3048, 9003: 0.3048006096012192}
# GeoTIFF 1.0 numbered height systems by their datums: NAVD88 is what is still met.
_HEIGHTS_OF_OLD: Final = {5103: 5703, 5102: 7968, 5104: 5797, 5105: 5705}
_NAME_THE_CRS: Final = "pass --crs, for example --crs EPSG:25832+7837"


@dataclass(frozen=True, slots=True)
class KeyedCRS:
    """What GeoTIFF keys name.

    Attributes:
        crs: the CRS.
        remark: what was odd; empty where nothing was.
    """

    crs: SourceCRS
    remark: str = ""


def crs_of_keys(head: LasHead) -> KeyedCRS | None:
    """Return the CRS that the GeoTIFF keys of a file name; None where there are none, or none that says a place.

    Raises:
        UnknownCRSError: they describe one that the EPSG registry does not have.
    """
    directory = head.find(_USER, _DIRECTORY)
    if directory is None:
        return None
    keys = _numbers(read_vlr(head.path, directory))
    texts = _texts(head)
    if not keys.keys() & {_GEOGRAPHIC, _PROJECTED}:
        return None
    projected, geographic = keys.get(_PROJECTED, 0), keys.get(_GEOGRAPHIC, 0)
    code = projected or geographic
    if code in (0, _USER_DEFINED):
        if projected == 0 and keys.get(_MODEL, 0) == 0:
            return None
        named = texts.get(_PROJECTED_CITATION) or texts.get(_CITATION) or "without a name"
        raise UnknownCRSError(
            f"its GeoTIFF keys describe a coordinate system of their own ({named[:80]})", remedy=_NAME_THE_CRS
        )
    remark = ""
    unit = _METRES.get(keys.get(_PROJECTED_UNIT, 0))
    if projected and unit is not None and (other := in_unit(code, unit)) != code:
        remark = f"GeoTIFF keys name EPSG:{code} and another unit than it has; taken as EPSG:{other}"
        code = other
    heights = keys.get(_VERTICAL, 0)
    heights = _HEIGHTS_OF_OLD.get(heights, heights)
    unit = _METRES.get(keys.get(_VERTICAL_UNIT, 0))
    if heights in (0, _USER_DEFINED):
        if unit is not None and unit != 1.0:
            named = texts.get(_VERTICAL_CITATION, "a system without a name")
            raise UnknownCRSError(
                f"its heights count in feet over {named[:80]}",
                remedy=f"pass --crs EPSG:{code}+CODE with the code of the height system",
            )
        return KeyedCRS(parse_crs(f"EPSG:{code}"), remark)
    if 5000 < heights < 5100:
        return KeyedCRS(parse_crs(f"EPSG:{code}+ellipsoidal"), remark)
    if unit is not None:
        heights = in_unit(heights, unit)
    return KeyedCRS(parse_crs(f"EPSG:{code}+{heights}"), remark)


def _numbers(data: bytes) -> dict[int, int]:
    """Return the keys that hold their number themselves."""
    count = min(struct.unpack_from("<4H", data)[3], (len(data) - 8) // 8) if len(data) >= 8 else 0
    keys = (struct.unpack_from("<4H", data, 8 + 8 * i) for i in range(count))
    return {key: value for key, location, _, value in keys if location == 0}


def _texts(head: LasHead) -> dict[int, str]:
    directory, texts = head.find(_USER, _DIRECTORY), head.find(_USER, _ASCII)
    if directory is None or texts is None:
        return {}
    data, text = read_vlr(head.path, directory), read_vlr(head.path, texts).decode("latin-1")
    count = min(struct.unpack_from("<4H", data)[3], (len(data) - 8) // 8) if len(data) >= 8 else 0
    keys = (struct.unpack_from("<4H", data, 8 + 8 * i) for i in range(count))
    return {key: text[at : at + length].strip("|\0 ") for key, location, length, at in keys if location == _ASCII}
