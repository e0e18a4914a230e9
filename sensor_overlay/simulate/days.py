"""The days of the schools: lessons, breaks, windows and holidays, and the air that comes of it.

CO2 and moisture follow a mass balance of the well-mixed room.  With N people who each breathe out G of CO2, a volume V,
an air change rate a and outdoor air at c_out, the concentration c moves towards c_out + N G / (a V) and closes the gap
by the factor exp(-a t) in the time t: solved exactly for each minute, in which nothing else changes.
"""

from __future__ import annotations

import datetime
import functools
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import holidays
import numpy as np
from numpy.typing import NDArray

from sensor_overlay import instants
from sensor_overlay.simulate.plan import Plan

ZONE = ZoneInfo("Europe/Berlin")
LESSONS = ((480, 525), (530, 575), (595, 640), (645, 690), (705, 750), (755, 800), (840, 885), (885, 930))
"""Beginning and end in minutes after midnight; the last two are the afternoon's."""
_PAUSES = ((575, 595), (690, 705), (800, 840))
_MINUTES = 1_440
_OUTDOOR_PPM = 425.0
_SHOWN_AT = datetime.time(10, 30)  # lessons since eight, one long break, and the windows shut for half an hour
_A_WEEK = 7

Grid = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Day:
    """One day of all rooms, minute by minute of local time; arrays of shape (rooms, 1440).

    Attributes:
        co2: ppm.
        temperature: °C.
        humidity: %, relative.
        people: in the room.
        outdoor: °C outdoors, shape (1440,).
    """

    co2: Grid
    temperature: Grid
    humidity: Grid
    people: Grid
    outdoor: Grid


@dataclass(frozen=True, slots=True)
class _Rooms:
    """What stays the same about rooms; arrays of shape (rooms,)."""

    pupils: NDArray[np.float64]
    litres: NDArray[np.float64]  # of CO2 that a pupil breathes out in an hour
    volume: NDArray[np.float64]  # m³
    leaks: NDArray[np.float64]  # air changes an hour with all windows shut
    fans: NDArray[np.float64]  # air changes an hour of a ventilation system, 0 without
    habit: NDArray[np.float64]  # how likely windows are opened when they should be
    afternoons: NDArray[np.bool_]


class Days:
    """The days of a plan; a few of them are kept."""

    def __init__(self, plan: Plan) -> None:
        self._seed = plan.seed
        rng = np.random.default_rng([plan.seed, 1])
        sites = {sensor.air: sensor.site for sensor in plan.sensors if sensor.site.pupils}
        self.rooms = max(sites, default=0) + 1
        size = self.rooms
        pupils = np.array([sites[air].pupils if air in sites else 24 for air in range(size)], dtype=np.float64)
        # Schools differ: in some everybody opens windows, and a few were built with ventilation.
        keys = sorted({site.key for site in sites.values()})
        number = np.array([keys.index(sites[air].key) if air in sites else 0 for air in range(size)])
        care = rng.permutation(np.linspace(0.25, 0.95, max(len(keys), 1)))[number]
        is_new = (rng.permutation(max(len(keys), 1)) < round(0.15 * len(keys)))[number]
        self._rooms = _Rooms(
            pupils=pupils,
            litres=np.where(pupils <= 24, rng.uniform(13, 16, size), rng.uniform(16, 20, size)),
            volume=rng.uniform(180, 250, size),
            leaks=rng.uniform(0.2, 0.5, size),
            fans=np.where(is_new | (rng.random(size) < 0.05), rng.uniform(2.4, 3.4, size), 0.0),
            habit=np.clip(care + rng.normal(0.0, 0.15, size), 0.05, 1.0),
            afternoons=rng.random(size) < 0.35,
        )
        self.on = functools.lru_cache(maxsize=6)(self._day)

    def _day(self, date: datetime.date) -> Day:
        """Return a day; the evening before is lived through first, so that nights are seamless but for 0 o'clock."""
        return self._lived(date, self._lived(date - datetime.timedelta(days=1), None))

    def _lived(self, date: datetime.date, before: Day | None) -> Day:
        rooms = self._rooms
        rng = np.random.default_rng([self._seed, 2, date.toordinal()])
        people, window = self._timetable(date, rng)
        outdoor = _outdoor(date, rng)
        air = rooms.leaks[:, None] + window
        air = air + rooms.fans[:, None] * (people > 0)
        litres = people * rooms.litres[:, None] + (people > 0) * 19.0  # the teacher
        co2_source = litres * 1_000.0 / (air * rooms.volume[:, None])  # litres an hour in m³: ppm
        vapour_out = 0.75 * _saturation(outdoor)
        vapour_source = people * 45.0 / (air * rooms.volume[:, None])  # g/m³
        kept = np.exp(-air / 60.0)
        is_heated = is_school_day(date)
        co2, warm, wet = (np.empty((self.rooms, _MINUTES), dtype=np.float32) for _ in range(3))
        if before is None:
            c = _OUTDOOR_PPM + rng.uniform(5, 40, self.rooms)
            t = rng.uniform(17.0, 19.0, self.rooms)
            w = np.full(self.rooms, vapour_out[0] + 1.5)
        else:
            c, t = before.co2[:, -1].astype(np.float64), before.temperature[:, -1].astype(np.float64)
            w = before.humidity[:, -1] / 100.0 * _saturation(t)
        for minute in range(_MINUTES):
            share = kept[:, minute]
            c = (rest := _OUTDOOR_PPM + co2_source[:, minute]) + (c - rest) * share
            w = (rest := vapour_out[minute] + vapour_source[:, minute]) + (w - rest) * share
            wanted = 21.0 if is_heated and 360 <= minute < 960 else 18.0
            t = t + (max(wanted, float(outdoor[minute]) + 1.0) - t) / 150.0 + people[:, minute] * 0.0012
            t = t - window[:, minute] * (t - outdoor[minute]) * 0.0006
            co2[:, minute], warm[:, minute] = c, t
            wet[:, minute] = np.clip(w / _saturation(t) * 100.0, 10.0, 99.0)
        return Day(co2, warm, wet, people.astype(np.float32), outdoor.astype(np.float32))

    def _timetable(
        self, date: datetime.date, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return people in each room and air changes through its windows, minute by minute."""
        rooms = self._rooms
        size = self.rooms
        people = np.zeros((size, _MINUTES))
        window = np.zeros((size, _MINUTES))
        if 5 <= date.month <= 9:
            window += 0.8 * rooms.habit[:, None]  # tilted day and night
        if not is_school_day(date):
            return people, window
        present = np.round(rooms.pupils * rng.uniform(0.85, 1.0, size))
        width = rng.uniform(5.0, 11.0, size)
        last_used = np.zeros(size, dtype=np.int64)
        for number, (begin, end) in enumerate(LESSONS):
            likely = (
                np.where(rooms.afternoons, 0.8, 0.0) if number >= 6 else np.full(size, 0.72 if number == 5 else 0.9)
            )
            used = rng.random(size) < likely
            people[used, begin:end] = present[used, None]
            last_used[used] = end
            aired = used & (rng.random(size) < 0.3 + 0.6 * rooms.habit)
            _open(window, aired, begin + rng.integers(15, 25, size), rng.integers(4, 9, size), width)
            between = used & (rng.random(size) < 0.2 + 0.6 * rooms.habit)
            _open(window, between, np.full(size, end), np.full(size, 5), width)
        for begin, end in _PAUSES:
            stayed = people[:, begin - 1] > 0
            people[stayed, begin:end] = np.round(0.1 * present[stayed, None])
            aired = stayed & (rng.random(size) < 0.45 + 0.55 * rooms.habit)
            _open(window, aired, np.full(size, begin), np.full(size, end - begin), width)
        _open(window, (last_used > 0) & (rng.random(size) < rooms.habit), last_used, rng.integers(5, 20, size), width)
        return people, window

    def value(self, what: str, air: int, instant: int) -> float:
        """Return one of a day's quantities in a room (`co2`, …) at an instant, between two minutes in proportion."""
        moment = instants.moment_of(instant).astimezone(ZONE)
        day = self.on(moment.date())
        minute = moment.hour * 60 + moment.minute
        row = getattr(day, what)[air % self.rooms]
        now = float(row[minute])
        return now + (float(row[min(minute + 1, _MINUTES - 1)]) - now) * moment.second / 60.0

    def outdoors(self, instant: int) -> float:
        """Return the temperature outdoors, °C."""
        moment = instants.moment_of(instant).astimezone(ZONE)
        return float(self.on(moment.date()).outdoor[moment.hour * 60 + moment.minute])


def _open(
    window: NDArray[np.float64],
    which: NDArray[np.bool_],
    begin: NDArray[np.int64],
    minutes: NDArray[np.int64],
    width: NDArray[np.float64],
) -> None:
    """Open windows of some rooms from a minute on for some minutes."""
    for room in np.flatnonzero(which):
        window[room, begin[room] : begin[room] + minutes[room]] += width[room]


def _outdoor(date: datetime.date, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the temperature outdoors, °C: the seasons and the hours of the Lower Rhine, and the weather's chance."""
    season = 10.8 - 8.3 * np.cos(2 * np.pi * (date.timetuple().tm_yday - 20) / 365.25)
    hours = np.arange(_MINUTES) / 60.0
    swing = rng.uniform(1.5, 4.5)
    return np.asarray(season + rng.normal(0.0, 2.0) + swing * np.sin(2 * np.pi * (hours - 9.0) / 24.0))


def _saturation(celsius: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the water vapour that air can hold, g/m³ (Magnus)."""
    hectopascals = 6.112 * np.exp(17.62 * celsius / (243.12 + celsius))
    return np.asarray(216.7 * hectopascals / (celsius + 273.15))


@functools.lru_cache(maxsize=16)
def _free(year: int) -> frozenset[datetime.date]:
    return frozenset(holidays.country_holidays("DE", subdiv="NW", years=year, categories=("public", "school")))


def is_school_day(date: datetime.date) -> bool:
    """Return whether schools in Nordrhein-Westfalen teach on a day."""
    return date.weekday() < 5 and date not in _free(date.year)


def school_shift(now: int) -> int:
    """Return what to add to instants so that `now` falls into a school morning; 0 where it does already.

    A demonstration on a Sunday would else show thirteen empty schools.  Whole days and hours are added, so that the day
    before `now` stays one piece.
    """
    moment = instants.moment_of(now).astimezone(ZONE)
    if is_school_day(moment.date()) and LESSONS[0][1] <= moment.hour * 60 + moment.minute <= LESSONS[5][1]:
        return 0
    date = moment.date()
    for _ in range(60):
        if is_school_day(date) and is_school_day(date - datetime.timedelta(days=1)):
            break
        date -= datetime.timedelta(days=1)
    shown = datetime.datetime.combine(date, _SHOWN_AT, tzinfo=ZONE)
    return instants.instant_of(shown) - now
