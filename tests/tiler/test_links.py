"""Large trees as several documents."""

from __future__ import annotations

import numpy as np

from tiler.links import link
from tiler.tileset import IDENTITY, Tile
from zwilling.bounds import Box

BOX = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def tree(path: str, depth: int) -> Tile:
    moved = np.eye(4)
    moved[0, 3] = len(path)
    children = [tree(f"{path}{i}", depth - 1) for i in range(4)] if depth else []
    return Tile(float(depth), BOX, moved, f"tiles/r{path}.glb", children)


def contents(tile: Tile) -> list[str]:
    return [str(each.content_uri) for each in tile.walk()]


def test_no_document_is_too_large_and_no_content_is_lost_or_doubled() -> None:
    root = tree("", 4)
    expected = sorted(contents(root))
    documents = link(root, 20)
    assert max(len(contents(part)) for part in (root, *(d.root for d in documents))) <= 20
    everything = [uri for part in (root, *(d.root for d in documents)) for uri in contents(part)]
    linked = {document.name for document in documents}
    assert sorted(uri for uri in everything if uri.endswith(".glb")) == expected
    assert sorted(uri for uri in everything if uri.endswith(".json")) == sorted(linked)


def test_the_frame_stays_with_the_link() -> None:
    root = tree("", 2)
    documents = link(root, 8)
    links = {tile.content_uri: tile for tile in root.walk() if str(tile.content_uri).endswith(".json")}
    for document in documents:
        assert np.array_equal(document.root.to_parent, IDENTITY)
        assert links[document.name].to_parent[0, 3] == 1.0
        assert links[document.name].geometric_error == document.root.geometric_error


def test_a_small_tree_is_left_alone() -> None:
    root = tree("", 2)
    assert link(root, 1000) == []
    assert len(contents(root)) == 21
