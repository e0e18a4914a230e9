"""Whether a twin has sensors; apart from them, so that a twin without any need not load what they take."""

from __future__ import annotations

from pathlib import Path

from zwilling.sensor_settings import DATABASE_FILE
from zwilling.settings import Settings


def has_sensors(settings: Settings, base: Path) -> bool:
    """Return whether the settings or the folder of a twin speak of sensors.

    Args:
        settings: of the twin.
        base: folder of `zwilling.toml`.
    """
    sensors = settings.sensors
    named = bool(sensors.broker or sensors.webhook or settings.database.url)
    return named or (base / settings.data / DATABASE_FILE).exists()
