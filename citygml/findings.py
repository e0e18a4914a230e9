"""What the reader finds wrong with a file and reads on: every code in one place.

Numbers in messages are val3dity's (https://github.com/tudelft3d/val3dity), the common vocabulary for faults of
city models.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from zwilling.issues import Issue, Severity

# code -> severity: ERROR lost something, WARNING may mislead, INFO is for the record.
SEVERITIES: Final = MappingProxyType(
    {
        "ENTRIES_PASSED_OVER": Severity.INFO,  # of an archive: what is no city model, once for the archive
        "ARCHIVE_IN_ARCHIVE": Severity.WARNING,  # what may be in it is missing, once for the archive
        # The object as a whole
        "BUILDING_WITHOUT_GEOMETRY": Severity.ERROR,  # left out with --skip-empty
        "PART_WITHOUT_BUILDING": Severity.WARNING,  # a BuildingPart that stands alone; drawn as a building
        "PART_WITHOUT_GEOMETRY": Severity.WARNING,  # a BuildingPart that has no surface; its building has some
        "DUPLICATE_ID": Severity.WARNING,  # gml:id of a building that stood in the file before
        "MISSING_ID": Severity.WARNING,  # a building without gml:id got one made of its place in the file
        "NOT_A_BUILDING": Severity.INFO,  # top-level objects of another class, once for each class
        "LEVEL_OF_DETAIL_MISSING": Severity.INFO,  # not in the one that the user chose; another is drawn
        "LEVELS_OF_DETAIL": Severity.INFO,  # which ones the file holds, once for the file
        # Coordinates
        "COORDINATES_UNREADABLE": Severity.ERROR,  # text, NaN, infinity, comma decimals, a count that does not fit
        "COORDINATES_2D": Severity.WARNING,  # no heights; 0 was taken
        # Rings and polygons
        "TOO_FEW_POINTS": Severity.ERROR,  # val3dity 101
        "CONSECUTIVE_POINTS_SAME": Severity.INFO,  # val3dity 102
        "RING_NOT_CLOSED": Severity.INFO,  # val3dity 103
        "ZERO_AREA": Severity.ERROR,  # val3dity 104, collapsed to a line
        "RING_SELF_INTERSECTION": Severity.WARNING,  # val3dity 104, 201, 206, 207
        "HOLE_LOST": Severity.WARNING,  # val3dity 101, of an inner ring
        "NON_PLANAR_POLYGON": Severity.WARNING,  # val3dity 203
        # Solids
        "POLYGON_WRONG_ORIENTATION": Severity.INFO,  # val3dity 307 or 405, mended
        # References
        "XLINK_UNRESOLVED": Severity.WARNING,
        "XLINK_OTHER_BUILDING": Severity.INFO,  # two buildings share a surface; it is drawn with the one that has it
        "XLINK_EXTERNAL": Severity.WARNING,
        "XLINK_LOOP": Severity.WARNING,
        # Attributes
        "ATTRIBUTE_UNREADABLE": Severity.WARNING,
        "CODE_LIST_UNREADABLE": Severity.WARNING,  # the file that a codeSpace names, once for each
        "TOO_MANY_ATTRIBUTES": Severity.WARNING,
        "UNSUPPORTED_GEOMETRY": Severity.WARNING,  # an implicit or curved geometry
    }
)


def finding(code: str, source: str, where: str, message: str) -> Issue:
    """Return one finding; `code` is a key of `SEVERITIES`."""
    return Issue(code, SEVERITIES[code], source, where, message)


class Findings:
    """Collects the findings about one source.

    Attributes:
        source: the file, as the user named it.
    """

    __slots__ = ("_issues", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self._issues: list[Issue] = []

    def add(self, code: str, where: str, message: str) -> None:
        """Note one finding; `code` is a key of `SEVERITIES`."""
        self._issues.append(finding(code, self.source, where, message))

    def about(self, where: str) -> str:
        """Return the first message since the last `take` about a place, or one inside it; `""` where there is none."""
        inside = f"{where}: "
        return next((issue.message for issue in self._issues if f"{issue.where}: ".startswith(inside)), "")

    def take(self) -> tuple[Issue, ...]:
        """Return what was noted since the last call."""
        taken = tuple(self._issues)
        self._issues.clear()
        return taken
