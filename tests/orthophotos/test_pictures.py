"""Many pictures as one surface: what a window shows is what was put there, by hand and by other readers."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from rasterio._env import get_gdal_config
from rasterio.transform import Affine

from orthophotos import scratch as scratch_module
from orthophotos.opening import fence
from orthophotos.pictures import open_pictures
from tests.orthophotos.picture_files import CELL, HERE, NORTH, WEST, decoded, noise, window_of, write
from zwilling.crs.plane import transformed
from zwilling.errors import SourceError, TilesetError
from zwilling.rasters import Pictures, Window


def plain(path: Path) -> NDArray[np.uint8]:
    """Return a picture as Pillow reads it, shape (height, width, bands)."""
    with Image.open(path) as image:
        return np.asarray(image)


def whole(pictures: Pictures) -> Window:
    """Return the window of the one file of `pictures`, on its own grid."""
    (file,) = pictures.files
    covers, resolution = file.covers, pictures.resolution
    width, height = (covers.east - covers.west) / resolution, (covers.north - covers.south) / resolution
    return Window(covers.west, covers.north, resolution, round(width), round(height))


@pytest.mark.parametrize(
    ("name", "crs", "resolution"),
    [
        ("ign_montpellier/test_data_rgb.tif", "EPSG:2154", 0.2),
        ("ign_montpellier/test_data_irc.tif", "EPSG:2154", 0.2),
        ("neon/OSBS_029.tif", "EPSG:32617", 0.1),
    ],
)
def test_real_pictures_on_their_own_grid_are_copied(
    name: str, crs: str, resolution: float, shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / "orthophotos" / name
    pictures = open_pictures([path])
    assert (pictures.crs, pictures.resolution, list(pictures.issues)) == (crs, resolution, [])
    assert decoded(pictures, tmp_path) == []
    pixels = pictures.read(whole(pictures), tmp_path)
    assert (pixels[..., 3] == 255).all()
    assert (pixels[..., :3] == plain(path)).all()


def test_lossless_jpeg2000_is_its_tiff(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "orthophotos"
    pixels = []
    for name in ("jpeg2000/ign_77055_627760_rgb_lossless.jp2", "ign_montpellier/test_data_rgb.tif"):
        pictures = open_pictures([folder / name])
        decoded(pictures, tmp_path)
        pixels.append(pictures.read(whole(pictures), tmp_path))
        pictures.forget(0, tmp_path)
    assert (pixels[0] == pixels[1]).all()
    assert list(tmp_path.iterdir()) == []


def test_lossy_jpeg2000_is_nearly_its_tiff(shared_data: Path, tmp_path: Path) -> None:
    pictures = open_pictures([shared_data / "orthophotos/jpeg2000/OSBS_029_lossy.jp2"])
    decoded(pictures, tmp_path)
    pixels = pictures.read(whole(pictures), tmp_path)[..., :3].astype(float)
    original = plain(shared_data / "orthophotos/neon/OSBS_029.tif").astype(float)
    # A shift by one pixel would be twice as far off.
    assert np.abs(pixels - original).mean() < 0.5 * np.abs(original[1:] - original[:-1]).mean()


@pytest.mark.parametrize("name", ["hro_rgb.tif", "hro_rgba.tif", "cog_rgb_jpeg.tif"])
def test_real_pictures_with_pixels_that_are_not_square(name: str, shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "orthophotos/colorado" / name
    pictures = open_pictures([path])
    assert [issue.code for issue in pictures.issues] == ["PICTURE_GRID_DIFFERS"]
    decoded(pictures, tmp_path)
    pixels = pictures.read(whole(pictures), tmp_path)
    # 0.1498 m across and 0.15 m down: the last row has no room in a grid of 0.1498 m.
    original = plain(path)
    rows, columns = np.arange(8, 220), np.arange(8, 370)
    source_rows = np.rint((rows + 0.5) * pictures.resolution / 0.1499978958645129 - 0.5).astype(int)
    expected = original[source_rows[:, None], columns]
    opaque = (expected[..., 3] == 255) if expected.shape[2] == 4 else np.ones(expected.shape[:2], np.bool_)
    difference = np.abs(pixels[8:220, 8:370, :3].astype(float) - expected[..., :3])[opaque]
    shifted = np.abs(expected[1:, :, :3].astype(float) - expected[:-1, :, :3])[opaque[1:]]
    assert difference.mean() < 0.3 * shifted.mean()
    if expected.shape[2] == 4:
        assert (pixels[8:220, 8:370, 3] == expected[..., 3]).mean() > 0.99


@pytest.mark.parametrize(
    ("name", "crs", "given", "affine", "most"),
    [
        ("korea/cogeo.tif", "EPSG:32652", "EPSG:3857", (0.5971640348434448, 14321853.115736904, 4533021.525424092), 12),
        ("rmnp/rmnp-rgb.tif", "EPSG:32613", "EPSG:4326", (0.0015, -106.0566005603556, 40.61968153576429), 12),
    ],
)
def test_real_pictures_in_another_crs_lie_where_they_belong(
    name: str, crs: str, given: str, affine: tuple[float, float, float], most: float, shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / "orthophotos" / name
    pictures = open_pictures([path])
    assert pictures.crs == crs
    assert [issue.code for issue in pictures.issues] == ["PICTURE_WARPED"]
    decoded(pictures, tmp_path)
    window = whole(pictures)
    pixels = pictures.read(window, tmp_path)
    original = plain(path)[..., :3].astype(float)
    random = np.random.default_rng(5)
    rows, columns = random.integers(0, window.height, 20_000), random.integers(0, window.width, 20_000)
    places = np.stack(
        [window.west + (columns + 0.5) * window.resolution, window.north - (rows + 0.5) * window.resolution], axis=1
    )
    at = transformed(places, crs, given)
    step, west, north = affine
    x, y = (at[:, 0] - west) / step - 0.5, (north - at[:, 1]) / step - 0.5
    inside = (x > 2) & (y > 2) & (x < original.shape[1] - 3) & (y < original.shape[0] - 3)
    rows, columns, x, y = (values[inside] for values in (rows, columns, x, y))
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    u, v = (x - left)[:, None], (y - top)[:, None]
    bilinear = (
        original[top, left] * (1 - u) * (1 - v) + original[top, left + 1] * u * (1 - v)
        + original[top + 1, left] * (1 - u) * v + original[top + 1, left + 1] * u * v
    )  # fmt: skip
    found = pixels[rows, columns]
    opaque = found[:, 3] == 255
    # One of them has white nodata along its sides, and white clouds inside.
    white = (original[np.rint(y).astype(int), np.rint(x).astype(int)] == 255).all(axis=1)
    assert (opaque == ~white).mean() > 0.98
    difference = np.abs(found[:, :3] - bilinear)[opaque].mean()
    one_off = np.abs(original[top, left + 1] - original[top, left])[opaque].mean()
    assert difference < min(most, 0.6 * one_off)


def test_a_stray_codestream_has_no_place(shared_data: Path) -> None:
    with pytest.raises(SourceError, match="says nowhere where it lies"):
        open_pictures([shared_data / "orthophotos/jpeg2000/goodstuff.j2k"])


PIECE = st.tuples(
    st.integers(-20, 60), st.integers(-20, 60), st.integers(1, 70), st.integers(1, 70), st.sampled_from([0, 20, 255])
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(PIECE, min_size=1, max_size=5),
    view=st.tuples(*[st.integers(-30, 60)] * 2, *[st.integers(1, 90)] * 2),
)
def test_a_window_is_what_was_laid_there_the_newest_on_top(
    pieces: list[tuple[int, int, int, int, int]], view: tuple[int, int, int, int], tmp_path: Path
) -> None:
    canvas = np.zeros((400, 400, 4), np.uint8)
    origin = 150
    paths = []
    for number, (column, row, width, height, hole) in enumerate(pieces):
        bands = noise(height, width, 4, seed=number)
        bands[3] = 255
        bands[3].reshape(-1)[: height * width * hole // 255 // 2] = 0
        place = Affine(CELL, 0, WEST + column * CELL, 0, -CELL, NORTH - row * CELL)
        path = tmp_path / f"{9 - number}_{2000 + number}.tif"  # by year, not by name
        paths.append(write(path, bands, transform=place, photometric="RGB", alpha="YES"))
        target = canvas[origin + row : origin + row + height, origin + column : origin + column + width]
        pixels = bands.transpose(1, 2, 0)
        target[pixels[..., 3] > 0] = pixels[pixels[..., 3] > 0]
    pictures = open_pictures(paths[::-1])
    assert [file.name for file in pictures.files] == [str(path) for path in paths]
    decoded(pictures, tmp_path)
    column, row, width, height = view
    found = pictures.read(window_of(height, width, column=column, row=row), tmp_path)
    assert found.dtype == np.uint8
    assert (found == canvas[origin + row : origin + row + height, origin + column : origin + column + width]).all()


def test_translucent_pixels_are_blended_with_what_lies_below(tmp_path: Path) -> None:
    below = np.full((3, 40, 4), 200, np.uint8)
    above = np.full((4, 40, 4), 100, np.uint8)
    above[3] = 0
    above[3, 0] = 64
    above[3, 1] = 255
    paths = [
        write(tmp_path / "a_2001.tif", below),
        write(tmp_path / "b_2002.tif", above, photometric="RGB", alpha="YES"),
    ]
    pictures = open_pictures(paths)
    decoded(pictures, tmp_path)
    found = pictures.read(window_of(4, 4), tmp_path)
    assert found[0, 0].tolist() == [175, 175, 175, 255]
    assert found[1, 0].tolist() == [100, 100, 100, 255]
    assert found[2, 0].tolist() == [200, 200, 200, 255]


@pytest.mark.parametrize("most", [32 << 20, 64 * 140])
def test_parts_in_any_order_and_process_give_the_same_picture(
    most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch_module, "_PIXELS_AT_ONCE", 64 * 300)
    monkeypatch.setattr(scratch_module, "_MOST_AT_ONCE", most)  # the second makes pieces of 128, 128 and 44 columns
    values = noise(500, 300)
    pictures = open_pictures([write(tmp_path / "a.tif", values, tiled=True, blockxsize=64, blockysize=64)])
    assert pictures.files[0].parts == 8
    for part in (7, 2, 0, 5, 1, 6, 4, 3):
        copy: Pictures = pickle.loads(pickle.dumps(pictures))  # noqa: S301  # our own
        assert copy.decode(0, part, tmp_path) == ()
    assert (pictures.read(window_of(500, 300), tmp_path)[..., :3] == values.transpose(1, 2, 0)).all()
    smooth = np.linspace(30, 220, 500 * 300).reshape(1, 500, 300).astype(np.uint8).repeat(3, axis=0)
    jpeg = open_pictures(
        [write(tmp_path / "b.jpg", smooth, driver="JPEG", WORLDFILE="YES", QUALITY=100)], crs="EPSG:25832"
    )
    assert jpeg.files[0].parts == 1
    assert jpeg.decode(0, 0, tmp_path) == ()
    assert (jpeg.read(window_of(500, 300), tmp_path)[..., :3] == plain(tmp_path / "b.jpg")).all()


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_coarser_windows_are_means(factor: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_module, "_PIXELS_AT_ONCE", 4000)  # several pieces of rows
    values = noise(240, 240)
    pictures = open_pictures([write(tmp_path / "a.tif", values)])
    decoded(pictures, tmp_path)
    size = 240 // factor
    found = pictures.read(Window(WEST, NORTH, CELL * factor, size, size), tmp_path)
    means = values.reshape(3, size, factor, size, factor).mean(axis=(2, 4)).transpose(1, 2, 0)
    assert np.abs(found[..., :3] - means).max() <= 1
    assert (found[..., 3] == 255).all()


def test_windows_beside_each_other_show_no_seam(tmp_path: Path) -> None:
    pictures = open_pictures([write(tmp_path / "a.tif", noise(200, 200))])
    decoded(pictures, tmp_path)
    for resolution in (0.3, 0.5, 0.71, 1.7):
        at_once = pictures.read(Window(WEST - 3, NORTH + 3, resolution, 120, 60), tmp_path)
        left = pictures.read(Window(WEST - 3, NORTH + 3, resolution, 50, 60), tmp_path)
        right = pictures.read(Window(WEST - 3 + 50 * resolution, NORTH + 3, resolution, 70, 60), tmp_path)
        apart = np.concatenate([left, right], axis=1)
        assert np.abs(apart.astype(int) - at_once.astype(int)).max() <= 1


def test_neighbours_leave_no_gap_and_no_fringe_where_they_are_resampled(tmp_path: Path) -> None:
    grey = np.full((3, 101, 101), 150, np.uint8)
    step = 0.2003
    paths = [
        write(tmp_path / f"{column}{row}.tif", grey,
              transform=Affine(step, 0, WEST + 101 * step * column, 0, -step, NORTH - 101 * step * row))
        for column in (0, 1) for row in (0, 1)
    ]  # fmt: skip
    paths.append(write(tmp_path / "fine.tif", grey, transform=Affine(0.1, 0, WEST + 500, 0, -0.1, NORTH)))
    pictures = open_pictures(paths)
    decoded(pictures, tmp_path)
    for resolution in (0.05, 0.1, 0.33, 1.0, 4.0):
        size = int(200 * step / resolution)
        found = pictures.read(Window(WEST, NORTH, resolution, size, size), tmp_path)
        assert (found == [150, 150, 150, 255]).all(), resolution


def test_a_picture_over_nothing_has_no_dark_fringe(tmp_path: Path) -> None:
    rgba = np.full((4, 100, 100), 180, np.uint8)
    rgba[3] = 255
    rgba[:, :, :50] = 0
    pictures = open_pictures([write(tmp_path / "a.tif", rgba, photometric="RGB", alpha="YES")])
    decoded(pictures, tmp_path)
    for window in (Window(WEST, NORTH, 0.31, 150, 150), Window(WEST, NORTH, 3.0, 16, 16)):
        found = pictures.read(window, tmp_path)
        assert found[found[..., 3] > 0][:, :3].min() >= 178
        assert (found[..., 3] == 0).any()


@pytest.mark.parametrize("turn", [-90, -33, 0, 12, 90, 180])
def test_turned_and_mirrored_pictures_lie_where_they_belong(turn: float, tmp_path: Path) -> None:
    size = 160
    y, x = np.mgrid[0:size, 0:size]
    values = np.stack([x + 40, y + 40, 128 + 0 * x]).astype(np.uint8)
    for mirrored in (False, True):
        place = Affine.translation(WEST + 60, NORTH - 60) @ Affine.rotation(turn)
        place @= Affine.scale(CELL, CELL if mirrored else -CELL) @ Affine.translation(-size / 2, -size / 2)
        pictures = open_pictures([write(tmp_path / f"{mirrored}.tif", values, transform=place)])
        decoded(pictures, tmp_path)
        found = pictures.read(Window(WEST, NORTH, 0.5, 240, 240), tmp_path).astype(float)
        rows, columns = np.nonzero(found[..., 3] == 255)
        assert abs(len(rows) - size * size) <= 2 * size
        px, py = ~place @ (WEST + (columns + 0.5) * 0.5, NORTH - (rows + 0.5) * 0.5)
        inner = (px > 3) & (px < size - 3) & (py > 3) & (py < size - 3)
        shown = found[rows, columns][inner]
        assert np.abs(shown[:, 0] - (px[inner] - 0.5 + 40)).max() < 1.1
        assert np.abs(shown[:, 1] - (py[inner] - 0.5 + 40)).max() < 1.1


def test_pixel_is_point_and_world_files_mean_the_same_place(tmp_path: Path) -> None:
    values = noise(64, 64)
    write(tmp_path / "a.tif", values)
    write(tmp_path / "b.tif", values, transform=None, crs=None, tiled=True)
    (tmp_path / "b.tfw").write_text(f"{CELL}\n0\n0\n{-CELL}\n{WEST + CELL / 2}\n{NORTH - CELL / 2}\n")
    (tmp_path / "b.prj").write_text(
        'PROJCS["ETRS_1989_UTM_Zone_32N",GEOGCS["GCS_ETRS_1989",DATUM["D_ETRS_1989",SPHEROID["GRS_1980",6378137.0,'
        '298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
        'PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",9.0],'
        'PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )
    with rasterio.open(
        tmp_path / "c.tif", "w", driver="GTiff", count=3, height=64, width=64, dtype="uint8", crs="EPSG:25832",
        transform=HERE,
    ) as file:  # fmt: skip
        file.update_tags(AREA_OR_POINT="Point", TIFFTAG_DATETIME="2021:06:30 11:00:00")
        file.write(values)
    for name in "abc":
        pictures = open_pictures([tmp_path / f"{name}.tif"])
        assert pictures.crs == "EPSG:25832"
        decoded(pictures, tmp_path)
        assert (pictures.read(window_of(64, 64), tmp_path)[..., :3] == values.transpose(1, 2, 0)).all()
    assert pictures.files[0].date == "2021-06-30"


def test_the_most_frequent_metric_crs_is_the_one_that_is_read(tmp_path: Path) -> None:
    zone_31 = transformed(np.array([[WEST, NORTH]]), "EPSG:25832", "EPSG:25831")[0]
    other = write(
        tmp_path / "z.tif", noise(64, 64), crs="EPSG:25831",
        transform=Affine(CELL, 0, zone_31[0], 0, -CELL, zone_31[1]),
    )  # fmt: skip
    own = [
        write(tmp_path / f"{name}.tif", noise(64, 64), transform=HERE @ Affine.translation(64 * number, 0))
        for number, name in enumerate("ab")
    ]
    assert open_pictures([other]).crs == "EPSG:25831"
    both = open_pictures([other, *own])
    assert both.crs == "EPSG:25832"
    assert both.resolution == CELL
    assert [issue.code for issue in both.issues] == ["PICTURE_WARPED"]
    assert abs(both.files[-1].covers.west - WEST) < 10


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", noise(64, 64))
    (tmp_path / "b.tif").symlink_to(path)
    pictures = open_pictures([path, tmp_path / "b.tif", path])
    assert [issue.code for issue in pictures.issues] == ["PICTURE_NAMED_TWICE"] * 2
    assert len(pictures.files) == 1


def test_fingerprints_follow_the_file_and_its_reading(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", noise(64, 64, 4))

    def fingerprint(**options: Any) -> str:
        return open_pictures([path], **options).files[0].fingerprint

    first = fingerprint()
    assert fingerprint() == first
    others = {fingerprint(picture="infrared"), fingerprint(crs="EPSG:25833")}
    (tmp_path / "a.tfw").write_text(f"{CELL}\n0\n0\n{-CELL}\n{WEST}\n{NORTH}\n")
    others.add(fingerprint())
    (tmp_path / "a.tfw").unlink()
    assert fingerprint() == first
    write(path, noise(64, 64, 4, seed=2))
    others.add(fingerprint())
    assert len({first, *others}) == 5


def test_old_coordinates_are_brought_over_and_how_exactly_is_told(tmp_path: Path) -> None:
    corner = transformed(np.array([[WEST, NORTH]]), "EPSG:25832", "EPSG:31466")[0]
    old = write(
        tmp_path / "a.tif", noise(64, 64), crs="EPSG:31466", transform=Affine(CELL, 0, corner[0], 0, -CELL, corner[1])
    )
    new = write(tmp_path / "b.tif", noise(64, 64), transform=HERE @ Affine.translation(64, 0))
    both = open_pictures([old, new, write(tmp_path / "c.tif", noise(8, 8))])
    assert both.crs == "EPSG:25832"
    assert [issue.code for issue in both.issues] == ["HORIZONTAL_ACCURACY", "PICTURE_WARPED"]
    assert abs(both.files[0].covers.west - WEST) < 3


def test_odd_names_are_read_and_those_that_gdal_cannot_open_are_told(tmp_path: Path) -> None:
    plain_name = write(tmp_path / "a.tif", noise(8, 8))
    for name in ("Häuser 50%.tif", "a!b#c?d.tif", "file:x.tif", "-x.tif", "[a-z]*.tif"):
        path = plain_name.with_name(name)
        path.write_bytes(plain_name.read_bytes())
        pictures = open_pictures([path])
        assert decoded(pictures, tmp_path) == []
    path = plain_name.with_name(os.fsdecode(b"H\xe4user.tif"))
    path.write_bytes(plain_name.read_bytes())
    with pytest.raises(SourceError, match="has a name that is no UTF-8, which GDAL cannot open; rename the file"):
        open_pictures([path])


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    pictures = open_pictures([write(tmp_path / "a.tif", noise(8, 8))])
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "picture-0.rgba").symlink_to("/dev/full")
    with pytest.raises(TilesetError, match=r"decoded pictures cannot be written: No space left on device; make room"):
        pictures.decode(0, 0, tmp_path / "scratch")


def test_gdal_keeps_what_it_has_decoded() -> None:
    """In bytes, not in megabytes: with room for nothing, JPEG 2000 was decoded anew for each of its bands."""
    block = 1024 * 1024 * 4  # that in which JPEG 2000 is read, four bands of bytes
    with fence():
        assert 10 * block < get_gdal_config("GDAL_CACHEMAX") <= 128 << 20


def test_one_very_fine_picture_does_not_make_all_as_fine(tmp_path: Path) -> None:
    fine = write(tmp_path / "drone.tif", noise(40, 40), transform=Affine(CELL / 50, 0, WEST, 0, -CELL / 50, NORTH))
    paths = [fine, write(tmp_path / "dop.tif", noise(64, 64))]
    pictures = open_pictures(paths)
    assert pictures.resolution == CELL
    assert [issue.message for issue in pictures.issues] == [
        (
            "1 of 2 files are resampled to EPSG:25832 at 0.5 m; drone.tif has 0.01 m, to which the others cannot "
            "follow: make a layer of its own of it to see all"
        )
    ]
    assert open_pictures(paths[:1]).resolution == CELL / 50
    four_times = write(tmp_path / "b.tif", noise(40, 40), transform=Affine(CELL / 4, 0, WEST, 0, -CELL / 4, NORTH))
    assert open_pictures([four_times, paths[1]]).resolution == CELL / 4
