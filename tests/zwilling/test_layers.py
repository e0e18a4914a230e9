"""A layer on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zwilling.errors import TilesetError
from zwilling.layers import Extent, Layer, layers_directory, read_layer, read_layers, switch_layer

LAYER = Layer(
    id="gebaeude",
    title="Gebäude",
    kind="buildings",
    access="public",
    licence="dl-de/zero-2-0",
    attribution=("Geobasis NRW",),
    extent=Extent(6.7, 51.1, 6.8, 51.2, 80.0, 120.0),
    version="0123456789abcdef",
    is_synthetic=True,
)


def test_there_and_back(tmp_path: Path) -> None:
    switch_layer(tmp_path, LAYER)
    assert read_layer(tmp_path) == LAYER
    assert [path.name for path in tmp_path.iterdir()] == ["layer.json"]


def test_a_switch_back_to_the_version_before_is_one_call(tmp_path: Path) -> None:
    switch_layer(tmp_path, LAYER)
    switch_layer(tmp_path, LAYER.with_version("f" * 16))
    assert read_layer(tmp_path).version == "f" * 16
    switch_layer(tmp_path, LAYER)
    assert read_layer(tmp_path) == LAYER


def test_layers_come_in_the_order_of_their_ids_and_other_folders_do_not_count(tmp_path: Path) -> None:
    root = layers_directory(tmp_path)
    for name in ("b", "a", "half-built"):
        (root / name).mkdir(parents=True)
    for name in ("b", "a"):
        document = LAYER.to_json() | {"id": name}
        (root / name / "layer.json").write_text(json.dumps(document), encoding="utf-8")
    assert [layer.id for layer in read_layers(tmp_path)] == ["a", "b"]


def test_no_data_folder_means_no_layers(tmp_path: Path) -> None:
    assert read_layers(tmp_path / "absent") == []


@pytest.mark.parametrize(
    "document",
    [
        "[]",
        "{",
        json.dumps({"id": "gebaeude"}),
        json.dumps(LAYER.to_json() | {"version": "../../etc"}),
        json.dumps(LAYER.to_json() | {"id": "../x"}),
    ],
)
def test_a_broken_layer_file_is_named(tmp_path: Path, document: str) -> None:
    (tmp_path / "layer.json").write_text(document, encoding="utf-8")
    with pytest.raises(TilesetError, match=r"layer\.json: .*; build the layer anew"):
        read_layer(tmp_path)
