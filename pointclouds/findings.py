"""What is odd in point clouds and is nevertheless read: every code in one place."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from zwilling.issues import Issue, Severity

# code -> severity: ERROR lost something, WARNING may mislead, INFO is for the record.
SEVERITIES: Final = MappingProxyType(
    {
        "POINTS_NONE": Severity.WARNING,  # a file without points
        "POINTS_UNCOUNTED": Severity.WARNING,  # the file goes on behind the points that its head counts
        "POINTS_LOST": Severity.ERROR,  # a damaged piece was left out, as the user wished
        "POINTS_WITHHELD": Severity.INFO,  # deleted by the flag that LAS has for it
        "POINTS_OUT_OF_BOUNDS": Severity.WARNING,  # beyond what the head states
        "POINT_BOUNDS_MEASURED": Severity.WARNING,  # the head's bounds cannot be true
        "POINT_CRS_ASSUMED": Severity.WARNING,  # the file names none: the region's
        "POINT_HEIGHTS_ASSUMED": Severity.WARNING,  # the file names a horizontal CRS only: the region's heights
        "POINT_CRS_AMBIGUOUS": Severity.WARNING,  # WKT and GeoTIFF keys differ, or the unit differs from the code's
        "POINT_HEAD_ODD": Severity.INFO,  # breaks the specification where it does no harm
        "POINT_TAIL_LOST": Severity.WARNING,  # what should stand behind the points is cut off
        "POINT_COLUMN_MISSING": Severity.WARNING,  # asked for by name, and not there
        "POINT_COLUMN_NAN": Severity.INFO,  # an extra dimension holds values that are no number
        "POINT_COLOURS_EMPTY": Severity.INFO,  # room for colours, all of them black
        "POINT_COLOURS_MIXED": Severity.WARNING,  # taken as 0 to 255, yet some are brighter
        "COPC_UNUSABLE": Severity.WARNING,  # the octree is broken; the points are read without it
    }
)


def finding(code: str, source: str, where: str, message: str) -> Issue:
    """Return one finding; `code` is a key of `SEVERITIES`."""
    return Issue(code, SEVERITIES[code], source, where, message)
