"""Pictures on their way to textures: nothing bleeds in, nothing moves."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from benchmarks import textures
from tiler.terrain.build import GroundOptions
from tiler.terrain.texture import BARE, Cutout, cut_out, decode, encode, halved, joined, on_bare_ground

ORANGE = (230, 120, 20)


def square(size: int, box: tuple[int, int, int, int], colour: tuple[int, ...] = ORANGE) -> NDArray[np.uint8]:
    """Return pixels of a square that shows one colour inside a box: left, top, right, bottom."""
    pixels = np.zeros((size, size, 4), np.uint8)
    left, top, right, bottom = box
    pixels[top:bottom, left:right] = (*colour, 255)
    return pixels


def spread_out(picture: Cutout, size: int) -> NDArray[np.uint8]:
    """Return the pixels of the whole square."""
    whole = Image.new("RGBA", (size, size))
    whole.paste(picture.image.convert("RGBA"), (picture.left, picture.top))
    return np.asarray(whole)


def cut(pixels: NDArray[np.uint8]) -> Cutout:
    picture = cut_out(pixels)
    assert picture is not None
    return picture


def test_a_whole_picture_is_not_copied() -> None:
    pixels = square(64, (0, 0, 64, 64))
    picture = cut(pixels)
    assert (picture.image.mode, picture.left, picture.top) == ("RGBX", 0, 0)
    assert picture.is_whole
    assert np.shares_memory(np.asarray(picture.image), pixels) or picture.image.readonly


def test_what_shows_something_is_cut_out() -> None:
    picture = cut(square(64, (5, 9, 40, 64)))
    assert (picture.left, picture.top, picture.right, picture.bottom) == (5, 9, 40, 64)
    assert picture.is_whole
    assert cut_out(square(64, (0, 0, 0, 0))) is None
    with_hole = square(64, (5, 9, 40, 64))
    with_hole[20, 20] = 0
    assert not cut(with_hole).is_whole


@given(
    box=st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(33, 64), st.integers(33, 64)),
    hole=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_coarser_pixels_are_means_of_what_there_is(box: tuple[int, int, int, int], hole: bool) -> None:
    random = np.random.default_rng(sum(box))
    pixels = square(64, box)
    inside = pixels[..., 3] > 0
    pixels[..., :3] = np.where(inside[..., None], random.integers(0, 256, (64, 64, 3)), 0)
    if hole:
        pixels[31:33, 31:33] = 0
    coarse = spread_out(halved(cut(pixels)), 32).astype(float)
    alpha = pixels[..., 3:].astype(float) / 255
    four = (pixels[..., :3] * alpha).reshape(32, 2, 32, 2, 3).sum(axis=(1, 3))
    share = alpha.reshape(32, 2, 32, 2, 1).sum(axis=(1, 3))
    assert np.abs(coarse[..., 3:] / 255 - share / 4).max() < 0.01
    shown = share[..., 0] > 0
    # Colours are multiplied with alpha in bytes on the way: three steps at most where a quarter is there.
    assert np.abs(coarse[..., :3] - four / np.maximum(share, 1))[shown].max() <= 4


def test_quarters_find_their_place() -> None:
    colours = {(0, 0): (200, 0, 0), (0, 1): (0, 200, 0), (1, 0): (0, 0, 200), (1, 1): (200, 200, 0)}
    whole = joined({place: cut(square(32, (0, 0, 32, 32), colour)) for place, colour in colours.items()}, 64)
    assert whole.is_whole
    for (row, column), colour in colours.items():
        assert whole.image.getpixel((column * 32 + 16, row * 32 + 16)) == colour
    # Two quarters that together fill less than the square give a rectangle without holes, where they lie.
    east = joined(
        {
            (0, 1): cut(square(32, (4, 8, 32, 32), (1, 2, 3))),
            (1, 1): cut(square(32, (4, 0, 32, 32), (1, 2, 3))),
        },
        64,
    )
    assert east.is_whole
    assert (east.left, east.top, east.right, east.bottom) == (36, 8, 64, 64)
    corner = joined({(0, 0): cut(square(32, (0, 0, 32, 32))), (1, 1): cut(square(32, (0, 0, 32, 32)))}, 64)
    assert not corner.is_whole
    assert np.array_equal(spread_out(corner, 64)[..., 3] > 0, np.kron(np.eye(2), np.ones((32, 32))) > 0)


def test_no_colour_bleeds_in_from_where_there_is_none() -> None:
    pixels = square(256, (0, 0, 256, 256))
    row, column = np.mgrid[:256, :256]
    outside = (row - 128) ** 2 + (column - 128) ** 2 > 100**2
    pixels[outside] = (0, 0, 255, 0)  # blue, and not there
    data = encode(cut(pixels).image, 75, 0)
    back = np.asarray(decode(data).convert("RGBA")).astype(int)
    size = back.shape[0]
    assert size == 201  # the circle's own square
    far = np.abs(back[..., :3] - ORANGE).max(axis=-1)
    assert far.max() <= 12, "also where alpha is 0, which filters and mipmaps mix in"
    assert set(np.unique(back[..., 3]).tolist()) == {0, 255}


def test_a_whole_picture_has_no_alpha_channel() -> None:
    random = np.random.default_rng(0)
    smooth = Image.fromarray(random.integers(60, 200, (16, 16, 3), dtype=np.uint8)).resize((256, 256))
    pixels = np.dstack([np.asarray(smooth), np.full((256, 256), 255, np.uint8)])
    data = encode(cut(pixels).image, 75, 0)
    assert data[12:16] == b"VP8 ", "the simple lossy form"
    assert np.abs(np.asarray(decode(data)).astype(int) - pixels[..., :3]).mean() < 3
    assert Image.open(io.BytesIO(data)).size == (256, 256)


def test_bare_ground_is_where_cells_are_drawn_and_no_picture_is() -> None:
    drawn = np.zeros((4, 4), dtype=np.bool_)
    drawn[1:, :2] = True
    laid = on_bare_ground(cut(square(64, (0, 0, 20, 40))), drawn, 64)
    assert laid is not None
    back = spread_out(laid, 64)
    assert tuple(back[5, 5]) == (*ORANGE, 255)
    assert tuple(back[30, 10]) == (*ORANGE, 255)
    assert tuple(back[50, 10]) == (*BARE, 255)
    assert tuple(back[20, 25]) == (*BARE, 255)
    assert back[20, 40, 3] == 0
    assert on_bare_ground(None, np.zeros((4, 4), dtype=np.bool_), 64) is None


@pytest.mark.parametrize("side", [1, 2, 3])
def test_the_smallest_pictures(side: int) -> None:
    picture = cut(square(64, (10, 10, 10 + side, 10 + side)))
    decoded = decode(encode(halved(picture).image, 75, 0))
    assert decoded.size == halved(picture).image.size


def test_full_detail_weighs_at_most_a_fifth_more_than_what_the_encoder_does_by_default(shared_data: Path) -> None:
    """At equal likeness: the default (method 4) takes more than twice the time."""
    options = GroundOptions()
    with Image.open(shared_data / "orthophotos/korea/cogeo.tif") as file:
        source = file.convert("RGB")
    found = {}
    for level, method in enumerate(options.methods):
        pair = textures.Pair(source, encode(source, options.quality, method))
        plain = textures.plain_alike([pair], textures.likeness([pair]), 1024)
        found[level] = len(pair.stored) / plain.size
    assert found[0] < 1.15
    assert found[0] < found[1] < 1.3
