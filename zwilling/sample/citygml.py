"""Buildings as CityGML 1.0 in the form in which Geobasis NRW delivers LoD2, one file for each square kilometre."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import numpy as np

from zwilling.errors import SettingsError
from zwilling.sample.model import Address, Building
from zwilling.sample.solids import Face, Ring, Solid, Surface
from zwilling.sample.terrain import elevation

MUNICIPALITY_KEY = "05162024"
MUNICIPALITY = "Neuss"
SRS_NAME = "urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*GCG2016"
MARK = "SYNTHETISCHE DATEN, erzeugt von Zwilling; kein Gebäude davon gibt es. Synthetic data: none of this exists."

_ADV = "http://repository.gdi-de.org/schemas/adv/citygml"
_PACKAGES = (
    ("", "1.0/cityGMLBaseLoD2.xsd"),
    ("/building", "building/1.0/buildingLoD2.xsd"),
    ("/appearance", "appearance/1.0/appearanceLoD2.xsd"),
    ("/generics", "generics/1.0/genericsLoD2.xsd"),
    ("/cityobjectgroup", "cityobjectgroup/1.0/cityObjectGroupLoD2.xsd"),
)


def _schema_location() -> str:
    pairs = []
    for package, file in _PACKAGES:
        space = f"http://www.opengis.net/citygml{package}/1.0"
        pairs.append(f"{space} {_ADV}/{file}")
    return " ".join(pairs)


_HEAD = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    f"<!-- {MARK} -->\n"
    '<core:CityModel xmlns="http://www.opengis.net/citygml/1.0" xmlns:core="http://www.opengis.net/citygml/1.0"'
    ' xmlns:gen="http://www.opengis.net/citygml/generics/1.0"'
    ' xmlns:grp="http://www.opengis.net/citygml/cityobjectgroup/1.0"'
    ' xmlns:app="http://www.opengis.net/citygml/appearance/1.0"'
    ' xmlns:bldg="http://www.opengis.net/citygml/building/1.0" xmlns:gml="http://www.opengis.net/gml"'
    ' xmlns:xAL="urn:oasis:names:tc:ciq:xsdschema:xAL:2.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    f' xsi:schemaLocation="{_schema_location()}">\n'
)


def tile_name(x: float, y: float) -> str:
    """Return the name of the square kilometre in which a point lies, as NRW names its files.

    Example:
        >>> tile_name(343999.9, 5674000.0)
        'LoD2_32_343_5674_1_NW'
    """
    return f"LoD2_32_{math.floor(x / 1000)}_{math.floor(y / 1000)}_1_NW"


class TileFiles:
    """A folder of LoD2 files that is filled building by building and appears whole, or not at all.

    While it is open, every tile is a temporary file; leaving the `with` block without an error puts them in place.
    Memory does not grow with the number of buildings.

    Raises:
        SettingsError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.paths: list[Path] = []
        self._folder = folder
        self._bodies: dict[str, TextIO] = {}
        self._heights: dict[str, tuple[float, float]] = {}
        self._notes: list[str] = []

    def __enter__(self) -> Self:
        return self

    def add(self, building: Building) -> None:
        """Write the building into the tile of its reference point."""
        name = tile_name(*building.reference_point)
        body = self._bodies.get(name)
        if body is None:
            body = self._bodies[name] = self._open(f".{name}.part")
        body.write(member(building))
        top = building.ground + max(part.height for part in building.draft.parts)
        low, high = self._heights.get(name, (building.ground, top))
        self._heights[name] = min(low, building.ground), max(high, top)

    def note(self, name: str, text: str) -> None:
        """Put a text beside the tiles."""
        with self._open(f".{name}.part") as file:
            file.write(text)
        self._notes.append(name)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        whole: list[tuple[Path, Path]] = []
        try:
            if kind is None:
                whole += [(self._assemble(name), self._folder / f"{name}.gml") for name in sorted(self._bodies)]
                for name in self._notes:
                    (self._folder / f".{name}.part").replace(self._folder / name)
                for temporary, path in whole:
                    temporary.replace(path)
                    self.paths.append(path)
        except OSError as problem:
            raise _unwritable(self._folder, problem) from problem
        finally:
            for name, body in self._bodies.items():
                body.close()
                for ending in (".part", ".gml"):
                    (self._folder / f".{name}{ending}").unlink(missing_ok=True)
            for name in self._notes:
                (self._folder / f".{name}.part").unlink(missing_ok=True)

    def _open(self, name: str) -> TextIO:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return (self._folder / name).open("w+", encoding="utf-8", newline="\n", buffering=1 << 18)
        except OSError as problem:
            raise _unwritable(self._folder, problem) from problem

    def _assemble(self, name: str) -> Path:
        """Return a temporary file with head, body and end; only now are the lowest and highest point known."""
        body = self._bodies[name]
        low, high = self._heights[name]
        _, _, east, north, *_ = name.split("_")
        x, y = int(east) * 1000.0, int(north) * 1000.0
        body.seek(0)
        with self._open(f".{name}.gml") as whole:
            whole.write(_HEAD)
            whole.write(
                f"  <gml:name>{name}</gml:name>\n"
                "  <gml:boundedBy>\n"
                f'    <gml:Envelope srsName="{SRS_NAME}">\n'
                f'      <gml:lowerCorner srsDimension="3">{x} {y} {round(low, 3)}</gml:lowerCorner>\n'
                f'      <gml:upperCorner srsDimension="3">{x + 1000} {y + 1000} {round(high, 3)}</gml:upperCorner>\n'
                "    </gml:Envelope>\n"
                "  </gml:boundedBy>\n"
            )
            shutil.copyfileobj(body, whole, 1 << 20)
            whole.write("</core:CityModel>")
            whole.flush()
            os.fsync(whole.fileno())
        return self._folder / f".{name}.gml"


def _unwritable(folder: Path, problem: OSError) -> SettingsError:
    return SettingsError(
        f"cannot be written ({problem.strerror})", source=folder, remedy="choose a folder in which you may write"
    )


def member(building: Building) -> str:
    """Return the building as a `core:cityObjectMember`, indented as in a file of NRW."""
    draft = building.draft
    names = _Identifiers(building.alkis_id)
    lines = [
        "  <core:cityObjectMember>\n",
        f'    <bldg:Building gml:id="{building.alkis_id}">\n',
        f"      <gml:name>{draft.name}</gml:name>\n" if draft.name else "",
        (
            f"      <core:creationDate>{building.created}</core:creationDate>\n"
            "      <core:externalReference>\n"
            f"        <core:informationSystem>{_ADV}/fdv/art.htm#_9100</core:informationSystem>\n"
            "        <core:externalObject>\n"
            f"          <core:name>{building.alkis_id}</core:name>\n"
            "        </core:externalObject>\n"
            "      </core:externalReference>\n"
        ),
    ]
    roof_height = "1000" if draft.is_surveyed else "3000"
    own = [("DatenquelleDachhoehe", roof_height), ("DatenquelleBodenhoehe", "1100"), ("DatenquelleLage", "1000")]
    date = ("Grundrissaktualitaet", building.surveyed)
    shared = [("Gemeindeschluessel", MUNICIPALITY_KEY), ("Geometrietyp2DReferenz", "3000")]
    if len(draft.parts) == 1:
        attributes = [own[0], shared[1], shared[0], own[1], own[2], date]
        lines += _attributes(attributes, "      ")
        lines.append(f"      <bldg:function>{draft.function}</bldg:function>\n")
        if draft.year is not None:
            lines.append(f"      <bldg:yearOfConstruction>{draft.year}</bldg:yearOfConstruction>\n")
        _shape(lines, building, draft.parts[0], names, draft.storeys, "      ")
    else:
        lines += _attributes([*shared, date], "      ")
        lines.append(f"      <bldg:function>{draft.function}</bldg:function>\n")
        if draft.year is not None:
            lines.append(f"      <bldg:yearOfConstruction>{draft.year}</bldg:yearOfConstruction>\n")
        for index, part in enumerate(draft.parts):
            lines.append(
                "      <bldg:consistsOfBuildingPart>\n"
                f'        <bldg:BuildingPart gml:id="{names.uuid()}">\n'
                f"          <core:creationDate>{building.created}</core:creationDate>\n"
            )
            lines += _attributes([*own, date], "          ")
            names.next_solid()
            _shape(lines, building, part, names, draft.storeys if index == 0 else None, "          ")
            lines.append("        </bldg:BuildingPart>\n      </bldg:consistsOfBuildingPart>\n")
    if building.address is not None:
        lines.append(_address(building.address, names.uuid()))
    lines.append("    </bldg:Building>\n  </core:cityObjectMember>\n")
    return "".join(lines)


class _Identifiers:
    """Ids of one building's surfaces: the same for the same building, whatever else is written."""

    __slots__ = ("_alkis_id", "_batch", "_count", "_solid")

    def __init__(self, alkis_id: str) -> None:
        self._alkis_id = alkis_id
        self._count = 0
        digest = hashlib.blake2b(alkis_id.encode(), digest_size=8).digest()
        self._batch = 1_500_000_000_000 + int.from_bytes(digest) % 200_000_000_000
        self._solid = 10_000_000 + int.from_bytes(digest[::-1]) % 80_000_000

    def uuid(self) -> str:
        self._count += 1
        digest = hashlib.blake2b(f"{self._alkis_id}/{self._count}".encode(), digest_size=16).hexdigest()
        return f"UUID_{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"

    def next_solid(self) -> None:
        self._solid += 1

    def polygon(self, index: int) -> str:
        return f"GUID_{self._batch}_{self._solid}_2_{index}"


def _attributes(pairs: Iterable[tuple[str, str]], pad: str) -> list[str]:
    return [
        f'{pad}<gen:stringAttribute name="{name}">\n'
        f"{pad}  <gen:value>{value}</gen:value>\n"
        f"{pad}</gen:stringAttribute>\n"
        for name, value in pairs
    ]


def _shape(
    lines: list[str], building: Building, solid: Solid, names: _Identifiers, storeys: int | None, pad: str
) -> None:
    """Append roof type, height, the solid of references, the terrain intersection, and the surfaces."""
    ids = [names.uuid() if face.surface is Surface.CLOSURE else names.polygon(i) for i, face in enumerate(solid.faces)]
    lines.append(
        f"{pad}<bldg:roofType>{solid.roof_type.value}</bldg:roofType>\n"
        f'{pad}<bldg:measuredHeight uom="urn:adv:uom:m">{solid.height}</bldg:measuredHeight>\n'
    )
    if storeys is not None:
        lines.append(f"{pad}<bldg:storeysAboveGround>{storeys}</bldg:storeysAboveGround>\n")
    lines.append(
        f"{pad}<bldg:lod2Solid>\n{pad}  <gml:Solid>\n{pad}    <gml:exterior>\n{pad}      <gml:CompositeSurface>\n"
    )
    # References stand in no order in real files, and many point forward.
    lines += [f'{pad}        <gml:surfaceMember xlink:href="#{i}"/>\n' for i in (*ids[1::2], *ids[::2])]
    lines.append(
        f"{pad}      </gml:CompositeSurface>\n{pad}    </gml:exterior>\n{pad}  </gml:Solid>\n{pad}</bldg:lod2Solid>\n"
        f"{pad}<bldg:lod2TerrainIntersection>\n{pad}  <gml:MultiCurve>\n"
    )
    for line in terrain_intersection(solid):
        lines.append(
            f"{pad}    <gml:curveMember>\n{pad}      <gml:LineString>\n"
            f'{pad}        <gml:posList srsDimension="3">{line}</gml:posList>\n'
            f"{pad}      </gml:LineString>\n{pad}    </gml:curveMember>\n"
        )
    lines.append(f"{pad}  </gml:MultiCurve>\n{pad}</bldg:lod2TerrainIntersection>\n")
    for face, polygon_id in zip(solid.faces, ids, strict=True):
        lines.append(_surface(face, polygon_id, building, names, pad))


def _surface(face: Face, polygon_id: str, building: Building, names: _Identifiers, pad: str) -> str:
    kind = face.surface.value
    if face.surface is Surface.CLOSURE:  # in real files the polygon is the only one that has an id
        surface_id = multi_id = ""
    else:
        surface_id, multi_id = f' gml:id="{names.uuid()}"', f' gml:id="{names.uuid()}"'
    rings = []
    for index, ring in enumerate(face.rings):
        side = "exterior" if index == 0 else "interior"
        ring_id = f' gml:id="{polygon_id}_{index}_"' if surface_id else ""
        rings.append(
            f"{pad}            <gml:{side}>\n"
            f"{pad}              <gml:LinearRing{ring_id}>\n"
            f'{pad}                <gml:posList srsDimension="3">{_positions(ring, building.ground)}</gml:posList>\n'
            f"{pad}              </gml:LinearRing>\n"
            f"{pad}            </gml:{side}>\n"
        )
    return (
        f"{pad}<bldg:boundedBy>\n"
        f"{pad}  <bldg:{kind}Surface{surface_id}>\n"
        f"{pad}    <core:creationDate>{building.created}</core:creationDate>\n"
        f"{pad}    <bldg:lod2MultiSurface>\n"
        f"{pad}      <gml:MultiSurface{multi_id}>\n"
        f"{pad}        <gml:surfaceMember>\n"
        f'{pad}          <gml:Polygon gml:id="{polygon_id}">\n'
        f"{''.join(rings)}"
        f"{pad}          </gml:Polygon>\n"
        f"{pad}        </gml:surfaceMember>\n"
        f"{pad}      </gml:MultiSurface>\n"
        f"{pad}    </bldg:lod2MultiSurface>\n"
        f"{pad}  </bldg:{kind}Surface>\n"
        f"{pad}</bldg:boundedBy>\n"
    )


def _positions(ring: Ring, ground: float) -> str:
    return " ".join([f"{x!r} {y!r} {round(z + ground, 3)!r}" for x, y, z in (*ring, ring[0])])


def terrain_intersection(solid: Solid) -> list[str]:
    """Return for each outer wall the line in which it meets the ground, as coordinate lists.

    Points stand where the wall crosses the lines of the 1 m terrain grid, as in NRW's model of the same.
    """
    points: list[tuple[float, float]] = []
    ends: list[int] = []
    for face in solid.faces:
        if face.surface is not Surface.WALL:
            continue
        ring = face.rings[0]
        low = [corner for corner in ring if corner[2] == 0.0]
        if len(low) < 2:
            continue
        (ax, ay, _), (bx, by, _) = low[0], low[1]
        shares = {0.0, 1.0}
        for a, b in ((ax, bx), (ay, by)):
            if a != b:
                near, far = sorted((a, b))
                shares.update((mark - a) / (b - a) for mark in range(math.floor(near) + 1, math.ceil(far)))
        points += [(ax + (bx - ax) * share, ay + (by - ay) * share) for share in sorted(shares)]
        ends.append(len(points))
    table = np.round(np.array(points), 3)
    heights = np.round(elevation(table[:, 0], table[:, 1]), 3)
    texts = [f"{x!r} {y!r} {z!r}" for (x, y), z in zip(table.tolist(), heights.tolist(), strict=True)]
    starts = [0, *ends[:-1]]
    return [" ".join(texts[first:last]) for first, last in zip(starts, ends, strict=True)]


def _address(address: Address, address_id: str) -> str:
    return (
        "      <bldg:address>\n"
        f'        <core:Address gml:id="{address_id}">\n'
        "          <core:xalAddress>\n"
        "            <xAL:AddressDetails>\n"
        "              <xAL:Country>\n"
        "                <xAL:CountryName>Germany</xAL:CountryName>\n"
        '                <xAL:Locality Type="Town">\n'
        f"                  <xAL:LocalityName>{MUNICIPALITY}</xAL:LocalityName>\n"
        '                  <xAL:Thoroughfare Type="Street">\n'
        f"                    <xAL:ThoroughfareNumber>{address.number}</xAL:ThoroughfareNumber>\n"
        f"                    <xAL:ThoroughfareName>{address.street}</xAL:ThoroughfareName>\n"
        "                  </xAL:Thoroughfare>\n"
        "                </xAL:Locality>\n"
        "              </xAL:Country>\n"
        "            </xAL:AddressDetails>\n"
        "          </core:xalAddress>\n"
        "        </core:Address>\n"
        "      </bldg:address>\n"
    )
