"""The columns of a registry, by all the names that they go by."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sensor_overlay.observed import BY_ALIAS


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a registry says about a sensor.

    Attributes:
        name: English, as the table `thing` and GeoJSON have it.
        title: German, as the template has it.
        others: further names that are understood.
    """

    name: str
    title: str
    others: tuple[str, ...] = ()


FIELDS: Final = (
    Field("key", "Kennung", ("id", "schluessel", "thing", "sensor")),
    Field("dev_eui", "DevEUI", ("deveui", "eui", "geraete-eui")),
    Field("model", "Modell", ("geraetetyp", "typ", "codec", "sensortyp")),
    Field("name", "Name", ("bezeichnung",)),
    Field("description", "Beschreibung", ("bemerkung",)),
    Field("site", "Standort", ("standortkuerzel", "schule kurz", "schulkuerzel")),
    Field("site_name", "Standortname", ("schule", "schulname", "liegenschaft")),
    Field("building", "Gebäude-ID", ("gebaeude", "alkis", "alkis-id", "gml-id", "gebaeudekennung", "building_id")),
    Field("storey", "Geschoss", ("etage", "stockwerk", "floor")),
    Field("room", "Raum", ("raumnummer", "zimmer")),
    Field("municipality", "Gemeinde", ("stadt", "kommune", "ort")),
    Field("access", "Zugang", ("sichtbarkeit", "sichtbar fuer", "visibility")),
    Field("longitude", "Längengrad", ("laenge", "lon", "lng", "geographische laenge")),
    Field("latitude", "Breitengrad", ("breite", "lat", "geographische breite")),
    Field("easting", "Ostwert", ("rechtswert", "east", "x", "e", "utm_e")),
    Field("northing", "Nordwert", ("hochwert", "north", "y", "n", "utm_n")),
    Field("height", "Höhe", ("z", "altitude", "elevation")),
    Field("height_reference", "Höhenbezug", ("hoehensystem", "vertical_reference")),
    Field("interval_minutes", "Intervall (min)", ("intervall minuten", "sendeintervall (min)")),
    Field("expected_interval", "Intervall (s)", ("intervall sekunden", "interval", "interval_seconds")),
    Field("interval_text", "Intervall", ("sendeintervall",)),
    Field("is_test", "Testbetrieb", ("test", "probebetrieb")),
    Field("is_synthetic", "Simuliert", ("synthetic", "simulated", "synthetisch")),
    Field("calibration", "Kalibrierung"),
)

POSITION_FIELDS: Final = frozenset({"longitude", "latitude", "easting", "northing", "height", "height_reference"})

_FOLDS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_CORRECTION: Final = re.compile(r"(korrektur|offset|faktor|factor)[ _.:-]+(.+)", re.IGNORECASE)
_PARTS: Final = MappingProxyType({"korrektur": "offset", "offset": "offset", "faktor": "factor", "factor": "factor"})


def folded(text: str) -> str:
    """Return a name without case, umlauts, blanks and signs, so that spellings of it are equal.

    Example:
        >>> folded("Höhen-Bezug"), folded("Intervall (min)"), folded("dev_eui")
        ('hoehenbezug', 'intervallmin', 'deveui')
    """
    return re.sub(r"[^a-z0-9]", "", text.strip().lower().translate(_FOLDS))


_BY_NAME: Final = MappingProxyType(
    {folded(name): field.name for field in FIELDS for name in (field.name, field.title, *field.others)}
)
TITLES: Final = MappingProxyType({field.name: field.title for field in FIELDS})
"""German title by English name."""


def field_of(title: str) -> str | None:
    """Return the field that a column's title means, or None for a column that says nothing to us.

    A correction of one observed property is the field `offset:<property>` or `factor:<property>`.

    Example:
        >>> field_of("Raumnummer"), field_of("Korrektur CO2"), field_of("Inventarnummer")
        ('room', 'offset:co2', None)
    """
    known = _BY_NAME.get(folded(title))
    if known is not None:
        return known
    correction = _CORRECTION.fullmatch(title.strip())
    if correction is None:
        return None
    observed = BY_ALIAS.get(correction.group(2).strip().lower())
    return None if observed is None else f"{_PARTS[correction.group(1).lower()]}:{observed}"


def nearest_title(title: str) -> str | None:
    """Return the German title of the column that an unknown one probably means, or None."""
    near = difflib.get_close_matches(folded(title), _BY_NAME, n=1, cutoff=0.8)
    return TITLES[_BY_NAME[near[0]]] if near else None


def template() -> str:
    """Return a registry to be filled in: CSV with a semicolon, as a German spreadsheet reads it."""
    left_out = {"expected_interval", "interval_text", "is_synthetic", "calibration", "easting", "northing"}
    titles = [field.title for field in FIELDS if field.name not in left_out]
    example = {
        "Kennung": "S07-R204-CO2",
        "DevEUI": "a81758fffe0abcde",
        "Modell": "Elsys ERS CO2",
        "Name": "CO2-Ampel Raum 204",
        "Standort": "S07",
        "Standortname": "BBZ Grevenbroich",
        "Gebäude-ID": "DENW22AL500001kE",
        "Geschoss": "2. OG",
        "Raum": "204",
        "Gemeinde": "Grevenbroich",
        "Zugang": "Verwaltung",
        "Längengrad": "6,586712",
        "Breitengrad": "51,089734",
        "Höhe": "8,5",
        "Höhenbezug": "Boden",
        "Intervall (min)": "15",
        "Testbetrieb": "nein",
        "Korrektur CO2": "-12",
    }
    titles.append("Korrektur CO2")
    return ";".join(titles) + "\r\n" + ";".join(example.get(title, "") for title in titles) + "\r\n"
