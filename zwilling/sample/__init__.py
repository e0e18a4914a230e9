"""The sample quarter: a made-up part of Neuss in the form in which NRW delivers LoD2.

The place is modelled apart from its files: `terrain` is the ground, `plan` the streets, water, railway and blocks,
`siting` and `landmarks` what stands on them, `houses` and `solids` its shape; `citygml` writes buildings down.
`ground` makes terrain and orthophotos of the same place, and knows its trees; `lidar` flies over it with a scanner.
"""

from __future__ import annotations

from pathlib import Path

from zwilling.errors import SettingsError
from zwilling.rasters import Rectangle
from zwilling.sample.citygml import TileFiles
from zwilling.sample.quarter import buildings as _buildings
from zwilling.sample.trees import Tree
from zwilling.sample.working import Task, write_all

__all__ = ["Tree", "trees", "write_ground", "write_points", "write_sample", "write_surroundings"]

_NOTE_NAME = "SYNTHETISCH.txt"
_NOTE = """SYNTHETISCHE DATEN - SYNTHETIC DATA

Diese Dateien beschreiben ein erfundenes Stadtviertel. Kein Gebäude, keine Straße und keine Adresse darin
ist wirklich, auch Gelände, Luftbild und Laserpunkte sind es nicht. Lage und Form folgen nur der Art, in der
Geobasis NRW ihre Daten abgibt.
Erzeugt von Zwilling, Startwert {seed}, {count} Gebäude. Frei verwendbar ohne Bedingungen (CC0 1.0).

These files describe an invented quarter. No building, street or address in them is real, nor are terrain,
orthophoto and laser points. Only place and form follow the way in which Geobasis NRW delivers its data.
Written by Zwilling, seed {seed}, {count} buildings. Free for any use (CC0 1.0).
"""


def write_sample(directory: Path, *, buildings: int = 2500, seed: int = 1) -> list[Path]:
    """Return the LoD2 files of the sample quarter, one for each square kilometre, after writing them.

    The same arguments give the same bytes.  Memory does not grow with the number of buildings; above a few
    thousand the town grows by further districts.  `SYNTHETISCH.txt` beside the files says that nothing of it is real.

    Args:
        directory: made if it is missing; files of the same names are replaced, each at once.
        buildings: how many, garages and sheds included; from 1 to 200,000.
        seed: another number gives another town on the same main streets.

    Raises:
        SettingsError: `buildings` is out of range, or the folder cannot be written.
    """
    _check(buildings)
    directory = Path(directory)
    with TileFiles(directory) as files:
        files.note(_NOTE_NAME, _NOTE.format(seed=seed, count=buildings))
        for building in _buildings(buildings, seed):
            files.add(building)
    return files.paths


def write_ground(
    directory: Path,
    *,
    buildings: int = 2500,
    seed: int = 1,
    jobs: int = 0,
    within: Rectangle | None = None,
    margin: float | None = None,
) -> list[Path]:
    """Return terrain and orthophoto of the quarter with so many buildings, after writing them: DGM1 and DOP10.

    Two GeoTIFFs for each square kilometre that a building touches, under NRW's names: 1 m, float32, EPSG:25832 with
    DHHN2016 heights; and 10 cm, red, green, blue and near infrared.  The same arguments give the same bytes,
    and neighbours meet without a seam.  A square kilometre takes about twelve seconds of one core, 35 MB on disk and
    330 MB of memory in each process.

    Args:
        directory: made if it is missing; files of the same names are replaced, each at once.
        buildings: of the quarter; from 1 to 200,000.
        seed: of the quarter.
        jobs: how many processes share the work; 0 for one on each core.
        within: nothing outside of it is written, whole hundreds of metres; the files are then smaller.
        margin: nothing farther from the rectangle around all buildings is written, metres.

    Raises:
        SettingsError: `buildings` is out of range, or the folder cannot be written.
    """
    # Loaded where it is needed: GDAL takes a tenth of a second.
    from zwilling.sample.ground.files import squares

    directory = _prepared(Path(directory), buildings, seed)
    return write_all(squares(directory, buildings, seed, within, margin), jobs)


def write_points(
    directory: Path,
    *,
    buildings: int = 2500,
    seed: int = 1,
    jobs: int = 0,
    within: Rectangle | None = None,
) -> list[Path]:
    """Return what a laser scanner sees of the quarter with so many buildings, after writing it: 3DM.

    A LAZ file for each square kilometre that a building touches, under NRW's names: LAS 1.2, point format 1, EPSG:25832
    with DHHN2016 heights, NRW's classes.  The same arguments give the same bytes, and a point is the same
    whatever area is asked for.  A square kilometre has 6 to 8 million points; it takes about seven seconds of one core.

    Args:
        directory: made if it is missing; files of the same names are replaced, each at once.
        buildings: of the quarter; from 1 to 200,000.
        seed: of the quarter.
        jobs: how many processes share the work; 0 for one on each core.
        within: nothing outside of it is written, whole metres; the files are then smaller.

    Raises:
        SettingsError: `buildings` is out of range, or the folder cannot be written.
    """
    from zwilling.sample.lidar.files import clouds

    directory = _prepared(Path(directory), buildings, seed)
    return write_all(clouds(directory, buildings, seed, within), jobs)


def write_surroundings(
    directory: Path,
    *,
    buildings: int,
    seed: int = 1,
    jobs: int = 0,
    ground: Rectangle,
    margin: float,
    points: Rectangle,
) -> list[Path]:
    """Return what `write_ground` and `write_points` give, written by the same processes.

    Each process draws up the plan of the town once, which takes as long as half a square kilometre of the picture.

    Args:
        directory, buildings, seed, jobs: as there.
        ground, margin: `within` and `margin` of terrain and orthophoto.
        points: `within` of the points.

    Raises:
        SettingsError: `buildings` is out of range, or the folder cannot be written.
    """
    from zwilling.sample.ground.files import squares
    from zwilling.sample.lidar.files import clouds

    directory = _prepared(Path(directory), buildings, seed)
    tasks: list[Task] = [
        *squares(directory, buildings, seed, ground, margin),
        *clouds(directory, buildings, seed, points),
    ]
    return write_all(tasks, jobs)


def _prepared(directory: Path, buildings: int, seed: int) -> Path:
    _check(buildings)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / _NOTE_NAME).write_text(_NOTE.format(seed=seed, count=buildings), encoding="utf-8")
    except OSError as problem:
        raise SettingsError(
            f"cannot write: {problem.strerror}", source=directory, remedy="name another folder"
        ) from problem
    return directory


def trees(buildings: int = 2500, seed: int = 1) -> list[Tree]:
    """Return the trees of the quarter with so many buildings: the ones that its orthophoto shows."""
    from zwilling.sample.ground.drawing_up import trees as planted

    _check(buildings)
    return planted(buildings, seed)


def _check(buildings: int) -> None:
    if not 1 <= buildings <= 200_000:
        raise SettingsError(f"{buildings} buildings asked for", remedy="ask for 1 to 200000")
