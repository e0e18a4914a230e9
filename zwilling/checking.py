"""Findings about a source file or a tileset, without building anything."""

from __future__ import annotations

from pathlib import Path

from citygml.sources import is_cityjson, open_source
from tiler.check import check_tileset
from tiler.target import TILESET_FILE
from zwilling.crs import Georeference, parse_crs
from zwilling.errors import SourceError
from zwilling.issues import Issue
from zwilling.region import Region


def check_source(path: Path, region: Region, crs: str | None) -> list[Issue]:
    """Return what is wrong with one file or archive of CityGML or CityJSON, or with the tileset that `path` names.

    Raises:
        ZwillingError: the file is missing, or so broken that it cannot be read to its end.
    """
    if path.is_dir() and (path / TILESET_FILE).is_file():
        return list(check_tileset(path / TILESET_FILE).issues)
    if path.is_dir():
        raise SourceError(
            f"the folder holds no {TILESET_FILE}", source=path, remedy="name files, or a tileset's folder"
        )
    if path.suffix == ".json" and not is_cityjson(path):
        return list(check_tileset(path).issues)
    found: list[Issue] = []
    georeferenced: set[str] = set()
    sources = open_source(path, crs=crs, region=region, skip_empty=True)
    for batch in (batch for source in sources for batch in source.batches()):
        found.extend(batch.issues)
        if batch.crs not in georeferenced:
            georeferenced.add(batch.crs)
            georeference = Georeference.create(parse_crs(batch.crs), region)
            found.extend(georeference.issues)
            georeference.to_geographic(batch.positions)
    return found
