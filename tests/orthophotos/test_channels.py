"""Which bands are shown, and what stands for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from rasterio.enums import ColorInterp as Colour

from orthophotos.channels import Picture
from orthophotos.emptiness import CELL as EMPTY_CELL
from orthophotos.emptiness import emptiness
from orthophotos.pictures import open_pictures
from tests.orthophotos.picture_files import decoded, noise, window_of, write

RGBI = noise(64, 64, 4)


def shown(path: Path, tmp_path: Path, picture: Picture = "rgb") -> tuple[NDArray[np.uint8], list[str]]:
    """Return the pixels of a 64 x 64 picture, and the codes of what was found."""
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    pictures = open_pictures([path], picture=picture)
    codes = [issue.code for issue in pictures.issues] + decoded(pictures, scratch)
    return pictures.read(window_of(64, 64), scratch), codes


def bands(*numbers: int) -> NDArray[np.uint8]:
    return np.stack([RGBI[number - 1] for number in numbers], axis=2)


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ({"photometric": "RGB", "alpha": "UNSPECIFIED"}, ["PICTURE_BANDS_ASSUMED"]),
        ({"photometric": "MINISBLACK", "alpha": "UNSPECIFIED"}, ["PICTURE_BANDS_ASSUMED"]),
        ({"photometric": "RGB", "alpha": "YES"}, ["PICTURE_ALPHA_IS_INFRARED"]),
        ({"names": ("Red", "Green", "Blue", "NIR")}, []),
        ({"names": ("Rot", "Grün", "Blau", "Nahes Infrarot")}, []),
        ({"colours": (Colour.red, Colour.green, Colour.blue, Colour.nir)}, []),
    ],
)
def test_four_bands_are_red_green_blue_and_infrared(options: Any, codes: list[str], tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", RGBI, **options)
    pixels, found = shown(path, tmp_path)
    assert (pixels[..., :3] == bands(1, 2, 3)).all()
    assert (pixels[..., 3] == 255).all()
    infrared, also_found = shown(path, tmp_path, "infrared")
    assert (infrared[..., :3] == bands(4, 1, 2)).all()
    assert found == also_found == codes


def test_jpeg2000_has_four_bands_without_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jp2", RGBI, driver="JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES", ALPHA="NO")
    infrared, _ = shown(path, tmp_path, "infrared")
    assert (infrared[..., :3] == bands(4, 1, 2)).all()


def test_the_order_of_bands_is_what_their_names_say(tmp_path: Path) -> None:
    pixels, codes = shown(write(tmp_path / "a.tif", RGBI, names=("nir", "blue", "green", "red")), tmp_path)
    assert (pixels[..., :3] == bands(4, 3, 2)).all()
    assert codes == []


def test_alpha_that_is_alpha_is_kept(tmp_path: Path) -> None:
    rgba = RGBI.copy()
    rgba[3] = 255
    rgba[3, :, :20] = 0
    rgba[3, :, 20] = 128
    pixels, codes = shown(write(tmp_path / "a.tif", rgba, photometric="RGB", alpha="YES"), tmp_path)
    assert (pixels[..., 3] == rgba[3]).all()
    assert (pixels[:, 20:, :3] == bands(1, 2, 3)[:, 20:]).all()
    assert not pixels[:, :20].any()
    assert codes == []


def test_a_mask_is_alpha(tmp_path: Path) -> None:
    mask = np.full((64, 64), 255, np.uint8)
    mask[10:20, 30:50] = 0
    pixels, codes = shown(write(tmp_path / "a.tif", RGBI[:3], mask=mask), tmp_path)
    assert (pixels[..., 3] == mask).all()
    assert codes == []


def test_grey_and_palette(tmp_path: Path) -> None:
    grey, codes = shown(write(tmp_path / "a.tif", RGBI[:1]), tmp_path)
    assert (grey[..., :3] == bands(1, 1, 1)).all()
    assert codes == ["PICTURE_GREY"]
    table = {index: (index, 255 - index, 7, 255) for index in range(256)}
    coloured, codes = shown(write(tmp_path / "b.tif", RGBI[:1], palette=table), tmp_path)
    assert (coloured == np.array(list(table.values()), np.uint8)[RGBI[0]]).all()
    assert codes == []


def test_a_palette_may_have_a_transparent_colour(tmp_path: Path) -> None:
    values = RGBI[0].copy()
    values[30:33, 40] = 0
    image = Image.fromarray(values, "P")
    image.putpalette([component for index in range(256) for component in (index, 255 - index, 7)])
    image.save(tmp_path / "a.png", transparency=0)
    (tmp_path / "a.pgw").write_text("0.5\n0\n0\n-0.5\n354000.25\n5643999.75\n")
    pictures = open_pictures([tmp_path / "a.png"], crs="EPSG:25832")
    decoded(pictures, tmp_path)
    pixels = pictures.read(window_of(64, 64), tmp_path)
    assert ((pixels[..., 3] == 0) == (values == 0)).all()
    expected = np.stack([values, 255 - values, np.full_like(values, 7)], axis=2)
    assert (pixels[..., :3] == np.where(values[..., None], expected, 0)).all()


def test_sixteen_bits_are_scaled_by_one_rule_for_all_files(tmp_path: Path) -> None:
    dark = np.minimum(noise(64, 64, 3, dtype="uint16"), 900)
    bright = noise(64, 64, 3, dtype="uint16", seed=2) % 4096
    paths = [write(tmp_path / f"{name}.tif", values) for name, values in (("a", dark), ("b", bright))]
    pictures = open_pictures([paths[0], paths[1]])
    assert [issue.message for issue in pictures.issues] == [
        "2 files have 16 bits; 12 are used, of which the upper 8 are shown"
    ]
    assert decoded(pictures, tmp_path) == []
    assert (pictures.read(window_of(64, 64), tmp_path)[..., :3] == (bright >> 4).transpose(1, 2, 0)).all()
    alone = open_pictures(paths[:1])
    decoded(alone, tmp_path)
    assert (alone.read(window_of(64, 64), tmp_path)[..., :3] == (dark >> 2).transpose(1, 2, 0)).all()


def test_a_file_says_how_many_bits_it_uses(tmp_path: Path) -> None:
    values = noise(64, 64, 3, dtype="uint16") % 1024
    pictures = open_pictures([write(tmp_path / "a.tif", values, nbits=12)])
    assert "12 are used" in pictures.issues[0].message


def test_values_beyond_the_rule_are_white_and_told(tmp_path: Path) -> None:
    values = np.full((3, 6000, 64), 900, np.uint16)
    values[:, 700, 40] = 60000  # between the places that are looked at
    pictures = open_pictures([write(tmp_path / "a.tif", values)])
    assert decoded(pictures, tmp_path) == ["PICTURE_CLIPPED"]
    assert pictures.read(window_of(1, 1, column=40, row=700), tmp_path)[0, 0].tolist() == [255, 255, 255, 255]


def test_nodata_around_a_picture_is_nothing_and_white_roofs_in_it_are_kept(tmp_path: Path) -> None:
    values = np.full((3, 400, 400), 90, np.uint8)
    values[:, :, :37] = 255
    values[:, :11] = 255
    values[:, 200:260, 200:280] = 255  # a roof
    values[:, 380:, 300:340] = 255  # a roof on the side
    pictures = open_pictures([write(tmp_path / "a.tif", values, nodata=255)])
    decoded(pictures, tmp_path)
    alpha = pictures.read(window_of(400, 400), tmp_path)[..., 3]
    expected = np.full((400, 400), 255)
    expected[:, :37] = expected[:11] = 0
    assert (alpha == expected).all()


def test_blurred_nodata_leaves_no_rim(tmp_path: Path) -> None:
    values = np.full((3, 512, 512), 120, np.uint8)
    values[:, :, :203] = 0
    path = write(
        tmp_path / "a.tif", values, nodata=0, compress="JPEG", JPEG_QUALITY=60, photometric="YCBCR", tiled=True,
        blockxsize=256, blockysize=256,
    )  # fmt: skip
    pictures = open_pictures([path])
    decoded(pictures, tmp_path)
    pixels = pictures.read(window_of(512, 512), tmp_path)
    assert not pixels[:, :190, 3].any()
    assert (pixels[:, 210:, 3] == 255).all()
    # Whatever is left beside the edge is no black.
    assert pixels[..., 0][pixels[..., 3] > 0].min() > 8


def test_emptiness_goes_around_corners_but_not_through_cracks() -> None:
    nothing = np.zeros((320, 320), np.bool_)
    nothing[:, :16] = nothing[300:, :] = True  # along the left side and the lower one
    nothing[100:140, 16:200] = True  # a bay
    nothing[100:180, 200:216] = True  # around its corner
    nothing[40:60, 100:160] = True  # inside
    nothing[50, 16:100] = True  # a crack that leads there
    found = emptiness(nothing)
    expected = nothing.copy()
    expected[40:60, 100:160] = False
    expected[50, 16 + EMPTY_CELL : 100] = False
    assert (found == expected).all()
    assert not emptiness(np.zeros((5, 7), np.bool_)).any()
    assert emptiness(np.ones((5, 7), np.bool_)).all()


def test_alpha_of_twelve_bits_is_alpha(tmp_path: Path) -> None:
    values = noise(64, 64, 4, dtype="uint16") % 4096
    values[3] = np.where(np.arange(64) < 20, 0, 4095)
    colours = (Colour.red, Colour.green, Colour.blue, Colour.alpha)
    pixels, codes = shown(write(tmp_path / "a.tif", values, nbits=12, colours=colours), tmp_path)
    assert codes == ["PICTURE_DEPTH_REDUCED"]
    assert (pixels[..., 3] == np.where(np.arange(64) < 20, 0, 255)).all()
    assert (pixels[:, 20:, :3] == (values[:3, :, 20:] >> 4).transpose(1, 2, 0)).all()


@pytest.mark.parametrize(("bits", "count"), [(4, 1), (2, 3)])
def test_few_bits_are_spread(bits: int, count: int, tmp_path: Path) -> None:
    values = (noise(64, 64, count) >> (8 - bits)).astype(np.uint8)
    values[:, :16, :16] = 0  # in a corner, and nodata
    pixels, _ = shown(write(tmp_path / "a.tif", values, nbits=bits, nodata=0), tmp_path)
    assert (pixels[:16, :16] == 0).all()
    spread = np.broadcast_to(values.transpose(1, 2, 0) * (255 // ((1 << bits) - 1)), (64, 64, 3))
    assert (pixels[16:, 16:, :3] == spread[16:, 16:]).all()
