"""What stands in the quarter: buildings with the attributes that the cadastre and the LoD2 model carry."""

from __future__ import annotations

from dataclasses import dataclass

from shapely.geometry import Polygon

from zwilling.sample.solids import Point, Solid


@dataclass(frozen=True, slots=True)
class Address:
    """A house number in a street."""

    street: str
    number: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A building before it is numbered: its shape and use.

    Attributes:
        parts: solids with heights above the common ground; more than one become BuildingParts.
        function: AdV code, `31001_` and the value of AX_Gebaeude, or another cadastral type.
        year: year of construction where the cadastre knows it.
        storeys: storeys above ground where the cadastre knows them.
        name: proper name of a public building.
        door: place at the street from which the house number follows; none for garages and sheds.
        street: name of the street at the door.
        is_surveyed: roof height from laser scanning; else a standard height.
    """

    parts: tuple[Solid, ...]
    function: str
    year: int | None = None
    storeys: int | None = None
    name: str = ""
    door: Point | None = None
    street: str = ""
    is_surveyed: bool = True

    @property
    def footprints(self) -> list[Polygon]:
        """Plan of each part."""
        return [part.footprint for part in self.parts]


@dataclass(frozen=True, slots=True)
class Building:
    """A building as it goes into a file.

    Attributes:
        alkis_id: 16 characters, case-sensitive.
        draft: shape and use.
        ground: elevation of the ground surface, metres NHN: the lowest ground along the walls.
        address: house number; none for garages and sheds.
        created: date of the model, ISO 8601.
        surveyed: date of the footprint, ISO 8601.
    """

    alkis_id: str
    draft: Draft
    ground: float
    address: Address | None
    created: str
    surveyed: str

    @property
    def reference_point(self) -> Point:
        """The point that decides into which square kilometre the building falls."""
        point = self.draft.parts[0].footprint.representative_point()
        return point.x, point.y
