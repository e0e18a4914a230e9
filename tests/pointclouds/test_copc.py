"""COPC: its octree against laspy's, and octrees that lie."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.pointclouds.clouds import LONG_COUNT, number_at, opened, patched, read_all
from zwilling.errors import SourceError

_CRS = "EPSG:26912+5703"
_INFO_AT = 375 + 54  # COPC 1.0: the info record is the first, right behind the head


_LONE_STAR = "pointclouds/copc/lone-star.copc.laz"


@pytest.fixture
def lone_star(shared_data: Path, tmp_path: Path) -> Path:
    path = tmp_path / "lone-star.copc.laz"
    shutil.copy(shared_data / _LONE_STAR, path)
    path.chmod(0o644)
    return path


def in_order(xyz: NDArray[Any]) -> NDArray[Any]:
    """Return places in an order that is the same however they were read."""
    return xyz[np.lexsort(xyz.T)]


@pytest.fixture(scope="module")
def places(shared_data: Path) -> NDArray[Any]:
    """All points of the file as it should be, in order."""
    return in_order(read_all(opened(shared_data / _LONE_STAR, crs=_CRS)).xyz)


def hierarchy_at(path: Path) -> tuple[int, int]:
    return number_at(path, _INFO_AT + 40, "<Q"), number_at(path, _INFO_AT + 48, "<Q")


def test_nodes_are_those_that_laspy_finds(lone_star: Path) -> None:
    source = opened(lone_star, crs=_CRS)
    assert source.octree is not None
    found = {tuple(key): row for row, key in enumerate(source.octree.keys.tolist())}
    with laspy.CopcReader.open(str(lone_star)) as reader:
        info = reader.copc_info
        nodes = laspy.copc.load_octree_for_query(reader.source, info, reader.root_page)
        expected = {
            (node.key.level, node.key.x, node.key.y, node.key.z): node.point_count for node in nodes if node.point_count
        }
        assert {key: int(source.rows[row, 2]) for key, row in found.items()} == expected
        for level in range(3):
            points = reader.query(level=level)
            ours = np.concatenate(
                [source.read_chunks(row, row + 1).xyz for key, row in sorted(found.items()) if key[0] == level]
            )
            theirs = np.stack([points.X, points.Y, points.Z], axis=1)
            np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_every_node_holds_points_of_its_cube(lone_star: Path) -> None:
    source = opened(lone_star, crs=_CRS)
    octree = source.octree
    assert octree is not None
    scale, offset = np.array(source.head.lattice.scale), np.array(source.head.lattice.offset)
    with laspy.CopcReader.open(str(lone_star)) as reader:
        centre, half_side = np.array(reader.copc_info.center), reader.copc_info.halfsize
    for row, (level, *place) in enumerate(octree.keys.tolist()):
        side = 2 * half_side / 2**level
        low = centre - half_side + np.array(place) * side
        positions = source.read_chunks(row, row + 1).xyz * scale + offset
        assert (positions >= low - 2 * scale).all()
        assert (positions <= low + side + 2 * scale).all()


def test_nodes_are_in_the_order_of_a_walk_through_the_tree(lone_star: Path) -> None:
    octree = opened(lone_star, crs=_CRS).octree
    assert octree is not None
    keys = [tuple(key) for key in octree.keys.tolist()]
    there = set(keys)

    def walk(level: int, x: int, y: int, z: int) -> list[tuple[int, ...]]:
        """Return a node and those below it, x fastest."""
        found: list[tuple[int, ...]] = [(level, x, y, z)] if (level, x, y, z) in there else []
        if level < max(key[0] for key in keys):
            for i in range(8):
                found += walk(level + 1, 2 * x + (i & 1), 2 * y + (i >> 1 & 1), 2 * z + (i >> 2))
        return found

    assert keys == walk(0, 0, 0, 0)
    assert octree.rows[:, 0].tolist() != sorted(octree.rows[:, 0].tolist())


def lie(path: Path, entry: int, offset: int, form: str, *values: int) -> None:
    at, _ = hierarchy_at(path)
    patched(path, at + 32 * entry + offset, form, *values)


@pytest.mark.parametrize(
    ("offset", "form", "values", "message"),
    [
        (0, "<i", (-1,), "its nodes have no level"),
        (0, "<i", (31,), "its nodes have no level"),
        (4, "<i", (1 << 20,), "a node lies outside of its cube"),
        (16, "<Q", (1 << 62,), "chunk lies outside of the points"),
        (16, "<Q", (0,), "chunk lies outside of the points"),
        (24, "<i", (0x7FFFFFFF,), "chunk lies outside of the points"),
        (24, "<i", (-5,), "chunk lies outside of the points"),
        (28, "<i", (17,), "the head promises 518,862"),
        (28, "<i", (0,), "the head promises 518,862"),
        (24, "<ii", (0, -1), "a page of its hierarchy is said to be 0 bytes"),
        (24, "<ii", (33, -1), "a page of its hierarchy is said to be 33 bytes"),
    ],
)
def test_an_octree_that_lies_is_left_aside(
    lone_star: Path, places: NDArray[Any], offset: int, form: str, values: tuple[int, ...], message: str
) -> None:
    lie(lone_star, 1, offset, form, *values)
    source = opened(lone_star, crs=_CRS)
    assert source.octree is None
    assert [issue.code for issue in source.issues] == ["COPC_UNUSABLE"]
    assert message in source.issues[0].message
    assert len(places) == 518_862
    np.testing.assert_array_equal(in_order(read_all(source).xyz), places)


def test_pages_that_lead_back(lone_star: Path) -> None:
    at, length = hierarchy_at(lone_star)
    lie(lone_star, 1, 16, "<Qii", at, length, -1)
    assert "leads back to itself" in opened(lone_star, crs=_CRS).issues[0].message


def test_two_nodes_with_one_key(lone_star: Path) -> None:
    at, _ = hierarchy_at(lone_star)
    first = lone_star.read_bytes()[at : at + 16]
    patched(lone_star, at + 32, "16s", first)  # type: ignore[arg-type]
    assert "a node stands in it twice" in opened(lone_star, crs=_CRS).issues[0].message


def test_two_nodes_with_one_chunk(lone_star: Path) -> None:
    at, _ = hierarchy_at(lone_star)
    entries = np.frombuffer(lone_star.read_bytes()[at : at + 96], "<Q").reshape(3, 4)
    lie(lone_star, 2, 16, "<Q", int(entries[1, 2]))
    assert "overlap" in opened(lone_star, crs=_CRS).issues[0].message


@pytest.mark.parametrize("values", [(float("nan"), 1.0), (0.0, 1.0), (1.0, float("inf")), (-1.0, 1.0)])
def test_a_cube_without_size(lone_star: Path, values: tuple[float, float]) -> None:
    patched(lone_star, _INFO_AT + 24, "<2d", *values)
    assert "its cube has no size" in opened(lone_star, crs=_CRS).issues[0].message


def test_a_cut_off_copc_is_refused(lone_star: Path) -> None:
    data = lone_star.read_bytes()
    lone_star.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match="cut off or damaged"):
        opened(lone_star, crs=_CRS)


def test_head_and_octree_disagree_on_the_count(lone_star: Path) -> None:
    patched(lone_star, LONG_COUNT, "<Q", 518_861)
    with pytest.raises(SourceError, match="promises 518,861 points, but its chunks hold 518,862"):
        opened(lone_star, crs=_CRS)


def test_the_head_of_the_hierarchy_record_is_where_the_info_says(lone_star: Path) -> None:
    at, length = hierarchy_at(lone_star)
    user, record = struct.unpack_from("<2x16sH", lone_star.read_bytes(), at - 60)
    assert (user.rstrip(b"\0"), record, length % 32) == (b"copc", 1000, 0)
