"""The registry of the invented sensors, as `zwilling sensors import` takes it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from sensor_overlay.codecs import by_profile
from sensor_overlay.simulate.plan import CRS, MUNICIPALITY, Plan
from zwilling.crs.plane import transformed

_TITLES = (
    "Kennung",
    "DevEUI",
    "Modell",
    "Name",
    "Standort",
    "Standortname",
    "Gebäude-ID",
    "Geschoss",
    "Raum",
    "Gemeinde",
    "Zugang",
    "Längengrad",
    "Breitengrad",
    "Höhe",
    "Höhenbezug",
    "Intervall (s)",
    "Testbetrieb",
    "Simuliert",
)


def write_registry(plan: Plan, file: Path) -> int:
    """Return how many sensors the registry holds, after writing it: CSV with semicolons, UTF-8, German titles.

    Raises:
        OSError: it cannot be written.
    """
    known = [sensor for sensor in plan.sensors if sensor.is_registered]
    places = np.array([(sensor.easting, sensor.northing) for sensor in known], dtype=np.float64)
    degrees = transformed(places, CRS, "EPSG:4326") if known else places
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(_TITLES)
        for sensor, (longitude, latitude) in zip(known, degrees, strict=True):
            writer.writerow(
                (
                    sensor.key,
                    sensor.dev_eui,
                    # What only the network server can decode needs no model here.
                    sensor.model.title if by_profile(sensor.model.title) else "",
                    sensor.name,
                    sensor.site.key,
                    sensor.site.name,
                    sensor.site.building,
                    sensor.storey,
                    sensor.room,
                    MUNICIPALITY,
                    {"public": "öffentlich", "staff": "Verwaltung"}[sensor.access],
                    f"{longitude:.7f}".replace(".", ","),
                    f"{latitude:.7f}".replace(".", ","),
                    f"{sensor.height:.1f}".replace(".", ","),
                    "Boden",
                    sensor.model.interval,
                    "ja" if sensor.is_test else "nein",
                    "ja",
                )
            )
    return len(known)
