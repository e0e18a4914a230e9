"""References out of one building into another: told apart, at the end of the file, from those that lead to nothing.

Two buildings may share a wall, which then stands in one and is referred to by the other.  It is drawn once, with the
building that has it.  While a file is read nobody knows where all ids are, and to keep them would let memory grow with
the file; so the few targets that are missing are kept, and looked for in a second pass through the file.

Spec: CityGML 2.0 (OGC 12-019), 8.1, which lets features share geometry by XLinks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from lxml import etree

from citygml.findings import Findings
from citygml.namespaces import BUILDING_PARTS, BUILDINGS, GML_IDS
from zwilling.errors import SourceError

# More references that leave their building are all told to lead to nothing, without a look.
_MOST: Final = 10_000


class Strays:
    """The references of one file that lead out of their building."""

    __slots__ = ("_findings", "_places")

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._places: dict[str, dict[str, None]] = {}

    def add(self, where: str, target: str) -> None:
        """Take a reference to the id `target` from the building at `where`, which has no such id itself."""
        if target in self._places or len(self._places) < _MOST:
            self._places.setdefault(target, {})[where] = None
        else:
            self._nothing(where, target)

    def settle(self, members: Iterable[etree._Element]) -> None:
        """Tell where every reference leads.

        Args:
            members: all top-level objects of the file, from the beginning; looked at only if there is a need.
        """
        if not self._places:
            return
        owners = _owners(members, self._places)
        for target, places in self._places.items():
            for where in places:
                if target not in owners:
                    self._nothing(where, target)
                    continue
                message = f"its surface '{target[:120]}' stands in '{owners[target][:120]}' and is drawn there"
                self._findings.add("XLINK_OTHER_BUILDING", where, message)
        self._places.clear()

    def _nothing(self, where: str, target: str) -> None:
        self._findings.add("XLINK_UNRESOLVED", where, f"reference to '#{target[:120]}' leads to nothing")


def _owners(members: Iterable[etree._Element], targets: Mapping[str, object]) -> dict[str, str]:
    """Return, for each of `targets` that there is in a building, the building's id."""
    owners: dict[str, str] = {}
    try:
        for member in members:
            for building in member.iter(*BUILDINGS, *BUILDING_PARTS):
                own_id = _id_of(building) or "a building without gml:id"
                for element in building.iter(etree.Element):
                    found = _id_of(element)
                    if found in targets:
                        owners.setdefault(found, own_id)
            if len(owners) == len(targets):
                break
    except SourceError:
        pass  # the first pass has told what is wrong with the file
    return owners


def _id_of(element: etree._Element) -> str:
    return next((found for name in GML_IDS if (found := element.get(name))), "")
