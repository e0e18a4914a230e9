"""Terrain as text: rows of x, y and z, and Esri's ASCII grid.

XYZ is no standard.  Rows may be in any order and have holes; numbers stand between blanks, commas or semicolons, with
decimal point or comma; there may be lines of words before them.  The height of a row is that of the place it names,
so grids whose points lie on whole metres and those whose points lie half a metre beside them come out alike true.

Spec: Esri, "Esri ASCII raster format" (ArcGIS documentation).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from orthophotos.heights_numbers import numbers, table
from orthophotos.heights_packed import Packed
from zwilling.errors import SourceError

# The heights of a text file are held in memory, 512 MB at most.
MOST_CELLS: Final = 1 << 27
_BLOCK: Final = 1 << 20
_LONGEST_LINE: Final = 4096
_LONGEST_ROW: Final = 1 << 27  # of an ASCII grid, whose rows are lines
_MOST_HEADER_LINES: Final = 50
_MOST_COLUMNS: Final = 1 << 22  # different eastings of a grid that is taken for one
# A grid may be thin, as along a river, but not a handful of points strewn over a country.
_THINNEST: Final = 1000
_SMALL: Final = 1 << 20
_MARK: Final = b"\xef\xbb\xbf"  # of UTF-8, before the first sign
_PLACE: Final = re.compile(r"line (\d+)")
_ESRI_KEY: Final = re.compile(rb"\s*(ncols|nrows|[xy]ll(?:corner|center)|cellsize|dx|dy|nodata_value)\s+(\S+)\s*", re.I)
_NAMES: Final = (
    ("x", "e", "east", "easting", "ost", "rechts", "rechtswert", "lon", "longitude"),
    ("y", "n", "north", "northing", "nord", "hoch", "hochwert", "lat", "latitude"),
    ("z", "h", "height", "hoehe", "höhe", "elevation", "dgm", "dhhn2016"),
)


@dataclass(frozen=True, slots=True)
class TextGrid:
    """Where the heights of a text file lie.

    Attributes:
        west, north: centre of the first cell of the northernmost row.
        dx, dy: distance of neighbouring centres, both positive.
        width, height: number of cells.
        nodata: height that stands for none; NaN where the file names none.
    """

    west: float
    north: float
    dx: float
    dy: float
    width: int
    height: int
    nodata: float = float("nan")


# --- rows of x, y, z ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rows:
    """How the rows of an XYZ file are written.

    Attributes:
        skip: bytes before the first row; `line`: its number.
        swap: brings any spelling to numbers with a decimal point between blanks.
        columns: how many are read of each row; `xyz`: which of them are which.
    """

    skip: int
    line: int
    swap: bytes
    columns: int
    xyz: tuple[int, int, int]


def is_xyz(head: bytes) -> bool:
    """Return whether a file that begins so has rows of three numbers.

    Example:
        >>> is_xyz(b"x;y;z\\n343000,5;5674000,5;41,25\\n"), is_xyz(b"<VRTDataset>")
        (True, False)
    """
    return b"\0" not in head and _rows(head) is not None


def xyz_grid(file: Packed) -> TextGrid:
    """Return the grid that the rows of an XYZ file fill; its points alone tell it.

    A file whose rows stand in order and leave nothing out is known by its ends; of any other, every row is read.

    Raises:
        SourceError: a row is no row, or the points lie on no grid.
    """
    with file.opened() as stream:
        head = stream.read(_BLOCK)
        style = _style(file, head)
        lines, tail = _lines_and_tail(stream, head, style)
    points = _points(file, style, _whole(head[style.skip :], len(head) == _BLOCK), 0)
    return _by_ends(points, tail, lines, style) or _by_all(file, style)


def read_xyz(file: Packed, grid: TextGrid) -> tuple[NDArray[np.float32], int]:
    """Return heights, shape (height, width), NaN where no row is, and how many rows lie beside the grid.

    Raises:
        SourceError: a row is no row.
    """
    heights = np.full(grid.width * grid.height, np.nan, dtype=np.float32)
    beside = 0
    for points in _blocks(file):
        column = np.rint((points[:, 0] - grid.west) / grid.dx)
        row = np.rint((grid.north - points[:, 1]) / grid.dy)
        fits = (column >= 0) & (column < grid.width) & (row >= 0) & (row < grid.height)
        fits &= np.abs(points[:, 0] - grid.west - column * grid.dx) < 0.1 * grid.dx
        fits &= np.abs(grid.north - points[:, 1] - row * grid.dy) < 0.1 * grid.dy
        if not fits.all():
            beside += int(np.count_nonzero(~fits))
            points, column, row = points[fits], column[fits], row[fits]
        with np.errstate(over="ignore"):
            heights[row.astype(np.int64) * grid.width + column.astype(np.int64)] = points[:, 2]
    return heights.reshape(grid.height, grid.width), beside


def _style(file: Packed, head: bytes) -> _Rows:
    style = None if b"\0" in head else _rows(head)
    if style is None:
        raise SourceError(
            "has no rows of three numbers", source=file.name, where="line 1", remedy="check what file it is"
        )
    return style


def _rows(head: bytes) -> _Rows | None:
    skip = len(_MARK) if head.startswith(_MARK) else 0
    names: list[str] = []
    for line in range(1, _MOST_HEADER_LINES + 2):
        end = head.find(b"\n", skip)
        text = head[skip : end if end >= 0 else len(head)]
        if len(text) > _LONGEST_LINE:
            return None
        swap = _swap(text)
        words = text.translate(swap).split()
        if len(words) >= 3 and all(_is_number(word) for word in words[:3]):
            xyz = _named(names) if len(names) == len(words) else (0, 1, 2)
            return _Rows(skip, line, swap, len(words), xyz)
        try:
            said = text.decode("utf-8-sig")
        except UnicodeDecodeError:
            said = text.decode("latin-1")
        names = [word.strip("\"'[]()").lower() for word in re.split(r"[;,\s]+", said.strip("#\r "))]
        if end < 0:
            return None
        skip = end + 1
    return None


def _swap(text: bytes) -> bytes:
    if b";" in text:
        return bytes.maketrans(b";,", b" .")
    words = text.split()
    if len(words) >= 3 and not any(word.endswith(b",") for word in words[:2]):
        return bytes.maketrans(b",", b".")
    return bytes.maketrans(b",", b" ")


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _named(names: list[str]) -> tuple[int, int, int]:
    """Return which columns are x, y and z by their names; the first three where these do not tell."""
    x, y, z = (next((at for at, name in enumerate(names) if name in known), -1) for known in _NAMES)
    if z < 0 and len(names) == 3 and min(x, y) >= 0:
        z = 3 - x - y
    return (x, y, z) if min(x, y, z) >= 0 and len({x, y, z}) == 3 else (0, 1, 2)


def _whole(text: bytes, cut: bool) -> bytes:
    return text[: text.rfind(b"\n") + 1] if cut else text


def _points(file: Packed, style: _Rows, text: bytes, line: int) -> NDArray[np.float64]:
    """Return x, y, z of whole lines, of which `line` stand before them."""
    try:
        rows = table(text.translate(style.swap), style.columns)
    except ValueError as error:
        message = str(error)
        if found := _PLACE.match(message):
            number = style.line + line + int(found[1]) - 1
            message = message.split(": ", 1)[1]
            raise SourceError(
                message, source=file.name, where=f"line {number}", remedy="mend the file, or load it anew"
            ) from error
        raise SourceError(message, source=file.name, remedy="mend the file, or load it anew") from error
    points = rows[:, style.xyz]
    if not np.isfinite(points[:, :2]).all():
        bad = style.line + line + int(np.argmin(np.isfinite(points[:, :2]).all(axis=1)))
        raise SourceError("names no place", source=file.name, where=f"line {bad}", remedy="mend the file")
    return points


def _blocks(file: Packed) -> Iterator[NDArray[np.float64]]:
    """Give the points of a file, some ten thousand at a time."""
    with file.opened() as stream:
        block = stream.read(_BLOCK)
        style = _style(file, block)
        block = block[style.skip :]
        line = 0
        while block:
            more = stream.read(_BLOCK)
            end = block.rfind(b"\n") + 1 if more else len(block)
            if end == 0 and len(block) > 2 * _LONGEST_LINE:
                problem = f"has a line of more than {len(block)} bytes"
                raise SourceError(problem, source=file.name, where=f"line {style.line + line}", remedy="mend the file")
            yield _points(file, style, block[:end], line)
            line += block.count(b"\n", 0, end)
            block = block[end:] + more


def _lines_and_tail(stream: BinaryIO, head: bytes, style: _Rows) -> tuple[int, bytes]:
    """Return how many rows the file has, and its last whole ones."""
    lines, tail, block = head.count(b"\n", style.skip), head, head
    while block := stream.read(_BLOCK):
        lines += block.count(b"\n")
        tail = (tail + block)[-_BLOCK:]
    if not tail.endswith(b"\n"):
        lines += 1
    return lines, tail[tail.find(b"\n") + 1 :] if tail is not head else head[style.skip :]


def _by_ends(head: NDArray[np.float64], tail: bytes, lines: int, style: _Rows) -> TextGrid | None:
    """Return the grid if first and last row are opposite corners of one that just as many rows fill."""
    try:
        end = table(tail.translate(style.swap), style.columns)[:, style.xyz]
    except ValueError:
        return None  # reading every row says where
    if not len(head) or not len(end) or not np.isfinite(end[:, :2]).all():
        return None
    both = np.concatenate((head, end))[:, :2]
    dx, dy = (_step(np.unique(both[:, axis])) for axis in (0, 1))
    if dx is None or dy is None:
        return None
    corners = np.array([head[0, :2], end[-1, :2]])
    low, high = corners.min(axis=0), corners.max(axis=0)
    grid = _grid(corners, dx, dy)
    inside = (both >= low).all() and (both <= high).all()
    return grid if inside and grid.width * grid.height == lines else None


def _by_all(file: Packed, style: _Rows) -> TextGrid:
    x = y = np.zeros(0)
    count = 0
    for points in _blocks(file):
        count += len(points)
        x, y = np.union1d(x, points[:, 0]), np.union1d(y, points[:, 1])
        if max(len(x), len(y)) > _MOST_COLUMNS:
            raise _no_grid(file, f"names more than {_MOST_COLUMNS} different eastings or northings")
    if not count:
        raise SourceError("has no rows", source=file.name, where=f"line {style.line}", remedy="load it anew")
    dx, dy = _step(x), _step(y)
    if dx is None and dy is None:
        raise _no_grid(file, "names one place only" if len(x) == len(y) == 1 else "has places at odd distances")
    dx, dy = dx or dy, dy or dx
    if dx is None or dy is None or (len(x) > 1 and _step(x) is None) or (len(y) > 1 and _step(y) is None):
        raise _no_grid(file, "has places at odd distances")
    grid = _grid(np.array([[x[0], y[0]], [x[-1], y[-1]]]), dx, dy)
    cells = grid.width * grid.height
    if cells > MOST_CELLS or cells > max(_SMALL, _THINNEST * count):
        raise _no_grid(file, f"has {count} places strewn over {float(grid.width):.9g} x {float(grid.height):.9g} cells")
    return grid


def _step(sorted_values: NDArray[np.float64]) -> float | None:
    """Return the distance of which all distances are multiples; None where there is none, or but one value."""
    if len(sorted_values) < 2:
        return None
    between = np.diff(sorted_values)
    # What differs by less than some millimetres (or as little in degrees) is one value, rounded in two ways.
    between = between[between > 1e-9 * np.median(np.abs(sorted_values))]
    if not len(between):
        return None
    step = float(between.min())
    times = np.rint(between / step)
    if (np.abs(between / step - times) > 0.02 * np.maximum(times, 1)).any():
        return None
    # The whole extent divided by its number of steps is more exact than one step of rounded numbers.
    return float(between.sum() / times.sum())


def _grid(corners: NDArray[np.float64], dx: float, dy: float) -> TextGrid:
    (west, south), (east, north) = corners.min(axis=0), corners.max(axis=0)
    width, height = round((east - west) / dx) + 1, round((north - south) / dy) + 1
    return TextGrid(float(west), float(north), dx, dy, width, height)


def _no_grid(file: Packed, problem: str) -> SourceError:
    return SourceError(
        f"{problem}, which is no grid", source=file.name, remedy="make a grid of it first, for example with gdal_grid"
    )


# --- Esri's ASCII grid -------------------------------------------------------------------------------------------


def is_ascii_grid(head: bytes) -> bool:
    """Return whether a file begins as an Esri ASCII grid does."""
    line = head.removeprefix(_MARK).lstrip().partition(b"\n")[0]
    return _ESRI_KEY.fullmatch(line) is not None


def ascii_grid(file: Packed) -> TextGrid:
    """Return the grid that the head of an Esri ASCII grid states.

    Raises:
        SourceError: the head is incomplete, or not numbers.
    """
    with file.opened() as stream:
        return _ascii_head(file, stream.read(_LONGEST_LINE))[0]


def read_ascii(file: Packed, grid: TextGrid) -> NDArray[np.float32]:
    """Return heights, shape (height, width), as they stand in the file.

    Raises:
        SourceError: something is not a number, or there are more or fewer of them than the head says.
    """
    heights = np.empty(grid.width * grid.height, dtype=np.float32)
    count = 0
    with file.opened() as stream:
        block = stream.read(_BLOCK)
        block = block[_ascii_head(file, block[:_LONGEST_LINE])[1] :]
        while block:
            more = stream.read(_BLOCK)
            end = max(block.rfind(b"\n"), block.rfind(b" ")) + 1 if more else len(block)
            if end == 0 and len(block) > _LONGEST_ROW:
                break
            try:
                values = numbers(block[:end].replace(b",", b"."))
            except ValueError as error:
                row, column = divmod(count, grid.width)
                raise SourceError(
                    str(error),
                    source=file.name,
                    where=f"after row {row + 1}, column {column + 1}",
                    remedy="mend the file, or load it anew",
                ) from error
            room = len(heights) - count
            with np.errstate(over="ignore"):
                heights[count : count + len(values)] = values[:room]
            count += len(values)
            block = block[end:] + more
    if count != len(heights):
        raise SourceError(
            f"has {count} heights, but its head says {grid.width} x {grid.height} = {len(heights)}",
            source=file.name,
            remedy="load it anew; it seems to be cut off" if count < len(heights) else "mend its head, or load it anew",
        )
    return heights.reshape(grid.height, grid.width)


def _ascii_head(file: Packed, head: bytes) -> tuple[TextGrid, int]:
    """Return the grid and the number of bytes of the head."""
    said: dict[str, float] = {}
    end = len(head) - len(head.removeprefix(_MARK).lstrip())
    for number, line in enumerate(head[end:].splitlines(keepends=True), head.count(b"\n", 0, end) + 1):
        found = _ESRI_KEY.fullmatch(line)
        if not found:
            break
        end += len(line)
        try:
            said[found[1].decode().lower()] = float(found[2].replace(b",", b"."))
        except ValueError:
            raise SourceError(
                f"'{found[2][:40].decode('latin-1')}' is not a number",
                source=file.name,
                where=f"line {number}",
                remedy="mend the file's head",
            ) from None
    dx = said.get("dx", said.get("cellsize", 0.0))
    dy = said.get("dy", said.get("cellsize", 0.0))
    width, height = said.get("ncols", 0.0), said.get("nrows", 0.0)
    west = said.get("xllcenter", said.get("xllcorner", float("nan")) + dx / 2)
    south = said.get("yllcenter", said.get("yllcorner", float("nan")) + dy / 2)
    if not np.isfinite([west, south, dx, dy, width, height]).all() or min(dx, dy, width, height) <= 0:
        problem = "its head does not name ncols, nrows, the corner and the cell size"
        raise SourceError(problem, source=file.name, where="line 1", remedy="mend the file's head, or load it anew")
    if width * height > MOST_CELLS or width % 1 or height % 1:
        problem = f"its head claims {width:g} x {height:g} cells"
        raise SourceError(problem, source=file.name, where="line 1", remedy="mend the file's head, or cut the grid")
    nodata = said.get("nodata_value", float("nan"))
    return TextGrid(west, south + (int(height) - 1) * dy, dx, dy, int(width), int(height), nodata), end
