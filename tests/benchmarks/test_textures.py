"""The measuring equipment measures what it says: likeness, textures in tiles, plain pyramids, inputs."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio import Affine

from benchmarks import ground_inputs, textures


def grey(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels).convert("RGB")


def noise(seed: int, size: int = 24) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (size, size), np.uint8)


def test_a_picture_is_wholly_like_itself() -> None:
    assert textures.similarity(grey(noise(1)), grey(noise(1))) == pytest.approx(1.0, abs=1e-12)


def test_flat_pictures_differ_by_their_light_alone() -> None:
    dark, light = (grey(np.full((16, 16), value, np.uint8)) for value in (60, 180))

    by_hand = (2 * 60 * 180 + 6.5025) / (60**2 + 180**2 + 6.5025)

    assert textures.similarity(dark, light) == pytest.approx(by_hand, rel=1e-9)


def test_one_window_is_what_the_paper_writes_down() -> None:
    first, second = noise(2, 11), noise(3, 11)
    x, y = first.astype(float), second.astype(float)
    place = np.arange(11) - 5
    weights = np.exp(-(place[:, None] ** 2 + place[None, :] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    mx, my = (weights * x).sum(), (weights * y).sum()
    sxx, syy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
    sxy = (weights * (x - mx) * (y - my)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    by_hand = (2 * mx * my + c1) * (2 * sxy + c2) / ((mx**2 + my**2 + c1) * (sxx + syy + c2))

    assert textures.similarity(grey(first), grey(second)) == pytest.approx(by_hand, rel=1e-9)


def test_down_and_across_are_told_apart() -> None:
    tall = grey(noise(4, 40)[:, :20])

    assert textures.similarity(tall, tall.transpose(Image.Transpose.FLIP_TOP_BOTTOM)) < 0.2
    with pytest.raises(ValueError, match="are compared"):
        textures.similarity(tall, tall.transpose(Image.Transpose.TRANSPOSE))


def test_pictures_smaller_than_the_window_are_refused() -> None:
    with pytest.raises(ValueError, match="smaller"):
        textures.similarity(grey(noise(1, 10)), grey(noise(1, 10)))


def test_the_texture_of_a_glb_is_found() -> None:
    document = {"images": [{"bufferView": 1}], "bufferViews": [{"byteLength": 4}, {"byteOffset": 4, "byteLength": 3}]}

    assert textures.texture(glb(document, b"abcdefgh")) == b"efg"
    assert textures.texture(glb({}, b"abcdefgh")) == b""


def test_leaves_stand_beside_their_own_pixels(tmp_path: Path) -> None:
    # 1024 texels of 0.1 m from the origin: the picture begins one column and two rows of tiles away from it.
    pixels = np.random.default_rng(5).integers(0, 256, (3, 2048, 2048), np.uint8)
    source = tmp_path / "picture.tif"
    with rasterio.open(
        source, "w", driver="GTiff", width=2048, height=2048, count=3, dtype="uint8", crs="EPSG:25832",
        transform=Affine(0.1, 0, 102.4, 0, -0.1, 409.6),
    ) as dataset:  # fmt: skip
        dataset.write(pixels)
    leaves = tmp_path / "tiles" / "0"
    leaves.mkdir(parents=True)
    document = {"images": [{"bufferView": 0}], "bufferViews": [{"byteLength": 2}]}
    (leaves / "0-1-2.glb").write_bytes(glb(document, b"SW"))
    (leaves / "0-2-3.glb").write_bytes(glb(document, b"NE"))
    (leaves / "0-3-3.glb").write_bytes(glb(document, b"--"))  # beyond the picture

    south_west, north_east = textures.pairs(tmp_path, source, 10)

    assert (south_west.stored, north_east.stored) == (b"SW", b"NE")
    assert np.array_equal(np.asarray(south_west.source), pixels[:, 1024:, :1024].transpose(1, 2, 0))
    assert np.array_equal(np.asarray(north_east.source), pixels[:, :1024, 1024:].transpose(1, 2, 0))
    assert textures.texture_bytes(tmp_path) == 6


def test_a_plain_pyramid_has_all_levels(tmp_path: Path) -> None:
    source = tmp_path / "picture.tif"
    with rasterio.open(
        source, "w", driver="GTiff", width=600, height=300, count=3, dtype="uint8", crs="EPSG:25832",
        transform=Affine(0.1, 0, 0, 0, -0.1, 60),
    ) as dataset:  # fmt: skip
        dataset.write(np.zeros((3, 300, 600), np.uint8))

    size, count = textures.plain_pyramid(source, 75, 256)

    assert count == 3 * 2 + 2 * 1 + 1
    assert size > 0


def test_plain_pictures_are_found_that_are_as_alike() -> None:
    pixels = ground_inputs.picture(1024)
    picture = Image.fromarray(pixels)
    stored = textures.encode(picture, 60)
    pair = textures.Pair(picture, stored)

    plain = textures.plain_alike([pair], textures.likeness([pair]), 1024)

    assert plain.quality == pytest.approx(60, abs=0.5)
    assert plain.size == pytest.approx(len(stored), rel=0.01)


def test_inputs_are_placed_side_by_side(tmp_path: Path) -> None:
    first, second = (ground_inputs.orthophoto(tmp_path, column, 0, 600) for column in (0, 1))
    west, east = (ground_inputs.terrain(tmp_path, column, 0, 1000) for column in (0, 1))

    with rasterio.open(first) as one, rasterio.open(second) as other:
        assert one.crs.to_epsg() == other.crs.to_epsg() == 25832
        assert one.bounds.left + 1000 == other.bounds.left
        assert np.array_equal(one.read(), other.read())
    with rasterio.open(west) as one, rasterio.open(east) as other:
        assert one.bounds.right == other.bounds.left
        steps = np.abs(one.read(1)[:, -1] - other.read(1)[:, 0])
        assert steps.max() < 3 * np.abs(np.diff(one.read(1), axis=1)).max()
        assert 40 < one.read(1).min() < one.read(1).max() < 70


def test_made_up_pictures_compress_like_real_ones() -> None:
    numbers = ground_inputs.statistics(ground_inputs.picture(2048))

    jpeg, webp = (int(part.split(": ")[1].split()[0]) for part in numbers.split(";")[0].split(", "))
    assert 210 <= jpeg <= 290
    assert 105 <= webp <= 152


def glb(document: Mapping[str, object], binary: bytes) -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(binary)
    head = struct.pack("<4sIIII", b"glTF", 2, total, len(text), 0x4E4F534A)
    return head + text + struct.pack("<II", len(binary), 0x004E4942) + binary
