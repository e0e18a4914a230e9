"""The plan: which buildings of the sample quarter are schools, their rooms, and the sensor in each.

The buildings are those of `zwilling.sample`, so that every sensor stands in one that the viewer shows.
"""

from __future__ import annotations

import enum
import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.polygon import Polygon

from sensor_overlay.simulate import chance
from sensor_overlay.simulate.models import MODELS, ROOM_MODELS, Model
from zwilling.errors import SettingsError
from zwilling.sample.model import Building
from zwilling.sample.plan import district
from zwilling.sample.quarter import buildings as buildings_of

CRS = "EPSG:25832"
MUNICIPALITY = "Neuss"
ROOMS_OF_A_TOWN = 350
"""Rooms whose air is followed; where there are more sensors, several share the air of one."""

_SCHOOL = "31001_3021"
# What could house a school: offices, shops with flats, flats, the town hall.
_COULD_BE_ONE = frozenset({"31001_2020", "31001_3012", "31001_1123", "31001_1000", "31001_1010"})
_STOREY_METRES = 3.5
_SCHOOLS = (
    ("Beispiel-Gesamtschule am Stadtwald", 28),
    ("Beispiel-Grundschule Storchenwiese", 24),
    ("Beispiel-Gymnasium Lindenwall", 28),
    ("Beispiel-Berufskolleg für Technik", 24),
    ("Beispiel-Berufskolleg für Wirtschaft", 25),
    ("Beispiel-Realschule Deichring", 28),
    ("Beispiel-Hauptschule Gerberring", 22),
    ("Beispiel-Förderschule Mühlbach", 12),
    ("Beispiel-Grundschule Ackerring", 23),
    ("Beispiel-Sekundarschule Fährstraße", 26),
    ("Beispiel-Abendgymnasium", 20),
    ("Beispiel-Grundschule Tuchmacherstraße", 24),
    ("Beispiel-Weiterbildungskolleg", 18),
)
_EUI_PREFIX = 0x025A_5749_0000_0000
"""The bit of locally administered addresses is set: no maker has such EUIs."""


class Fault(enum.StrEnum):
    """What is wrong with a sensor."""

    NONE = "none"
    DEAD = "dead"
    """It fell silent."""
    IMPLAUSIBLE = "implausible"
    """Its CO2 cell is broken: it reads far less than outdoor air has."""
    LATE = "late"
    """Its gateway is often offline and hands on what it heard three quarters of an hour later."""
    DRIFTING = "drifting"
    """Its calibration has run away: it reads 160 ppm too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A school, or another place that has sensors."""

    key: str
    name: str
    building: str
    pupils: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """A sensor and where it hangs.

    Attributes:
        number: from 0.
        model: what it is.
        site: where.
        storey: as a German list writes it; empty outdoors.
        room: name of the room; empty outdoors.
        easting, northing: EPSG:25832, metres.
        height: metres above the ground.
        access: who may see it.
        is_registered: the registry knows it.
        is_test: in its test phase.
        fault: what is wrong with it.
        air: number of the room whose air it measures, below `ROOMS_OF_A_TOWN`.
    """

    number: int
    model: Model
    site: Site
    name: str
    storey: str = ""
    room: str = ""
    easting: float
    northing: float
    height: float
    access: str = "public"
    is_registered: bool = True
    is_test: bool = False
    fault: Fault = Fault.NONE
    air: int = 0

    @property
    def dev_eui(self) -> str:
        """EUI-64 that no real device has."""
        return f"{_EUI_PREFIX + self.number:016x}"

    @property
    def dev_addr(self) -> str:
        """Device address in the session that it always has; 0x02…: an experimental network."""
        return f"{0x0200_0000 + self.number:08x}"

    @property
    def key(self) -> str:
        """Its key in the registry."""
        return f"{self.site.key}-{self.room or self.model.key.upper()}-{self.number:04}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that there is.

    Attributes:
        seed: another number gives other rooms, days and faults.
        sites: the schools first.
        sensors: by number.
    """

    seed: int
    sites: tuple[Site, ...]
    sensors: tuple[Sensor, ...]


def draw_up(*, sensors: int = ROOMS_OF_A_TOWN, seed: int = 1, buildings: int = 2_500, others: bool = True) -> Plan:
    """Return the plan of 13 schools with so many CO2 sensors in the sample quarter of so many buildings.

    Args:
        sensors: in rooms; from 1 to 100,000.
        seed: of the plan; the town is always the sample's.
        buildings: of the sample quarter; in a small one there is room for fewer schools.
        others: gauges, parking and meters too, and one device that nobody registered.

    Raises:
        SettingsError: a number is out of range.
    """
    if not 1 <= sensors <= 100_000:
        raise SettingsError(f"{sensors} sensors asked for", remedy="ask for 1 to 100000")
    if not 1 <= buildings <= 200_000:
        raise SettingsError(f"{buildings} buildings asked for", remedy="ask for 1 to 200000")
    town = _town(min(buildings, 2_500))
    houses = _schools(town)
    sites = [
        Site(key=f"D{number:02}", name=name, building=house.alkis_id, pupils=pupils)
        for number, (house, (name, pupils)) in enumerate(zip(houses, _SCHOOLS, strict=False), start=1)
    ]
    made = list(_rooms(sites, houses, sensors, seed))
    if others:
        more = list(_others(town, len(made)))
        made += more
        sites += list({sensor.site.key: sensor.site for sensor in more}.values())
    return Plan(seed=seed, sites=tuple(sites), sensors=tuple(made))


@functools.lru_cache(maxsize=2)
def _town(buildings: int) -> tuple[Building, ...]:
    return tuple(buildings_of(buildings, 1))


def _schools(town: Sequence[Building]) -> list[Building]:
    """Return up to 13 buildings that can be schools, the real ones of the quarter first, the others well apart."""
    candidates = [house for house in town if house.draft.function == _SCHOOL]
    large = [house for house in town if house.draft.function in _COULD_BE_ONE and (house.draft.storeys or 0) >= 2]
    candidates += sorted(large, key=lambda house: (-_area(house), house.alkis_id))
    likely = {house.alkis_id for house in candidates}
    candidates += [house for house in town if house.alkis_id not in likely][: len(_SCHOOLS)]
    chosen: list[Building] = []
    for apart in (110.0, 40.0, 0.0):
        for house in candidates:
            if len(chosen) == len(_SCHOOLS):
                return chosen
            if house not in chosen and all(_distance(house, other) >= apart for other in chosen):
                chosen.append(house)
    return chosen


def _area(house: Building) -> float:
    return sum(footprint.area for footprint in house.draft.footprints)


def _distance(house: Building, other: Building) -> float:
    return math.dist(house.reference_point, other.reference_point)


def _rooms(sites: Sequence[Site], houses: Sequence[Building], sensors: int, seed: int) -> Iterator[Sensor]:
    """Yield a sensor for each room, the rooms shared out by the houses' floor area."""
    # Small houses have more rooms for their area.
    floors = [(max(_area(house), 60.0) * (house.draft.storeys or 1)) ** 0.6 for house in houses]
    shares = _shared_out(sensors, floors)
    number = 0
    for site, house, count in zip(sites, houses, shares, strict=False):
        for storey, place, (easting, northing) in _places(house, count):
            air = number % ROOMS_OF_A_TOWN
            model = _model(seed, number)
            room = f"{storey}{place:02}"
            yield Sensor(
                number=number,
                model=model,
                site=site,
                name=f"Luftgüte Raum {room}",
                storey="EG" if storey == 0 else f"{storey}. OG",
                room=room,
                easting=round(easting, 2),
                northing=round(northing, 2),
                height=round(storey * _STOREY_METRES + 1.5, 1),
                is_test=number % 175 == 60,
                fault=_FAULTS.get(number % 350, Fault.NONE) if number < 350 else Fault.NONE,
                air=air,
            )
            number += 1


_FAULTS = {17: Fault.DEAD, 101: Fault.IMPLAUSIBLE, 150: Fault.LATE, 33: Fault.DRIFTING, 222: Fault.DRIFTING}


def _shared_out(total: int, weights: Sequence[float]) -> list[int]:
    """Return whole numbers in proportion to the weights, together `total` (largest remainders)."""
    exact = [total * weight / sum(weights) for weight in weights]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


def _model(seed: int, number: int) -> Model:
    drawn = chance.uniform(seed, number, -1)[0]
    for model in ROOM_MODELS:
        drawn -= model.share
        if drawn < 0:
            return model
    return ROOM_MODELS[0]


def _places(house: Building, count: int) -> Iterator[tuple[int, int, tuple[float, float]]]:
    """Yield storey, number in it, and place of so many rooms: two rows along the house, inside its walls."""
    storeys = max(house.draft.storeys or 1, 1)
    plan = max(house.draft.footprints, key=lambda footprint: footprint.area)
    each = math.ceil(count / storeys)
    points = _grid(plan, each)
    for number in range(count):
        storey, place = divmod(number, each)
        yield storey, place + 1, points[place % len(points)]


def _grid(plan: Polygon, count: int) -> list[tuple[float, float]]:
    """Return about so many points in a plan, in two rows along its longer side."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(plan))
    origin, first, last = corners[0], corners[1], corners[3]
    along, across = (first - origin, last - origin)
    if np.linalg.norm(along) < np.linalg.norm(across):
        along, across = across, along
    inner = plan.buffer(-0.8)
    for columns in range(max(math.ceil(count / 2), 1), 4 * count + 4):
        points = [
            origin + along * (column + 0.5) / columns + across * row
            for row in (0.25, 0.75)
            for column in range(columns)
        ]
        inside = [(float(x), float(y)) for x, y in points if inner.contains(shapely.Point(x, y))]
        if len(inside) >= count:
            return inside[:count]
    middle = plan.representative_point()
    return [(middle.x, middle.y)]


def _others(town: Sequence[Building], number: int) -> Iterator[Sensor]:
    """Yield gauges at the stream, parking spaces, meters, and a device that nobody registered."""
    stream = district(1, 0, 0).courses[0]
    gauges = Site(key="P01", name="Pegel am Mühlbach (Beispiel)", building="", pupils=0)
    for model, part, name in (("mbx", 0.35, "Pegel Mühlbachstraße"), ("ldds75", 0.7, "Pegel Deichring")):
        at = stream.interpolate(part, normalized=True)
        yield Sensor(
            number=number,
            model=MODELS[model],
            site=gauges,
            name=name,
            easting=round(at.x, 2),
            northing=round(at.y, 2),
            height=2.5,
        )
        number += 1
    public = [house for house in town if house.draft.name and house.draft.function != _SCHOOL] or list(town)
    halls = sorted(public, key=lambda house: (-_area(house), house.alkis_id))[:2]
    for index, house in enumerate(halls, start=1):
        site = Site(
            key=f"L{index:02}", name=f"{house.draft.name or 'Gebäude'} (Beispiel)", building=house.alkis_id, pupils=0
        )
        middle = max(house.draft.footprints, key=lambda footprint: footprint.area).representative_point()
        for model, name, access in (("meter", "Stromzähler", "staff"), ("parking", "Stellplatz 1", "public")):
            yield Sensor(
                number=number,
                model=MODELS[model],
                site=site,
                name=name,
                easting=round(middle.x, 2),
                northing=round(middle.y, 2),
                height=1.0,
                access=access,
            )
            number += 1
    if town:
        x, y = town[0].reference_point
        nobody = Site(key="X00", name="", building="", pupils=0)
        yield Sensor(
            number=number,
            model=MODELS["ers"],
            site=nobody,
            name="Unbekannt",
            easting=x,
            northing=y,
            height=1.0,
            is_registered=False,
        )
