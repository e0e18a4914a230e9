"""Where each feature is: an SQLite file beside the tiles, so that an id leads to a place without loading tiles."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path

from zwilling.errors import TilesetError

FILE_NAME = "features.sqlite"


@dataclass(frozen=True, slots=True)
class FeatureLocation:
    """Bounds of a feature in degrees (ETRS89/WGS 84) and ellipsoidal metres, and the leaf tile that holds it."""

    id: str
    west: float
    south: float
    east: float
    north: float
    low: float
    high: float
    tile: str


def write(path: Path, locations: Iterable[FeatureLocation]) -> None:
    """Write a new index to `path`; ids are compared byte by byte, since ALKIS ids differ by case alone."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE feature (id TEXT PRIMARY KEY, west REAL, south REAL, east REAL, north REAL,"
            " low REAL, high REAL, tile TEXT) WITHOUT ROWID"
        )
        database.executemany("INSERT INTO feature VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(astuple, locations))


def find(path: Path, feature_id: str) -> FeatureLocation | None:
    """Return where the feature with exactly this id is, or None where the index has no such feature.

    Raises:
        TilesetError: the index is missing or damaged.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            row = database.execute("SELECT * FROM feature WHERE id = ?", (feature_id,)).fetchone()
    except sqlite3.Error as error:
        raise TilesetError(f"feature index: {error}", source=path, remedy="build the layer anew") from error
    return None if row is None else FeatureLocation(*row)
