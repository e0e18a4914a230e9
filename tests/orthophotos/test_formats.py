"""What a file is: by its bytes, and never anything that leads elsewhere."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from orthophotos.formats import Format, format_of
from tests.orthophotos.picture_files import noise, write
from zwilling.errors import SourceError


@pytest.mark.parametrize(
    ("driver", "options", "kind"),
    [
        ("GTiff", {}, Format.TIFF),
        ("GTiff", {"BIGTIFF": "YES"}, Format.TIFF),
        ("GTiff", {"ENDIANNESS": "BIG"}, Format.TIFF),
        ("GTiff", {"ENDIANNESS": "BIG", "BIGTIFF": "YES"}, Format.TIFF),
        ("JP2OpenJPEG", {}, Format.JPEG2000),
        ("JP2OpenJPEG", {"CODEC": "J2K"}, Format.JPEG2000),
        ("PNG", {}, Format.PNG),
        ("JPEG", {}, Format.JPEG),
    ],
)
def test_kinds_are_told_by_bytes(driver: str, options: dict[str, Any], kind: Format, tmp_path: Path) -> None:
    made = write(tmp_path / "made", noise(40, 40), driver=driver, **options)
    assert format_of(made.rename(tmp_path / "misleading.vrt")) is kind


def test_text_and_packed_files_are_told_by_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("\n ncols 4\nnrows 4\n")
    (tmp_path / "b").write_text("354000.5 5643999.5 41.2\r\n")
    (tmp_path / "c").write_text("x;y;z\n354000,5;5643999,5;41,2\n")
    (tmp_path / "d").write_bytes(gzip.compress(b"anything"))
    with zipfile.ZipFile(tmp_path / "e", "w") as archive:
        archive.writestr("a.xyz", "1 2 3")
    kinds = [format_of(tmp_path / name) for name in "abcde"]
    assert kinds == [Format.ASCII_GRID, Format.XYZ, Format.XYZ, Format.GZIP, Format.ZIP]


@pytest.mark.parametrize(
    "text",
    [
        '<VRTDataset rasterXSize="4" rasterYSize="4"></VRTDataset>',
        '<?xml version="1.0"?>\n<!-- a -->\n<VRTDataset/>',
        "<GDAL_WMS><Service/></GDAL_WMS>",
        "\ufeff<gml:FeatureCollection/>",
        "<GDALTileIndexDataset/>",
    ],
)
def test_descriptions_of_rasters_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_text(text)
    with pytest.raises(SourceError, match=r"a\.tif: is no raster but a description of one .*; name the raster files"):
        format_of(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\0" * 9000, "holds only zeros"),
        (b"/vsicurl/http://127.0.0.1/a.tif", "none of the raster formats"),
        (b"\x89HDF\r\n\x1a\n", "none of the raster formats"),
        (b"%PDF-1.7", "none of the raster formats"),
        (b"GIF89a", "none of the raster formats"),
    ],
)
def test_what_is_no_raster_is_refused(content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(SourceError, match=problem) as raised:
        format_of(tmp_path / "a.tif")
    assert raised.value.remedy
    assert raised.value.source == str(tmp_path / "a.tif")


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    (tmp_path / "folder.tif").mkdir()
    for name, problem in (("pipe.tif", "pipe"), ("folder.tif", "folder"), ("absent.tif", "no such file")):
        with pytest.raises(SourceError, match=problem):
            format_of(tmp_path / name)
    for path in (Path("/vsicurl/http://127.0.0.1:9/a.tif"), Path("http://127.0.0.1:9/a.tif"), Path("a\0b.tif")):
        with pytest.raises(SourceError):
            format_of(path)
