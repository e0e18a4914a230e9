"""The public buildings: church, town hall, schools, day-care centre, station, home, fire station, supermarket."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from zwilling.sample import houses
from zwilling.sample.houses import Frame
from zwilling.sample.joining import join
from zwilling.sample.model import Draft
from zwilling.sample.plan import LandUse
from zwilling.sample.siting import Site, frontages, gardens
from zwilling.sample.solids import End, RoofType, Solid, prism, strip, tent

CHURCH = "31001_3041"
PARSONAGE = "31001_1010"
TOWN_HALL = "31001_3012"
SCHOOL = "31001_3021"
GYM = "31001_3211"
KINDERGARTEN = "31001_3065"
STATION = "31001_3091"
CARE_HOME = "31001_1022"
FIRE_STATION = "31001_3072"
SUPERMARKET = "31001_2010"
SHELTER = "51009_1610"

# Dedications and names that fit every quarter and no particular one.
_CHURCHES = (
    "St. Matthäus",
    "St. Barbara",
    "Christuskirche",
    "St. Andreas",
    "Kreuzkirche",
    "St. Elisabeth",
    "Johanneskirche",
)
_SCHOOLS = ("Grundschule", "Gesamtschule", "Realschule", "Gemeinschaftsgrundschule")
_NURSERIES = ("Kita Regenbogen", "Kita Mühlenbach", "Kita Sonnenhof", "Kita Wirbelwind", "Kita Pusteblume")


def _places(site: Site, width: float, depth: float, setback: float) -> Iterator[Frame]:
    """Yield frames at which a rectangle fits, `setback` from the block's edge; first the middle of the long fronts."""
    for line in frontages(site.block.polygon, 12.0):
        slack = line.length - width
        for share in (0.5, 0.3, 0.7, 0.1, 0.9):
            for back in (setback, setback + 5.0, setback + 11.0):
                frame = line.frame.moved(slack * share, back)
                if site.is_free(frame.rectangle(0, 0, width, depth), 3.0, setback - 0.5):
                    yield frame


def _largest(site: Site, width: float, depth: float, setback: float) -> tuple[Frame, float] | None:
    """Return a frame and the scale at which the rectangle fits, as near to full size as possible."""
    for scale in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5):
        for frame in _places(site, width * scale, depth * scale, setback):
            return frame, scale
    return None


def church(site: Site) -> None:
    """Build a church with tower, nave, aisles and apse, towards the east if it fits; and the parsonage."""
    long, wide = 47.0, 24.0
    middle = site.block.polygon.representative_point()
    found: tuple[Frame, float] | None = None
    for scale in (1.15, 1.0, 0.9, 0.8, 0.7, 0.6):
        for turn in (4, 14, -8, 24, -20, 84, 96, 70, 110, 45, -45):
            along = (math.cos(math.radians(turn)), math.sin(math.radians(turn)))
            frame = Frame((middle.x, middle.y), along, (-along[1], along[0]))
            for shift in (0.0, 8.0, -8.0):
                place = frame.moved(-long * scale / 2 + shift, 0.0)
                if site.is_free(place.rectangle(-2, -wide * scale / 2, long * scale, wide * scale / 2), 0.0, 2.0):
                    found = place, scale
                    break
            if found:
                break
        if found:
            break
    if found is None:
        return
    frame, k = found
    name = site.rng.choice(_CHURCHES)
    parts = _church_parts(frame, k)
    site.build(Draft(parts, CHURCH, site.rng.randint(1230, 1905), name=name, door=frame.at(-6.0, 0.0)))
    for place in _places(site, 13.0, 10.0, 3.0):
        house = houses.along_street(place, 13.0, houses.gable_profile(10.0, 6.4, 48), RoofType.HALF_HIP,
                                    start=End(2.2, 0.55), end=End(2.2, 0.55))  # fmt: skip
        if site.build(Draft((house,), PARSONAGE, 1783, 2, name="Pfarrhaus", door=place.at(6.0, 0.0)), clearance=6.0):
            break


def _church_parts(frame: Frame, k: float) -> tuple[Solid, ...]:
    """Return tower, nave, two aisles and apse; `k` scales the plan."""
    tower_half, nave_half, aisle = 4.6 * k, 6.6 * k, 4.4 * k
    west, east = 9.2 * k, 36.0 * k
    tower = tent(
        frame.rectangle(0.0, -tower_half, west, tower_half), 27.5, (*frame.at(west / 2, 0.0), 52.0), RoofType.TOWER
    )
    rise = nave_half * math.tan(math.radians(56))
    nave = strip(
        (frame.at(west, 0.0), frame.at(east, 0.0)),
        ((-nave_half, 13.5), (0.0, 13.5 + rise), (nave_half, 13.5)),
        RoofType.GABLE,
    )
    first, last = west + 1.5, east - 2.5
    south = strip((frame.at(first, -nave_half), frame.at(last, -nave_half)), ((-aisle, 6.2), (0.0, 9.8)), RoofType.PENT)
    north = strip((frame.at(first, nave_half), frame.at(last, nave_half)), ((0.0, 9.8), (aisle, 6.2)), RoofType.PENT)
    half = nave_half * 0.78
    outline = [frame.at(east, -half), frame.at(east + 4.2 * k, -half), frame.at(east + 8.0 * k, -half * 0.42),
               frame.at(east + 8.0 * k, half * 0.42), frame.at(east + 4.2 * k, half), frame.at(east, half)]  # fmt: skip
    apse = tent(outline, 10.4, (*frame.at(east, 0.0), 16.2), RoofType.MIXED, open_edge=True)
    return join((nave, tower, south, north, apse))


def town_hall(site: Site) -> None:
    """Build a town hall around a courtyard, with a stair tower towards the market square."""
    found = _largest(site, 40.0, 36.0, 5.0)
    if found is None:
        return
    frame, k = found
    width, depth, wing = 40.0 * k, 30.0 * k, 10.5 * max(k, 0.75)
    place = frame.moved(0.0, 4.5)
    profile = houses.gable_profile(wing, 11.2, 44)
    ring = strip(place.rectangle(0, 0, width, depth), profile, RoofType.HIP, is_closed=True)
    tower_frame = place.moved(width * 0.5 - 3.2, -4.5)
    tower = tent(tower_frame.rectangle(0, 0, 6.4, 4.5), 21.0, (*tower_frame.at(3.2, 2.25), 29.5), RoofType.TENT)
    porch = prism(place.moved(width * 0.5 + 3.2, -2.6).rectangle(0, 0, 8.0 * k, 2.6), 4.2, RoofType.FLAT)
    draft = Draft(join((ring, tower, porch)), TOWN_HALL, 1897, 3, name="Rathaus", door=place.at(width / 2, -4.5))
    site.build(draft)


def school(site: Site) -> None:
    """Build a school: two class wings of three storeys, a lower hall between, and a gym of its own."""
    found = _largest(site, 62.0, 46.0, 6.0)
    if found is None:
        return
    frame, k = found
    rng = site.rng
    bar = 13.0 * max(k, 0.8)
    high = 3 * 3.5 + 0.8
    west = prism(frame.rectangle(0, 0, 58.0 * k, bar), high, RoofType.FLAT)
    east = prism(frame.moved(58.0 * k - bar, bar).rectangle(0, 0, bar, 26.0 * k), high - 3.5, RoofType.FLAT)
    hall_frame = frame.moved(58.0 * k - bar - 17.0 * k, bar)
    hall = houses.along_street(hall_frame, 17.0 * k, houses.pent_profile(15.0 * k, 6.6, 4.6), RoofType.PENT)
    canopy = prism(frame.moved(8.0 * k, bar).rectangle(0, 0, 9.0 * k, 4.0), 3.0, RoofType.FLAT)
    name = rng.choice(_SCHOOLS)
    year = rng.randint(1957, 1978)
    if not site.build(Draft(join((west, east, hall, canopy)), SCHOOL, year, 3, name=name, door=frame.at(12.0, 0.0))):
        return
    for place in _places(site, 30.0 * k, 18.0 * k, 5.0):
        gym = houses.along_street(place, 30.0 * k, houses.barrel_profile(18.0 * k, 6.4, 2.6), RoofType.BARREL)
        rooms = prism(place.moved(2.0, 18.0 * k).rectangle(0, 0, 22.0 * k, 4.5), 3.4, RoofType.FLAT)
        parts = join((gym, rooms))
        door = place.at(6.0, 0.0)
        if site.build(Draft(parts, GYM, year + 3, 1, name=f"Sporthalle {name}", door=door), clearance=6.0):
            break


def kindergarten(site: Site) -> None:
    """Build a day-care centre: three group rooms under pent roofs along a flat corridor."""
    found = _largest(site, 34.0, 17.0, 6.0)
    if found is None:
        return
    frame, k = found
    corridor = prism(frame.rectangle(0, 0, 34.0 * k, 6.0), 3.2, RoofType.FLAT)
    rooms = [
        houses.along_street(frame.moved(u * k, 6.0), 8.5 * k, houses.pent_profile(9.0 * k, 3.1, 4.9), RoofType.PENT)
        for u in (0.0, 12.5, 25.5)
    ]
    name = site.rng.choice(_NURSERIES)
    year = site.rng.randint(1994, 2019)
    site.build(Draft(join((corridor, *rooms)), KINDERGARTEN, year, 1, name=name, door=frame.at(17.0 * k, 0.0)))
    for place in _places(site, 5.0, 3.0, 5.0):
        shed = houses.along_street(place, 5.0, houses.pent_profile(3.0, 2.6, 2.2), RoofType.PENT)
        site.build(Draft((shed,), "31001_2723", is_surveyed=False), clearance=4.0)
        break
    gardens(site)


def station(site: Site) -> None:
    """Build a station of about 1880: a middle with two storeys more than its wings, and a shelter."""
    found = _largest(site, 48.0, 13.0, 6.0)
    if found is None:
        return
    frame, k = found
    depth = 11.5 * max(k, 0.8)
    third = 16.0 * k
    wing = houses.gable_profile(depth - 2.0, 5.4, 32)
    middle = houses.gable_to_street(frame.moved(third, 0.0), third, depth, 9.6, 30, End())
    left = houses.along_street(frame.moved(0.0, 1.0), third, wing, RoofType.HIP, start=End(depth / 2 - 1.0))
    right = houses.along_street(frame.moved(2 * third, 1.0), third, wing, RoofType.HIP, end=End(depth / 2 - 1.0))
    site.build(Draft(join((middle, left, right)), STATION, 1878, 2, name="Bahnhof", door=frame.at(1.5 * third, 0.0)))
    for place in _places(site, 20.0, 6.0, 3.0):
        roof = prism(place.rectangle(0, 0, 20.0, 6.0), 3.8, RoofType.FLAT)
        site.build(Draft((roof,), SHELTER, is_surveyed=False), clearance=5.0)
        break


def care_home(site: Site) -> None:
    """Build a home for the elderly: three wings around a garden that is open to one side."""
    found = _largest(site, 52.0, 40.0, 6.0)
    if found is None:
        return
    frame, k = found
    half = 6.5 * max(k, 0.75)
    nodes = (
        frame.at(half, 40.0 * k), frame.at(half, half), frame.at(52.0 * k - half, half),
        frame.at(52.0 * k - half, 40.0 * k),
    )  # fmt: skip
    eave = 9.6
    rise = half * math.tan(math.radians(24))
    wings = strip(nodes, ((-half, eave), (0.0, eave + rise), (half, eave)), RoofType.HIP,
                  start=End(half), end=End(half))  # fmt: skip
    entrance = prism(frame.moved(22.0 * k, -3.0).rectangle(0, 0, 8.0 * k, 3.0), 3.4, RoofType.FLAT)
    door = frame.at(26.0 * k, -3.0)
    site.build(Draft(join((wings, entrance)), CARE_HOME, 1991, 3, name="Seniorenzentrum Mühlenbach", door=door))


def fire_station(site: Site) -> None:
    """Build a fire station: vehicle hall, a two-storey side, a hose tower."""
    found = _largest(site, 40.0, 20.0, 8.0)
    if found is None:
        return
    frame, k = found
    hall = houses.along_street(frame, 28.0 * k, houses.pent_profile(16.0 * k, 6.6, 5.4), RoofType.PENT)
    side = prism(frame.moved(28.0 * k, 0.0).rectangle(0, 0, 12.0 * k, 16.0 * k), 7.2, RoofType.FLAT)
    tower = prism(frame.moved(28.0 * k, 16.0 * k).rectangle(0, 0, 3.6, 3.6), 15.5, RoofType.FLAT)
    door = frame.at(14.0 * k, 0.0)
    site.build(Draft(join((hall, side, tower)), FIRE_STATION, 1984, 2, name="Feuerwache", door=door))


def supermarket(site: Site) -> None:
    """Build a supermarket behind its car park."""
    found = _largest(site, 52.0, 34.0, 7.0)
    if found is None:
        return
    frame, k = found
    hall = houses.along_street(frame, 50.0 * k, houses.gable_profile(30.0 * k, 4.6, 9), RoofType.GABLE)
    entrance = prism(frame.moved(30.0 * k, -4.0).rectangle(0, 0, 14.0 * k, 4.0), 4.0, RoofType.FLAT)
    site.build(Draft(join((hall, entrance)), SUPERMARKET, 2006, 1, door=frame.at(37.0 * k, -4.0)))
    for place in _places(site, 9.0, 3.0, 3.0):
        roof = houses.along_street(place, 9.0, houses.barrel_profile(3.0, 2.4, 0.6, 4), RoofType.BARREL)
        site.build(Draft((roof,), SHELTER, is_surveyed=False), clearance=8.0)
        break


def park(site: Site) -> None:
    """Leave the block green, with allotment huts along one side."""
    rng = site.rng
    for line in frontages(site.block.polygon, 40.0)[:1]:
        u = 6.0
        while u + 8.0 < line.length:
            place = line.frame.moved(u, rng.uniform(7.0, 10.0))
            hut = houses.along_street(place, 4.2, houses.gable_profile(3.2, 2.1, 24), RoofType.GABLE)
            site.build(Draft((hut,), "31001_1313", is_surveyed=False), clearance=2.0)
            u += rng.uniform(12.0, 17.0)


BUILDERS: dict[LandUse, Callable[[Site], None]] = {
    LandUse.CHURCH: church,
    LandUse.TOWN_HALL: town_hall,
    LandUse.SCHOOL: school,
    LandUse.KINDERGARTEN: kindergarten,
    LandUse.STATION: station,
    LandUse.CARE_HOME: care_home,
    LandUse.FIRE_STATION: fire_station,
    LandUse.SUPERMARKET: supermarket,
    LandUse.PARK: park,
}
