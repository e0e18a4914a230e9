"""Where buildings meet the ground: the corners of their ground surfaces, for a comparison with terrain.

They are kept beside the tiles, since terrain may come, or be made anew, long after the buildings.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zwilling.crs import Georeference
from zwilling.errors import TilesetError
from zwilling.features import FeatureBatch, SurfaceClass

FILE_NAME: Final = "foundations.npz"
# Stored as whole numbers of these: a centimetre on the ground, a millimetre in height.
_UNITS: Final = np.array([1e-7, 1e-7, 1e-3])


@dataclass(frozen=True, slots=True)
class Foundations:
    """Corners of ground surfaces.

    Attributes:
        row: to which row, that is building or part, each corner belongs; ascending, shape (n,).
        places: longitude, latitude (degrees) and ellipsoidal height (metres) of each, shape (n, 3).
    """

    row: NDArray[np.int64]
    places: NDArray[np.float64]

    @classmethod
    def none(cls) -> Foundations:
        """Return no corners."""
        return cls(np.empty(0, np.int64), np.empty((0, 3)))

    @classmethod
    def of(cls, batch: FeatureBatch, georeference: Georeference) -> Foundations:
        """Return the corners of all ground surfaces of `batch`, each once for each row."""
        is_ground = batch.triangle_surface == SurfaceClass.GROUND
        corners = batch.triangles[is_ground].astype(np.int64)
        if not len(corners):
            return cls.none()
        rows = np.repeat(batch.triangle_row[is_ground].astype(np.int64), 3)
        row, corner = np.divmod(np.unique(rows * len(batch.positions) + corners.ravel()), len(batch.positions))
        return cls(row, georeference.to_geographic(batch.positions[corner]))

    @classmethod
    def sum(cls, parts: Sequence[tuple[Foundations, int]]) -> Foundations:
        """Return all corners, one part after the other; with each part comes the number of rows that it counts."""
        first = np.cumsum([0, *(rows for _, rows in parts)])
        if not parts:
            return cls.none()
        return cls(
            np.concatenate([part.row + begin for (part, _), begin in zip(parts, first, strict=False)]),
            np.concatenate([part.places for part, _ in parts]),
        )

    def write(self, path: Path, names: NDArray[np.object_]) -> None:
        """Store the corners, with the names of all rows."""
        rows, row = np.unique(self.row, return_inverse=True)
        # A file name or id that is no UTF-8 has lone surrogates, which are kept.
        texts = [str(names[number]).encode("utf-8", "surrogatepass") for number in rows.tolist()]
        # Differences wrap where they are too large for 32 bits, and so do their sums.
        places = np.rint(self.places / _UNITS).astype(np.int64)
        np.savez_compressed(
            path,
            names=np.frombuffer(b"".join(texts), np.uint8),
            lengths=np.array([len(text) for text in texts], dtype=np.int32),
            row=np.diff(row, prepend=0).astype(np.int32),
            places=np.diff(places, axis=0, prepend=np.zeros((1, 3), np.int64)).astype(np.int32),
        )

    @classmethod
    def read(cls, path: Path) -> tuple[Foundations, list[str]] | None:
        """Return what was stored, rows counted anew, and the names of these; None where there is no such file.

        Raises:
            TilesetError: the file is broken.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                ends = np.cumsum(stored["lengths"], dtype=np.int64)
                text = stored["names"].tobytes()
                places = np.cumsum(stored["places"], axis=0, dtype=np.int32) * _UNITS
                row = np.cumsum(stored["row"], dtype=np.int64)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise TilesetError(f"cannot be read ({error})", source=path, remedy="build the layer anew") from error
        begins = np.concatenate([[0], ends[:-1]]).astype(np.int64)
        names = [
            text[begin:end].decode("utf-8", "surrogatepass")
            for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
        ]
        return cls(row, places), names
