"""Any bytes at all: batches that keep their promises, or one of the project's errors, and soon.

Hypothesis spoils small real files: it cuts, repeats, swaps and overwrites, and puts in what has hurt readers before.
"""

from __future__ import annotations

import gzip
import io
import json
import signal
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citygml.sources import open_source
from tests.citygml.test_cityjson import box_document, sequence_lines
from tests.citygml.whole import check_contract
from zwilling.errors import ZwillingError

CONFORMANCE = Path(__file__).parent / "conformance"
# Far more than any of these small inputs takes; a hang shows, a slow machine does not.
SECONDS = 60

SEEDS = (
    "misc/BridgeAndBuilding.gml",
    "misc/Test_XLink_0.gml",
    "kit/FZK-Haus-LoD2-KIT-IAI-KHH-B36-V1.gml",
    "ogc/CityGMLv3_Building_LOD2-EPSG25832.gml",
    "ogc/CityGMLv2_Building_LOD3-EPSG25832.gml",
)
XML_HURTS = [
    b"<!DOCTYPE a []>", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"&amp;", b"&lol;", b"&#0;", b"<?a ?>", b"\0",
    b"NaN ", b"INF ", b"1e400 ", b"1,5 ", b"-", b"9e99 ", b"9e98 9e98 9e98 ", b"0 0 0 ", b"99999999999999999999 ",
    b' srsName="EPSG:4326"', b' srsName=""', b' srsDimension="2"', b' srsDimension="x"', b' xlink:href="#a"',
    b' gml:id="a"', b' gml:id=""', b"<gml:pos>1 2 3</gml:pos>", b"<gml:posList/>", b"<gml:Polygon/>",
    b"<gml:surfaceMember>", b"</gml:surfaceMember>", b"<bldg:consistsOfBuildingPart>", b"</cityObjectMember>",
]  # fmt: skip
JSON_HURTS = [
    b"null", b"NaN", b"1e999", b"-1", b"99999999999999999999", b"[", b"]", b"{", b"}", b'"', b",", b"\n", b"[[[[",
    b"[]", b'"type":"Solid"', b'"type":"GeometryInstance"', b'"lod":"9"', b'"children":["a"]', b"\xef\xbb\xbf",
    b"\\ud800", b"1.5",
]  # fmt: skip
ZIP_HURTS = [b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\0\0\0\0", b"\xff\xff\xff\xff", b"../", b"\x1f\x8b\x08"]


@contextmanager
def _time_limit() -> Iterator[None]:
    def give_up(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"still reading after {SECONDS} s")

    old = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


def _survives(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for crs in (None, "EPSG:25832+7837"):
        with _time_limit(), suppress(ZwillingError):
            for source in open_source(path, crs=crs, skip_empty=crs is not None):
                for batch in source.batches():
                    check_contract(batch)


def _spoiled(draw: st.DrawFn, seeds: list[bytes], hurts: list[bytes]) -> bytes:
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        if not content:
            break
        at = draw(st.integers(0, len(content) - 1))
        to = min(len(content), at + draw(st.integers(0, 200)))
        match draw(st.sampled_from(("cut", "repeat", "move", "bytes", "hurt", "digit"))):
            case "cut":
                del content[at:to]
            case "repeat":
                content[at:at] = bytes(content[at:to]) * draw(st.integers(1, 20))
            case "move":
                piece = bytes(content[at:to])
                del content[at:to]
                place = draw(st.integers(0, len(content)))
                content[place:place] = piece
            case "bytes":
                content[at:to] = draw(st.binary(max_size=20))
            case "hurt":
                content[at : draw(st.sampled_from((at, to)))] = draw(st.sampled_from(hurts))
            case "digit":
                # A number somewhere becomes another: coordinates, indices, lengths.
                spot = next((i for i in range(at, len(content)) if content[i : i + 1].isdigit()), at)
                content[spot] = draw(st.integers(0, 255))
    return bytes(content)


@pytest.fixture(scope="module")
def models(shared_data: Path) -> list[bytes]:
    own = [path.read_bytes() for path in sorted(CONFORMANCE.glob("*.gml")) if path.stat().st_size < 20_000]
    return [*own, *((shared_data / "citygml" / name).read_bytes() for name in SEEDS)]


@pytest.fixture(scope="module")
def documents(shared_data: Path) -> list[bytes]:

    twin = json.loads((shared_data / "citygml/cityjson/lod2_buildings_v2.json").read_bytes())
    twin["CityObjects"] = dict(list(twin["CityObjects"].items())[:2])
    return [json.dumps(box_document()).encode(), json.dumps(twin).encode(), "\n".join(sequence_lines(4)).encode()]


LIMITS = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,  # CI judges changes, not luck; scripts of one's own may run more
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@LIMITS
@given(content=st.binary(max_size=2000))
def test_any_bytes(content: bytes, tmp_path: Path) -> None:
    for start in (b"", b"<?xml version='1.0'?><CityModel", b'{"type":"CityJSON",', b"PK\x03\x04", b"\x1f\x8b\x08\0"):
        _survives(tmp_path / "a", start + content)


@LIMITS
@given(data=st.data())
def test_spoiled_citygml(data: st.DataObject, models: list[bytes], tmp_path: Path) -> None:
    _survives(tmp_path / "a.gml", data.draw(st.composite(_spoiled)(models, XML_HURTS)))


@LIMITS
@given(data=st.data())
def test_spoiled_cityjson(data: st.DataObject, documents: list[bytes], tmp_path: Path) -> None:
    _survives(tmp_path / "a.json", data.draw(st.composite(_spoiled)(documents, JSON_HURTS)))


@LIMITS
@given(data=st.data())
def test_spoiled_archives(data: st.DataObject, models: list[bytes], documents: list[bytes], tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("a/a.gml", models[0]), ("b.json", documents[0])):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # dated 1980, so always the same
    seeds = [stream.getvalue(), gzip.compress(models[0], mtime=0)]
    _survives(tmp_path / "a.zip", data.draw(st.composite(_spoiled)(seeds, ZIP_HURTS)))
