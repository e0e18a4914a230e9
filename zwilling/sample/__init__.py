"""The sample quarter: a made-up part of Neuss in the form in which NRW delivers LoD2.

The place is modelled apart from its files: `terrain` is the ground, `plan` the streets, water, railway and blocks,
`siting` and `landmarks` what stands on them, `houses` and `solids` its shape; `citygml` writes buildings down.  Points,
terrain and pictures of the same place can be made from the same model.
"""

from __future__ import annotations

from pathlib import Path

from zwilling.errors import SettingsError
from zwilling.sample.citygml import TileFiles
from zwilling.sample.quarter import buildings as _buildings

__all__ = ["write_sample"]

_NOTE = """SYNTHETISCHE DATEN - SYNTHETIC DATA

Diese Dateien beschreiben ein erfundenes Stadtviertel. Kein Gebäude, keine Straße und keine Adresse darin
ist wirklich. Lage und Form folgen nur der Art, in der Geobasis NRW LoD2-Gebäudemodelle abgibt.
Erzeugt von Zwilling, Startwert {seed}, {count} Gebäude. Frei verwendbar ohne Bedingungen (CC0 1.0).

These files describe an invented quarter. No building, street or address in them is real. Only place and form
follow the way in which Geobasis NRW delivers LoD2 building models.
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
    if not 1 <= buildings <= 200_000:
        raise SettingsError(f"{buildings} buildings asked for", remedy="ask for 1 to 200000")
    directory = Path(directory)
    with TileFiles(directory) as files:
        files.note("SYNTHETISCH.txt", _NOTE.format(seed=seed, count=buildings))
        for building in _buildings(buildings, seed):
            files.add(building)
    return files.paths
