"""Bad input: an error in one line with a remedy, or a finding; no traceback, no network, no endless wait."""

from __future__ import annotations

import pickle
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine

from orthophotos import heads
from orthophotos.formats import Format
from orthophotos.opening import opened
from orthophotos.pictures import open_pictures
from tests.orthophotos.picture_files import CELL, HERE, NORTH, WEST, decoded, noise, window_of, write
from zwilling.errors import SourceError, UnknownCRSError, ZwillingError


def read_all(path: Path, scratch: Path, **options: Any) -> np.ndarray[Any, Any]:
    pictures = open_pictures([path], **options)
    decoded(pictures, scratch)
    return pictures.read(window_of(64, 64), scratch)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """An address, and what was asked for there."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815  # http.server's name

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("driver", "options"),
    [
        ("GTiff", {}),
        ("GTiff", {"compress": "LZW", "tiled": True, "blockxsize": 64, "blockysize": 64}),
        ("GTiff", {"compress": "JPEG", "tiled": True, "blockxsize": 64, "blockysize": 64}),
        ("GTiff", {"compress": "DEFLATE"}),
        ("JP2OpenJPEG", {"BLOCKXSIZE": 64, "BLOCKYSIZE": 64}),
        ("JP2OpenJPEG", {}),
        ("PNG", {"WORLDFILE": "YES"}),
        ("JPEG", {"WORLDFILE": "YES"}),
        ("JPEG", {"WORLDFILE": "YES", "PROGRESSIVE": "YES"}),
    ],
)
@pytest.mark.parametrize("kept", [0.99, 0.6, 0.2, 0.02])
def test_what_is_cut_off_is_an_error(
    driver: str, options: dict[str, Any], kept: float, tmp_path: Path, scratch: Path
) -> None:
    path = write(tmp_path / "a.tif", noise(200, 200), driver=driver, **options)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(SourceError) as raised:
        read_all(path, scratch, crs="EPSG:25832")
    assert raised.value.source == str(path)
    assert raised.value.remedy
    assert str(tmp_path) not in raised.value.problem


def patched_tag(data: bytes, tag: int, value: int) -> bytes:
    """Return a little-endian classic TIFF with one inline value changed."""
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    changed = bytearray(data)
    for number in range(count):
        place = at + 2 + 12 * number
        if struct.unpack_from("<H", data, place)[0] == tag:
            struct.pack_into("<HII", changed, place + 2, 4, 1, value)
    return bytes(changed)


WIDTH, HEIGHT, BITS, SAMPLES, ROWS_PER_STRIP = 256, 257, 258, 277, 278


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (WIDTH, 0),
        (WIDTH, 0x7FFFFFFF),
        (WIDTH, 2_000_000),
        (HEIGHT, 0x7FFFFFFF),
        (HEIGHT, 900_000),
        (SAMPLES, 65535),
        (SAMPLES, 0),
        (ROWS_PER_STRIP, 0),
        (BITS, 64),
        (BITS, 0),
    ],
)
def test_lying_tiff_heads_are_errors(tag: int, value: int, tmp_path: Path, scratch: Path) -> None:
    path = write(tmp_path / "a.tif", noise(64, 64))
    path.write_bytes(patched_tag(path.read_bytes(), tag, value))
    with pytest.raises(SourceError) as raised:
        read_all(path, scratch)
    assert raised.value.source == str(path)


def test_lying_jpeg2000_heads_are_errors(tmp_path: Path, scratch: Path) -> None:
    path = write(tmp_path / "a.jp2", noise(64, 64), driver="JP2OpenJPEG")
    data = path.read_bytes()
    at = data.index(b"\xff\x4f\xff\x51") + 8
    for width, height in ((0, 64), (0x7FFFFFFF, 0x7FFFFFFF), (900_000, 4_000), (640, 64)):
        path.write_bytes(data[:at] + struct.pack(">II", width, height) + data[at + 8 :])
        with pytest.raises(SourceError):
            read_all(path, scratch)


def test_bombs_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    sparse = tmp_path / "sparse.tif"
    with rasterio.open(
        sparse, "w", driver="GTiff", width=40_000, height=40_000, count=3, dtype="uint8", crs="EPSG:25832",
        transform=HERE, sparse_ok=True, tiled=True, blockxsize=4096, blockysize=4096,
    ):  # fmt: skip
        pass
    with pytest.raises(SourceError, match=r"claims 40,000 x 40,000 pixels in .* bytes"):
        open_pictures([sparse])
    with rasterio.open(
        sparse, "w", driver="GTiff", width=90_000, height=90_000, count=1, dtype="uint8", crs="EPSG:25832",
        transform=HERE, sparse_ok=True, tiled=True,
    ):  # fmt: skip
        pass
    with pytest.raises(SourceError, match=r"more than .* in one file are not read"):
        open_pictures([sparse])


def test_huge_pieces_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.tif", noise(512, 512), tiled=True, blockxsize=512, blockysize=512, compress="DEFLATE")
    monkeypatch.setattr(heads, "_MAX_BLOCK_BYTES", 512 * 512 * 3 - 1)
    with pytest.raises(SourceError, match="compressed in pieces of 512 x 512 pixels"):
        open_pictures([path])


def test_nothing_leads_to_the_network(asked: tuple[str, list[str]], tmp_path: Path, scratch: Path) -> None:
    address, seen = asked
    vrt = (
        '<VRTDataset rasterXSize="64" rasterYSize="64"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>/vsicurl/{address}/a.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    (tmp_path / "vrt.tif").write_text(vrt)
    good = write(tmp_path / "a.tif", noise(64, 64))
    # Overviews in GDAL's side file may be anywhere; it must not be followed.
    (tmp_path / "a.tif.aux.xml").write_text(
        f'<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">/vsicurl/{address}/b.tif</MDI></Metadata>'
        "</PAMDataset>"
    )
    with pytest.raises(SourceError):
        open_pictures([tmp_path / "vrt.tif"])
    for name in (f"/vsicurl/{address}/c.tif", f"{address}/d.tif", f"/vsizip/vsicurl/{address}/e.zip/f.tif"):
        with pytest.raises(SourceError):
            open_pictures([Path(name)])
    assert (read_all(good, scratch)[..., 3] == 255).all()
    assert seen == []


@pytest.mark.parametrize("beside", [".msk", ".ovr", ".msk.ovr"])
@pytest.mark.parametrize("how", ["{}/a.tif", "/vsicurl/{}/a.tif", "WMTS:{}/a.xml", "secret.tif"])
def test_overviews_and_masks_beside_a_file_lead_nowhere(
    beside: str, how: str, asked: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, seen = asked
    write(tmp_path / "secret.tif", noise(64, 64, 1))
    path = write(tmp_path / "a.tif", noise(64, 64))
    if beside == ".msk.ovr":
        write(tmp_path / "a.tif.msk", noise(64, 64, 1))
    name = str(tmp_path / how) if how == "secret.tif" else how.format(address)
    (tmp_path / f"a.tif{beside}").write_text(
        '<VRTDataset rasterXSize="64" rasterYSize="64"><Metadata><MDI key="INTERNAL_MASK_FLAGS_1">2</MDI></Metadata>'
        f'<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename>{name}</SourceFilename></SimpleSource>'
        "</VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(SourceError, match=rf"{beside} beside it is no TIFF that stands for itself.*; delete a\.tif"):
        open_pictures([path])
    assert seen == []


@pytest.mark.parametrize("beside", ["", ".msk", ".ovr"])
def test_overviews_that_metadata_names_are_not_followed(
    beside: str, asked: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, seen = asked
    path = write(tmp_path / "a.tif", noise(64, 64))
    leading = write(tmp_path / f"a.tif{beside}", noise(64, 64, 1 if beside == ".msk" else 3))
    with rasterio.open(leading, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=f"{address}/a.tif")
    with pytest.raises(SourceError, match="stands for itself" if beside else "names another file for its overviews"):
        open_pictures([path])
    assert seen == []


def test_a_mask_beside_a_picture_is_taken(tmp_path: Path, scratch: Path) -> None:
    path = write(tmp_path / "a.tif", noise(64, 64))
    shown = np.zeros((64, 64), np.uint8)
    shown[:, 20:] = 255
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(shown)
    assert (tmp_path / "a.tif.msk").is_file()
    assert np.array_equal(read_all(path, scratch)[..., 3], shown)


def test_the_longest_name_that_there_can_be(tmp_path: Path, scratch: Path) -> None:
    path = write(tmp_path / f"{'a' * 251}.tif", noise(64, 64))
    assert (read_all(path, scratch)[..., 3] == 255).all()


def test_side_files_of_gdal_name_a_crs_and_nothing_else(tmp_path: Path, scratch: Path) -> None:
    path = write(tmp_path / "a.tif", noise(64, 64), crs=None)
    (tmp_path / "a.tif.aux.xml").write_text(
        "<PAMDataset><SRS>PROJCS[&quot;EPSG:25832&quot;,GEOGCS[&quot;ETRS89&quot;,DATUM[&quot;unknown&quot;,"
        "SPHEROID[&quot;GRS 1980&quot;,6378137,298.257222101]],PRIMEM[&quot;Greenwich&quot;,0],"
        "UNIT[&quot;degree&quot;,0.0174532925199433]],PROJECTION[&quot;Transverse_Mercator&quot;],"
        "PARAMETER[&quot;latitude_of_origin&quot;,0],PARAMETER[&quot;central_meridian&quot;,9],"
        "PARAMETER[&quot;scale_factor&quot;,0.9996],PARAMETER[&quot;false_easting&quot;,500000],"
        "PARAMETER[&quot;false_northing&quot;,0],UNIT[&quot;metre&quot;,1]]</SRS>"
        "<GeoTransform>100, 1, 0, 100, 0, -1</GeoTransform></PAMDataset>"
    )
    assert open_pictures([path]).crs == "EPSG:25832"
    assert (read_all(path, scratch)[..., 3] == 255).all()


def test_a_driver_that_was_not_called_for_never_opens_a_file(tmp_path: Path) -> None:
    target = write(tmp_path / "target.tif", noise(64, 64))
    (tmp_path / "a.tif").write_text(
        '<VRTDataset rasterXSize="64" rasterYSize="64"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>{target}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(SourceError), opened(tmp_path / "a.tif", Format.TIFF):
        pass


def test_a_tiff_that_is_cut_off_is_found_before_it_is_decoded(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", noise(64, 64))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SourceError, match=r"is cut off: its data goes on to byte [\d,]+, the file has [\d,]+; fetch"):
        open_pictures([path])


def test_floats_are_no_pictures(tmp_path: Path) -> None:
    values = np.full((1, 64, 64), np.nan, np.float32)
    values[0, 0, 0] = np.inf
    with pytest.raises(SourceError, match="these are heights, not a picture; name it under heights"):
        open_pictures([write(tmp_path / "a.tif", values)])
    with pytest.raises(SourceError, match="pictures have 8 or 16 bits"):
        open_pictures([write(tmp_path / "b.tif", np.repeat(values, 3, axis=0))])


def test_nodata_everywhere_is_a_finding(tmp_path: Path, scratch: Path) -> None:
    pictures = open_pictures([write(tmp_path / "a.tif", np.full((3, 64, 64), 255, np.uint8), nodata=255)])
    assert decoded(pictures, scratch) == ["PICTURE_WITHOUT_CONTENT"]
    assert not pictures.read(window_of(64, 64), scratch).any()


def test_a_place_outside_of_the_crs_is_named_with_a_remedy(tmp_path: Path) -> None:
    swapped = Affine(CELL, 0, NORTH, 0, -CELL, WEST)
    with pytest.raises(SourceError, match=r"does not reach; its axes are swapped"):
        open_pictures([write(tmp_path / "a.tif", noise(64, 64), transform=swapped)])
    zone = Affine(CELL, 0, 32_000_000 + WEST, 0, -CELL, NORTH)
    with pytest.raises(SourceError, match=r"pass --crs EPSG:4647"):
        open_pictures([write(tmp_path / "b.tif", noise(64, 64), transform=zone)])
    degrees = Affine(1e-6, 0, 6.7, 0, -1e-6, 51.2)
    with pytest.raises(SourceError, match=r"pass --crs EPSG:4258"):
        open_pictures([write(tmp_path / "c.tif", noise(64, 64), transform=degrees)])
    with pytest.raises(SourceError, match=r"does not reach"):
        open_pictures([write(tmp_path / "d.tif", noise(64, 64), crs="EPSG:4326")])


def test_a_missing_crs_or_place_is_an_error_that_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UnknownCRSError, match=r"a\.tif: names no coordinate system; pass --crs"):
        open_pictures([write(tmp_path / "a.tif", noise(64, 64), crs=None)])
    with pytest.raises(SourceError, match=r"b\.tif: says nowhere where it lies; put its world file"):
        open_pictures([write(tmp_path / "b.tif", noise(64, 64), transform=None)], crs="EPSG:25832")
    with pytest.raises(UnknownCRSError, match="no known coordinate system"):
        open_pictures([write(tmp_path / "c.tif", noise(64, 64))], crs="UTM32")
    with pytest.raises(SourceError, match="pixels of"):
        open_pictures([write(tmp_path / "d.tif", noise(64, 64), transform=Affine(1e-5, 0, WEST, 0, -1e-5, NORTH))])


def test_infrared_needs_an_infrared_band(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match='has no near infrared band; set picture = "rgb"'):
        open_pictures([write(tmp_path / "a.tif", noise(64, 64))], picture="infrared")


def test_no_files_and_archives(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no pictures are named"):
        open_pictures([])
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(SourceError, match=r"is no picture \(zip\)"):
        open_pictures([tmp_path / "a.zip"])


def test_one_pixel_is_a_picture(tmp_path: Path, scratch: Path) -> None:
    path = write(tmp_path / "a.tif", np.array([[[7]], [[8]], [[9]]], np.uint8), nodata=255)
    pictures = open_pictures([path])
    decoded(pictures, scratch)
    found = pictures.read(window_of(2, 2), scratch)
    assert found[0, 0].tolist() == [7, 8, 9, 255]
    assert not found.reshape(-1, 4)[1:].any()


@pytest.mark.parametrize("driver", ["GTiff", "JP2OpenJPEG", "PNG", "JPEG"])
def test_broken_bytes_are_an_error_or_a_picture(driver: str, tmp_path: Path, scratch: Path) -> None:
    path = write(tmp_path / "a.tif", noise(64, 64), driver=driver)
    whole = path.read_bytes()

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        changes=st.lists(
            st.tuples(st.integers(0, min(len(whole), 600) - 1), st.integers(0, 255)), min_size=1, max_size=6
        )
    )
    def hold(changes: list[tuple[int, int]]) -> None:
        data = bytearray(whole)
        for place, value in changes:
            data[place] = value
        path.write_bytes(data)
        try:
            pictures = open_pictures([path], crs="EPSG:25832")
            if sum(file.parts for file in pictures.files) < 50:
                decoded(pictures, scratch)
                pictures.read(window_of(32, 32), scratch)
        except ZwillingError as error:
            assert "a.tif" in str(error)  # noqa: PT017

    hold()


def test_errors_are_one_line_and_can_be_pickled(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0\x08\0\0\0")
    with pytest.raises(SourceError) as raised:
        open_pictures([tmp_path / "a.tif"])
    assert "\n" not in str(raised.value)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)  # noqa: S301  # our own


def _with_words(path: Path, tag: int, words: bytes) -> Path:
    """Write a TIFF of 2 x 2 pixels with text in one more tag."""
    doubles = struct.pack("<9d", CELL, CELL, 0, 0, 0, 0, WEST, NORTH, 0)
    keys = struct.pack("<16H", 1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 25832)
    if tag == 34737:  # words about a CRS that the file defines by itself, whose title they are
        keys = struct.pack(
            "<20H", 1, 1, 0, 4, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32767, 3073, tag, len(words), 0
        )
    begin = 8 + 2 + 13 * 12 + 4
    places = np.cumsum([begin, 6, 24, 48, len(keys), len(words) + len(words) % 2])
    entries = [
        (256, 3, 1, 2), (257, 3, 1, 2), (258, 3, 3, places[0]), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, places[5]),
        (277, 3, 1, 3), (278, 3, 1, 2), (279, 4, 1, 12), (33550, 12, 3, places[1]), (33922, 12, 6, places[2]),
        (34735, 3, len(keys) // 2, places[3]), (tag, 2, len(words), places[4]),
    ]  # fmt: skip
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    head += b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries)) + bytes(4)
    data = struct.pack("<3H", 8, 8, 8) + doubles + keys + words + bytes(len(words) % 2) + bytes(range(50, 62))
    path.write_bytes(head + data)
    return path


GDAL_METADATA = "<GDALMetadata><Item name='A' sample='0' role='description'>Straße</Item></GDALMetadata>\0"


@pytest.mark.parametrize(("tag", "words"), [(270, "Straße\0"), (42112, GDAL_METADATA), (42112, "<GDALMetadatß>\0")])
def test_words_in_latin_1_do_no_harm(
    tag: int, words: str, tmp_path: Path, scratch: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = _with_words(tmp_path / "a.tif", tag, words.encode("latin-1"))
    assert read_all(path, scratch)[0, 0].tolist() == [50, 51, 52, 255]
    assert capfd.readouterr() == ("", "")


def test_a_crs_named_in_latin_1_is_an_error(tmp_path: Path) -> None:
    path = _with_words(tmp_path / "a.tif", 34737, "Gauß-Krüger|\0".encode("latin-1"))
    with pytest.raises(SourceError, match="letters that are no UTF-8, which is not read; name it anew: gdal_edit"):
        open_pictures([path])


def test_one_large_compressed_strip_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "_MAX_BLOCK_BYTES", 1 << 30)
    # GDAL gives strips of more than some ten megabytes row by row, each from the strip's beginning on.
    bands = np.broadcast_to(np.uint8(9), (3, 3000, 3000))
    path = write(tmp_path / "a.tif", bands, compress="LZW", blockysize=3000)
    assert heads.read_head(path).block == (1, 3000)
    (file,) = open_pictures([path]).files
    assert file.parts == 1
    monkeypatch.setattr(heads, "_MAX_BLOCK_BYTES", 3 * 3000 * 3000 - 1)
    with pytest.raises(SourceError, match="compressed in pieces of 3,000 x 3,000 pixels"):
        open_pictures([path])


def test_a_place_beyond_all_numbers_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", noise(64, 64), transform=Affine(1e307, 0, 0, 0, -1e307, 0))
    with pytest.raises(SourceError, match=r"lies around \(inf, -inf\)|lies around \(3\.2e\+308"):
        open_pictures([path])


def test_a_world_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", noise(64, 64), driver="PNG", crs=None, transform=None)
    (tmp_path / "a.pgw").write_text("\ufeff0.5\n0\n0\n-0.5\n354000\n5644000\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"a\.pgw beside it is not six lines of one number each; write a\.pgw anew"):
        open_pictures([path], crs="EPSG:25832")


def test_a_crs_without_a_plane_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", noise(64, 64))
    with pytest.raises(UnknownCRSError, match=r"is a Geocentric CRS \(WGS 84\), from which nothing can be placed"):
        open_pictures([path], crs="EPSG:4978")
