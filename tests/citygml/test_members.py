"""The way in: no entity is expanded, no other file is opened, memory does not grow with the file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from citygml.members import Document
from citygml.reader import CityGMLSource
from tests.citygml.whole import read
from zwilling.errors import SourceError

CONFORMANCE = Path(__file__).parent / "conformance"
SOUND = (CONFORMANCE / "sound.gml").read_text(encoding="utf-8")
HEAD, REST = SOUND.split("  <cityObjectMember>", 1)
MEMBER = "  <cityObjectMember>" + REST.removesuffix("</CityModel>\n")


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _buildings(count: int) -> Iterator[str]:
    yield HEAD
    for number in range(count):
        yield MEMBER.replace('gml:id="B1"', f'gml:id="B{number}"')
    yield "</CityModel>\n"


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.gml: there is no such file"):
        read(tmp_path / "nowhere.gml")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a folder, not a file"):
        read(tmp_path)


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Be a user to whom permissions apply: root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_no_permission(tmp_path: Path) -> None:
    path = _write(tmp_path / "secret.gml", SOUND)
    path.chmod(0)
    with _as_nobody(), pytest.raises(SourceError, match=r"cannot be read \(Permission denied\)"):
        read(path)


def test_nested_ten_thousand_deep(tmp_path: Path) -> None:
    count = 5000
    nested = "<gml:CompositeSurface><gml:surfaceMember>" * count + "</gml:surfaceMember></gml:CompositeSurface>" * count
    path = _write(tmp_path / "deep.gml", SOUND.replace("<gml:Polygon", f"{nested}<gml:Polygon", 1))
    with pytest.raises(SourceError, match="line 6: XML beyond every sound measure"):
        read(path)


def test_nested_as_deep_as_the_parser_goes(tmp_path: Path) -> None:
    count = 100
    opening, closing = "<gml:CompositeSurface><gml:surfaceMember>", "</gml:surfaceMember></gml:CompositeSurface>"
    text = SOUND.replace("<gml:Polygon", opening * count + "<gml:Polygon", 1)
    text = text.replace("</gml:Polygon>", "</gml:Polygon>" + closing * count, 1)
    assert read(_write(tmp_path / "deep.gml", text)).triangle_count == 12


def test_an_object_of_nothing_but_elements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four bytes of text are some hundred in memory."""
    path = _write(tmp_path / "many.gml", SOUND.replace("<bldg:boundedBy>", "<x/>" * 200_000 + "<bldg:boundedBy>", 1))
    assert read(path).triangle_count == 12
    monkeypatch.setattr("citygml.members._COUNTED_FROM", 300_000)
    monkeypatch.setattr("citygml.members._MOST_TAGS", 50_000)
    with pytest.raises(SourceError, match="one object has more than 50000 XML tags; check the file"):
        read(path)


def test_twenty_thousand_attributes(tmp_path: Path) -> None:
    many = " ".join(f'a{number}="1"' for number in range(20_000))
    path = _write(tmp_path / "many.gml", SOUND.replace("<bldg:Building ", f"<bldg:Building {many} "))
    with pytest.raises(SourceError, match="gml:id=B1: an element with 20001 XML attributes"):
        read(path)


@pytest.mark.parametrize("place", ['gml:id="', "<gml:posList>"])
def test_huge_text(place: str, tmp_path: Path) -> None:
    path = _write(tmp_path / "huge.gml", SOUND.replace(place, place + "1 " * 6_000_000, 1))
    with pytest.raises(SourceError, match=r"line \d+: XML beyond every sound measure"):
        read(path)


def test_huge_prolog(tmp_path: Path) -> None:
    comments = f"<!--{'x' * 1000}-->\n" * 2000
    path = _write(tmp_path / "prolog.gml", SOUND.replace("<CityModel", comments + "<CityModel"))
    with pytest.raises(SourceError, match="no root element in the first"):
        read(path)


def test_endless_object_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citygml.members._LARGEST_MEMBER", 1 << 19)
    filler = "<gml:name>a</gml:name>" * 60_000
    path = _write(tmp_path / "endless.gml", SOUND.replace("      <bldg:boundedBy>", filler + "<bldg:boundedBy>", 1))
    with pytest.raises(SourceError, match="one object is larger than"):
        read(path)
    short = _write(tmp_path / "many.gml", "".join(_buildings(400)))
    assert short.stat().st_size > 1 << 19
    assert len(read(short).ids) == 400


def test_what_was_read_before_a_fault_is_not_the_end(tmp_path: Path) -> None:
    """Batches come out of a cut-off file, and then the error: who publishes them without its end is warned."""
    text = "".join(_buildings(1200))
    path = _write(tmp_path / "cut.gml", text[:-200])
    batches = CityGMLSource(path).batches()
    assert next(batches).features_in == 512
    with pytest.raises(SourceError, match="the file ends in the middle of its XML"):
        list(batches)


ESCAPES = [
    '<!DOCTYPE CityModel [<!ENTITY x SYSTEM "{pipe}">]>',
    '<!DOCTYPE CityModel [<!ENTITY x SYSTEM "file://{pipe}">]>',
    '<!DOCTYPE CityModel [<!ENTITY % x SYSTEM "{pipe}"> %x;]>',
    '<!DOCTYPE CityModel SYSTEM "{pipe}">',
    '<!DOCTYPE CityModel PUBLIC "-//A//B" "{pipe}" []>',
]


@pytest.mark.parametrize("doctype", ESCAPES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_no_other_file_is_opened(doctype: str, encoding: str, tmp_path: Path) -> None:
    """A named pipe that blocks whoever opens it stands where the entity points to."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    head = f"<!-- a -->\n<?pi b?>\n{doctype.format(pipe=pipe)}\n<CityModel"
    stated = encoding.removesuffix("-sig").upper()
    text = SOUND.replace("<CityModel", head, 1).replace("UTF-8", stated, 1)
    path = tmp_path / "xxe.gml"
    path.write_text(text.replace("<gml:posList>", "<gml:posList>&x;", 1), encoding=encoding)
    with pytest.raises(SourceError, match="the file has a DOCTYPE"):
        read(path)


@pytest.mark.parametrize("doctype", ESCAPES)
def test_the_parser_itself_opens_no_other_file(doctype: str, tmp_path: Path) -> None:
    """The second lock: what happens if a DOCTYPE does reach the parser, tried in a process that can be ended."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = (
        "import sys; from lxml import etree; from citygml.members import _parser\n"
        "parser = _parser(None, ('start',))\n"
        "try: parser.feed(sys.argv[1].encode()); parser.close()\n"
        "except etree.XMLSyntaxError: pass\n"
    )
    document = f"{doctype.format(pipe=pipe)}<CityModel>&x;</CityModel>"
    subprocess.run([sys.executable, "-c", script, document], check=True, timeout=60)


def test_schema_locations_and_inclusions_are_not_followed(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    schema = f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://a {pipe}" '
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{pipe}"/>'
    text = SOUND.replace("<CityModel ", f"<CityModel {schema}", 1).replace("      <bldg:bou", include + "<bldg:bou", 1)
    assert read(_write(tmp_path / "schema.gml", text)).triangle_count == 12


@pytest.mark.parametrize(
    "stated", ["UTF-7", "ISO-2022-JP", "HZ", "UTF-16", "UTF-32", "EBCDIC-CP-US", "IBM037", "utf8mb4", "../etc/passwd"]
)
def test_encodings_that_could_hide_a_doctype(stated: str, tmp_path: Path) -> None:
    """In UTF-7, `+ADwAIQ-DOCTYPE` is a DOCTYPE; what the prolog's scanner cannot read is refused."""
    path = _write(tmp_path / "a.gml", SOUND.replace("UTF-8", stated, 1))
    with pytest.raises(SourceError, match="line 1: wrong encoding: it states"):
        read(path)


@pytest.mark.parametrize(
    "declaration",
    [
        '<?xml version="1.0"' + " " * 2000 + 'encoding="UTF-7"?>',
        '<?xml version="1.0" standalone=\'encoding="utf-8"\' encoding="UTF-7"?>',
        "<?xml version='1.0'\n encoding\n=\n'UTF-7'?>",
        "<?xml\tencoding='UTF-7'?>",
    ],
)
def test_declarations_that_could_hide_an_encoding(declaration: str, tmp_path: Path) -> None:
    """What looks like text here is a DOCTYPE in UTF-7; in no spelling may the parser see it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    hidden = f'<!--+AC0ALQA+-+ADwAIQ-DOCTYPE CityModel SYSTEM "{pipe}"+AD4APA-!-- -->'
    path = _write(tmp_path / "a.gml", SOUND.replace(SOUND.splitlines()[0], declaration + hidden, 1))
    try:
        whole = read(path)
    except SourceError:
        return
    assert whole.triangle_count == 12, "read as UTF-8, in which it is a comment"


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "mark.gml"
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_text(SOUND.replace("UTF-8", encoding.removesuffix("-sig").upper(), 1), encoding=encoding)
        assert read(path).triangle_count == 12


def test_envelope_of_a_building_is_not_the_model_s(tmp_path: Path) -> None:
    own = '<gml:boundedBy><gml:Envelope srsName="EPSG:25833"/></gml:boundedBy>'
    path = _write(tmp_path / "own.gml", SOUND.replace("      <bldg:boundedBy>", own + "<bldg:boundedBy>", 1))
    document = Document(path)
    assert len(list(document.members())) == 1
    assert document.srs_name == "EPSG:25832+7837"
    assert read(path).batches[0].crs == "EPSG:25833"


def test_envelope_of_an_appearance_is_not_the_model_s(tmp_path: Path) -> None:
    app = "http://www.opengis.net/citygml/appearance/2.0"
    appearance = f"""<a:appearanceMember xmlns:a="{app}"><a:Appearance>
        <gml:boundedBy><gml:Envelope srsName="EPSG:25833"/></gml:boundedBy><a:surfaceDataMember/>
        </a:Appearance></a:appearanceMember>"""
    without = HEAD.replace("boundedBy>", "metaDataProperty>")
    for head, name in ((HEAD, "EPSG:25832+7837"), (without, "")):
        document = Document(_write(tmp_path / "painted.gml", head + appearance + MEMBER + "</CityModel>"))
        assert len(list(document.members())) == 1
        assert document.srs_name == name


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Peak resident memory of a process that reads 20 times as much is nearly the same."""
    small, large = tmp_path / "small.gml", tmp_path / "large.gml"
    for path, count in ((small, 600), (large, 12_000)):
        with path.open("w", encoding="utf-8") as stream:
            stream.writelines(_buildings(count))
    assert large.stat().st_size > 30e6
    peaks = [_peak_bytes(path) for path in (small, large)]
    assert peaks[1] - peaks[0] < 12e6


def _peak_bytes(path: Path) -> int:
    script = (
        "import sys, pathlib; from citygml.reader import CityGMLSource\n"
        "n = sum(len(b.feature_ids) for b in CityGMLSource(pathlib.Path(sys.argv[1])).batches())\n"
        "text = pathlib.Path('/proc/self/status').read_text()\n"
        "print(text.split('VmHWM:')[1].split()[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout) * 1024
