"""gzip and zip: read as they come, and refused where they are made to do harm."""

from __future__ import annotations

import gzip
import io
import os
import stat
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from citygml.sources import is_cityjson, open_source, unpacked_size
from tests.citygml.whole import Whole, read
from zwilling.errors import SourceError
from zwilling.packed import entries, opened

SOUND = (Path(__file__).parent / "conformance" / "sound.gml").read_bytes()
BLANKS = SOUND.replace(b"</CityModel>", b" " * 50_000_000 + b"</CityModel>")


def _zip(path: Path, *files: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content, compress_type=method)
    return path


def _all(path: Path) -> list[Whole]:
    return [Whole(list(source.batches())) for source in open_source(path)]


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "a.gml.gz"
    path.write_bytes(gzip.compress(SOUND[:1000]) + gzip.compress(SOUND[1000:]))
    (whole,) = _all(path)
    assert (whole.ids, whole.triangle_count) == (["B1"], 12)


def test_zip_of_several_models_and_other_things(tmp_path: Path) -> None:
    second = SOUND.decode().replace('"B1"', '"B2"').replace("UTF-8", "UTF-16").encode("utf-16")
    path = _zip(
        tmp_path / "a.zip",
        ("lod2/", b""),
        ("lod2/one.gml", SOUND),
        ("readme.txt", b"a text"),
        ("metadata.xml", b"<?xml version='1.0'?><!-- <CityModel> --><MD_Metadata/>"),
        ("textures/a.jpg", b"\xff\xd8\xff"),
        ("lod2/two.without_suffix", second),
    )
    sources = open_source(path)
    assert [source.name for source in sources] == [f"{path}/lod2/one.gml", f"{path}/lod2/two.without_suffix"]
    assert [whole.ids for whole in _all(path)] == [["B1"], ["B2"]]


@pytest.mark.parametrize("name", ["nrw/LoD2_32_280_5657_1_NW.gml", "ogc/CityGMLv3_Building_LOD3-EPSG25832.gml"])
def test_packed_and_plain_are_the_same(name: str, shared_data: Path, tmp_path: Path) -> None:
    plain = shared_data / "citygml" / name
    (tmp_path / "a.gz").write_bytes(gzip.compress(plain.read_bytes()))
    _zip(tmp_path / "a.zip", ("tile.gml", plain.read_bytes()))
    expected = read(plain)
    for path in (tmp_path / "a.gz", tmp_path / "a.zip"):
        (whole,) = _all(path)
        assert (whole.ids, whole.volumes()) == (expected.ids, expected.volumes())
        assert whole.codes == expected.codes


def test_findings_and_errors_name_archive_and_entry(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", ("b/cut.gml", SOUND[:-100]))
    with pytest.raises(SourceError, match=r"a\.zip/b/cut\.gml: line \d+: the file ends in the middle"):
        _all(path)


def test_a_doctype_in_an_archive(tmp_path: Path) -> None:
    evil = SOUND.replace(b"<CityModel", b'<!DOCTYPE a [<!ENTITY x SYSTEM "/etc/passwd">]><CityModel', 1)
    path = _zip(tmp_path / "a.zip", ("evil.gml", evil))
    with pytest.raises(SourceError, match=r"a\.zip/evil\.gml: the file has a DOCTYPE"):
        _all(path)
    (tmp_path / "a.gz").write_bytes(gzip.compress(evil))
    with pytest.raises(SourceError, match="the file has a DOCTYPE"):
        _all(tmp_path / "a.gz")


@pytest.mark.parametrize("name", ["../a.gml", "/a.gml", "b/../../a.gml", "b\\a.gml", "C:/a.gml", "a\n.gml"])
def test_names_that_climb_out(name: str, tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", (name, SOUND), ("good.gml", SOUND))
    with pytest.raises(SourceError, match="has a name"):
        _all(path)
    assert list(tmp_path.iterdir()) == [path], "nothing is ever written"


def test_links(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link.gml")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(SourceError, match=r"link\.gml: is a link"):
        _all(_zip(tmp_path / "a.zip", (info, b"/etc/passwd")))


def test_duplicate_names(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = _zip(tmp_path / "a.zip", ("a.gml", SOUND), ("a.gml", SOUND))
    with pytest.raises(SourceError, match=r"a\.gml: stands 2 times"):
        _all(path)


def test_encrypted(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", ("a.gml", SOUND))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.gml: is encrypted"):
        _all(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_cannot_be_bounded(method: int, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is neither stored nor deflated"):
        _all(_zip(tmp_path / "a.zip", ("a.gml", SOUND), method=method))


def test_too_many_entries(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", *((f"{number}.gml", b"") for number in range(5000)))
    with pytest.raises(SourceError, match="holds 5000 entries; at most 4096 are read"):
        _all(path)
    path = _zip(tmp_path / "b.zip", *((f"{number}.gml", b"") for number in range(60_000)))
    with pytest.raises(SourceError, match="its directory is larger than 2 MB"):
        _all(path)


def test_archive_in_an_archive(tmp_path: Path) -> None:
    inner = _zip(tmp_path / "inner.zip", ("a.gml", SOUND)).read_bytes()
    with pytest.raises(SourceError, match=r"a\.zip: holds no CityGML and no CityJSON; unpack the archives in it"):
        _all(_zip(tmp_path / "a.zip", ("inner.zip", inner)))
    (tmp_path / "a.gz").write_bytes(gzip.compress(gzip.compress(SOUND)))
    with pytest.raises(SourceError, match=r"a\.gz: is an archive in an archive"):
        _all(tmp_path / "a.gz")


def test_what_is_not_read_of_an_archive_is_told_once(tmp_path: Path) -> None:
    inner = _zip(tmp_path / "inner.zip", ("a.gml", SOUND)).read_bytes()
    files = [
        *((f"pictures/{number}.jpg", b"\xff\xd8\xff") for number in range(7)),
        ("a.gml", SOUND),
        ("inner.zip", inner),
        ("b.gml", SOUND),
        ("listen/daecher.xml", b"<gml:Dictionary xmlns:gml='http://www.opengis.net/gml'/>"),
        ("b.gml.gz", gzip.compress(SOUND)),
    ]
    path = _zip(tmp_path / "a.zip", *files)
    first, second = _all(path)
    assert second.issues == []
    archives, others = first.issues
    assert (archives.code, archives.source, archives.where) == ("ARCHIVE_IN_ARCHIVE", str(path), "2 of 12 entries")
    assert archives.message == "archives in the archive are not read: inner.zip, b.gml.gz"
    assert (others.code, others.severity, others.where) == ("ENTRIES_PASSED_OVER", "info", "7 of 12 entries")
    assert others.message.endswith(f": {', '.join(f'pictures/{number}.jpg' for number in range(5))} and 2 more")


def test_bombs(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a\.gml: unpacks to 47 MB from \d+ bytes"):
        _all(_zip(tmp_path / "a.zip", ("a.gml", BLANKS)))
    (tmp_path / "a.gz").write_bytes(gzip.compress(BLANKS))
    with pytest.raises(SourceError, match=r"a\.gz: unpacks to more than \d+ MB"):
        _all(tmp_path / "a.gz")


def test_a_zip_that_lies_about_its_size(tmp_path: Path) -> None:
    """The directory says 1 kB, the data are 50 MB: no more is unpacked than it says, and then its checksum fails."""
    path = _zip(tmp_path / "a.zip", ("a.gml", BLANKS))
    content = bytearray(path.read_bytes())
    size = (1000).to_bytes(4, "little")
    content[22:26] = size
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = size
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"the archive is broken \(Bad CRC-32"):
        _all(path)


def test_entries_that_share_bytes(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", ("a.gml", SOUND), ("b.gml", SOUND))
    content = bytearray(path.read_bytes())
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    content[second + 42 : second + 46] = (0).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(SourceError, match="shares bytes with another entry"):
        _all(path)


def test_a_name_that_is_no_utf_8_though_it_says_so(tmp_path: Path) -> None:
    """A fuzzer's find: the name in front of the entry, not the one in the directory."""
    path = _zip(tmp_path / "a.zip", ("ä.gml", SOUND))
    content = path.read_bytes()
    path.write_bytes(content.replace("ä".encode(), b"\xab\xab", 1))
    with pytest.raises(SourceError, match="the archive is broken"):
        _all(path)


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize("spoil", [_cut, _flip, lambda content: content[:4], lambda content: content[:-1]])
def test_broken_archives(spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    for name, content in (
        ("a.gz", gzip.compress(SOUND)),
        ("a.zip", _zip(tmp_path / "whole.zip", ("a.gml", SOUND)).read_bytes()),
    ):
        path = tmp_path / name
        path.write_bytes(spoil(content))
        with pytest.raises(SourceError):
            _all(path)


def test_an_archive_without_models(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a\.zip: holds no CityGML and no CityJSON"):
        _all(_zip(tmp_path / "a.zip", ("readme.txt", b"a text")))
    (tmp_path / "b.zip").write_bytes(b"PK\x05\x06" + b"\0" * 18)
    with pytest.raises(SourceError, match=r"b\.zip: holds no CityGML and no CityJSON"):
        _all(tmp_path / "b.zip")


def test_an_entry_that_is_not_there(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", ("a.gml", SOUND))
    assert [entry.size for entry in entries(path)] == [len(SOUND)]
    for name, problem in (("b.gml", "there is no 'b.gml' in the archive"), ("", "an archive is not one file")):
        with pytest.raises(SourceError, match=problem), opened(path, name):
            pass


def test_memory_stays_flat_with_a_bomb(tmp_path: Path) -> None:
    """256 MB of comments in a gzip of some 300 kB, no part of which the parser minds."""
    path = tmp_path / "bomb.gz"
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    stream = io.BytesIO(packer.compress(SOUND.replace(b"</CityModel>", b"")))
    stream.seek(0, io.SEEK_END)
    comment = b"<!--" + b"x" * (1 << 20) + b"-->"
    for _ in range(256):
        stream.write(packer.compress(comment))
    path.write_bytes(stream.getvalue() + packer.flush())
    script = (
        "import sys, pathlib; from citygml.sources import open_source\n"
        "from zwilling.errors import SourceError\n"
        "try: list(open_source(pathlib.Path(sys.argv[1]))[0].batches())\n"
        "except SourceError as error:\n"
        "    text = pathlib.Path('/proc/self/status').read_text()\n"
        "    print(text.split('VmHWM:')[1].split()[0], error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    peak, error = done.stdout.split(" ", 1)
    assert "unpacks to more than" in error
    assert int(peak) < 120_000


def test_size_before_unpacking(shared_data: Path, tmp_path: Path) -> None:
    plain = shared_data / "citygml/nrw/LoD2_32_280_5657_1_NW.gml"
    (tmp_path / "a.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert unpacked_size(plain) == plain.stat().st_size
    assert 0.5 < unpacked_size(tmp_path / "a.gz") / plain.stat().st_size < 2
    assert unpacked_size(tmp_path / "nowhere") == 0


@pytest.mark.parametrize(
    ("begin", "kind"),
    [
        (b"BZh9", "bzip2"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "Zstandard"),
        (b"Rar!\x1a\x07", "RAR"),
    ],
)
def test_what_is_packed_otherwise_is_named(begin: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(begin + b"x" * 100)
    with pytest.raises(SourceError, match=f"is packed as {kind}; unpack it; gzip and zip are read"):
        _all(tmp_path / "a")


def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        assert not is_cityjson(tmp_path / name)
        with pytest.raises(SourceError, match=f"{name}: is a pipe or a device, not a file; write"):
            _all(tmp_path / name)
