"""What kind of layer files belong to, and what is said where they are of several."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from zwilling.cli import main
from zwilling.kinds import kind_of, kind_of_all

XYZ = b"344000.5 5674000.5 41.25\n344001.5 5674000.5 41.30\n"
CONTENTS = [
    ("model.gml", b"<?xml version='1.0'?><core:CityModel/>", "buildings"),
    ("model.json", b'\xef\xbb\xbf\n{"type": "CityJSON"}', "buildings"),
    ("named.gml", b"II*\0" + bytes(40), "ground"),
    ("named.tif", b"<CityModel/>", "buildings"),
    ("picture", b"\x89PNG\r\n\x1a\n", "ground"),
    ("dgm1.xyz", XYZ, "ground"),
    ("comma.csv", b"x;y;z\n344000,5;5674000,5;41,2\n", "ground"),
    ("grid.asc", b"ncols 4\nnrows 4\n", "ground"),
    ("packed.gz", gzip.compress(XYZ), "ground"),
    ("model.gml.gz", gzip.compress(b"<CityModel/>"), "buildings"),
    ("cloud.laz", b"LASF" + bytes(400), "points"),
    ("cloud", b"LASF" + bytes(400), "points"),
    ("page.laz", b"<html>", "points"),
    ("page.tif", b"<!DOCTYPE html><html>", "ground"),
    ("elsewhere.tif", b"<VRTDataset/>", "ground"),
    ("zeros.jp2", bytes(40), "ground"),
    ("packed.las.gz", gzip.compress(b"LASF"), "points"),
    ("letter.pdf", b"%PDF-1.7", "buildings"),
    ("broken.gz", b"\x1f\x8b\x08", "buildings"),
]


@pytest.mark.parametrize(("name", "content", "kind"), CONTENTS, ids=[name for name, _, _ in CONTENTS])
def test_content_decides(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert kind_of(tmp_path / name) == kind


ARCHIVES = [
    (("a.tif", "a.tfw"), "ground"),
    (("b.gml", "legend.tif"), "buildings"),
    (("dgm1.xyz", "metadata.xml", "licence.pdf"), "ground"),
    (("dgm1.tif", "style.json"), "ground"),
    (("model.xml", "roof.jpg"), "buildings"),
    (("dop.jp2", "readme.txt"), "ground"),
]


@pytest.mark.parametrize(("names", "kind"), ARCHIVES)
def test_an_archive_is_what_it_holds(tmp_path: Path, names: tuple[str, ...], kind: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    assert kind_of(tmp_path / "a.zip") == kind


def test_what_is_of_no_known_kind_follows_the_others(tmp_path: Path) -> None:
    (tmp_path / "dgm1.xyz").write_bytes(XYZ)
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.7")
    assert kind_of_all([tmp_path / "letter.pdf", tmp_path / "dgm1.xyz", tmp_path / "missing.tif"]) == "ground"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_two_kinds_in_one_tileset_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dgm1.xyz").write_bytes(XYZ)
    (tmp_path / "a.gml").write_bytes(b"<CityModel/>")
    result = run("tile", tmp_path / "a.gml", tmp_path / "dgm1.xyz", "-o", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"zwilling: {tmp_path / 'a.gml'}: holds a city model, but dgm1.xyz holds a picture or terrain; "
        "run 'zwilling tile' for each kind, or name them as two layers in zwilling.toml\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "content", "option", "fits"),
    [
        ("dgm1.xyz", XYZ, ("--lod", 2), "buildings"),
        ("dgm1.xyz", XYZ, ("--skip-empty",), "buildings"),
        ("dgm1.xyz", XYZ, ("--outlines",), "buildings"),
        ("dgm1.xyz", XYZ, ("--compression", "none"), "buildings"),
        ("a.gml", b"<CityModel/>", ("--plane-height", 40), "ground"),
        ("a.gml", b"<CityModel/>", ("--picture", "rgb"), "ground"),
        ("a.gml", b"<CityModel/>", ("--no-globe",), "ground"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    tmp_path: Path, name: str, content: bytes, option: tuple[object, ...], fits: str
) -> None:
    (tmp_path / name).write_bytes(content)
    result = run("tile", tmp_path / name, "-o", tmp_path / "out", *option)
    assert result.exit_code == 2
    kind = "ground" if fits == "buildings" else "buildings"
    assert f"Error: {option[0]} is for {fits}, and these files are {kind}." in result.stderr
    assert not (tmp_path / "out").exists()
