"""The report as a page: safe, self-contained, German, legible."""

from __future__ import annotations

import copy
import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner
from lxml import html
from playwright.sync_api import Browser, sync_playwright

from tests.tiler.towns import Town
from tiler.buildings import TilingOptions, tile_features
from tiler.target import replacing
from zwilling.cli import main
from zwilling.region import load_region
from zwilling.report import Subject, report_json, write_report
from zwilling.report.markup import element, fragment
from zwilling.report.page import page

ELEVATIONS = {
    "rows": 2,
    "unknown": 0,
    "min": 1.0,
    "median": 1.5,
    "max": 2.0,
    "robust_sigma": 0.5,
    "histogram": {"from": 1.0, "width": 0.5, "counts": [1, 1], "below": 0, "above": 0},
    "lowest": [{"id": "A", "value": 1.0}],
    "highest": [{"id": "B", "value": 2.0}],
    "outliers": {"below": 0.0, "above": 3.0, "rows": 1, "farthest": [{"id": "C", "value": 9.0}]},
}
EVIL = "<script>alert(1)</script>\"'&\x00\udce4"
PROJECT = Path(__file__).resolve().parent.parent.parent
STYLE = PROJECT / "zwilling" / "report" / "page.css"
InBrowser: TypeAlias = Callable[[Callable[[Browser], None]], None]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("report") / "town"
    with replacing(folder) as target:
        result = tile_features([Town(12, 10)], target, load_region(), TilingOptions(tile_bytes=20_000))
    subject = Subject("Gebäude", "Rhein-Kreis Neuss")
    return report_json(result, [Path("/home/someone/town.gml")], subject, files=7, size_bytes=1_240_000, seconds=75.0)


def finding(code: str = "ZERO_AREA", severity: str = "error", **fields: str) -> dict[str, str]:
    return {"code": code, "severity": severity, "source": "a.gml", "where": "gml:id=A", "message": "flat", **fields}


def read(document: str) -> Any:
    return html.document_fromstring(document)


def text(tree: Any) -> str:
    return " ".join(tree.text_content().split())


def everywhere(value: Any) -> Any:
    """Return `value` with something evil in place of each text that comes from somebody's file."""
    if isinstance(value, dict):
        return {key: everywhere(part) for key, part in value.items()}
    if isinstance(value, list):
        return [everywhere(part) for part in value]
    return EVIL if isinstance(value, str) else value


def test_nothing_in_the_data_becomes_markup(report: dict[str, Any]) -> None:
    sound = copy.deepcopy(report)
    sound["findings"] = [finding()]
    sound["elevations"] = ELEVATIONS
    worst = [{"id": "A", "stated": 9.0, "geometry": 8.0, "difference": 1.0}]
    sound["height_differences"] = {"rows": 1, "median": 0.0, "absolute_p95": 1.0, "worst": worst}
    sound["occurrences"] = {"roof_type_label": [["Satteldach", 3]], "function_label": [["Haus", 3]]}
    evil = everywhere(sound)
    evil["created"], evil["findings"][0]["severity"], evil["kind"] = sound["created"], "error", sound["kind"]
    plain, marred = page(sound), page(evil)
    marred.encode("utf-8")
    assert "<script" not in marred
    assert "&lt;script&gt;alert(1)" in marred
    tags = [[node.tag for node in read(document).iter() if isinstance(node.tag, str)] for document in (plain, marred)]
    assert tags[0] == tags[1]
    assert not [name for node in read(marred).iter() for name in node.attrib if name.startswith("on")]


def test_text_is_escaped_and_markup_is_kept() -> None:
    assert element("a", "<", fragment("&", element("b", ">")), href='"') == '<a href="&quot;">&lt;&amp;<b>&gt;</b></a>'
    assert element("p", None, "a\x00b\udce4", hidden=True, title=None) == "<p hidden>a\ufffdb\ufffd</p>"


def test_the_page_needs_nothing_else_and_names_no_folder(report: dict[str, Any]) -> None:
    document = page({**report, "findings": [finding(source="/home/someone/a.gml")]})
    tree = read(document)
    assert tree.xpath("//script | //link | //img | //iframe | //@src") == []
    assert all(address.startswith("#") for address in tree.xpath("//@href"))
    assert not re.search(r"url\(|@import", document)
    assert set(re.findall(r"https?://[^\s\"'<]+", document)) == {"http://www.w3.org/2000/svg"}
    assert "/home" not in document
    assert "someone" not in document
    assert "town.gml" in document
    assert "default-src 'none'" in tree.xpath("//meta[@http-equiv]/@content")[0]


def test_structure_for_screen_readers(report: dict[str, Any]) -> None:
    tree = read(page({**report, "findings": [finding()]}))
    assert tree.get("lang") == "de"
    headings = [int(node.tag[1]) for node in tree.iter() if node.tag in ("h1", "h2", "h3")]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {address[1:] for address in tree.xpath("//@href")} == set(ids)
    assert all(node.get("aria-label") for node in tree.xpath("//*[local-name()='svg']"))
    assert all(node.get("scope") for node in tree.xpath("//th"))


def test_german_numbers_and_dates(report: dict[str, Any]) -> None:
    said = text(read(page({**report, "created": "2026-11-21T13:05:00+00:00", "triangles": 1_234_567})))
    for part in ("1.234.567", "1,2 MB", "1 min 15 s", "21.11.2026, 14:05 Uhr", "Rhein-Kreis Neuss", "120"):
        assert part in said


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "Ohne Verlust"),
        ({"losses": {"ZERO_AREA": 2}}, "Alle Gebäude da, 2 Verluste"),
        ({"features_out": 118}, "2 Gebäude fehlen"),
        ({"features_out": 119, "losses": {"BUILDING_WITHOUT_GEOMETRY": 1}}, "1 Gebäude fehlt"),
    ],
)
def test_the_verdict_comes_first(report: dict[str, Any], changes: dict[str, Any], verdict: str) -> None:
    (strong,) = read(page({**report, **changes})).xpath("//header//strong")
    assert text(strong) == verdict


def test_findings_are_grouped_worst_first_and_cut_after_twenty(report: dict[str, Any]) -> None:
    many = [finding(where=f"gml:id=A{i}") for i in range(25)]
    other = finding("XLINK_LOOP", "warning"), finding("OF_TOMORROW", "info", message="new")
    tree = read(page({**report, "findings": [*other, *many]}))
    found = tree.xpath("//section[@aria-labelledby='befunde']//details")
    assert [text(node.xpath("./summary")[0]) for node in found] == [
        "▲ VerlustFläche ohne Inhalt25-mal",
        "◆ WarnungVerweis im Kreis1-mal",
        "● HinweisOF_TOMORROW1-mal",
    ]
    assert len(found[0].xpath(".//tbody/tr")) == 20
    assert "alle 25 stehen im Bericht als JSON" in text(found[0])
    assert [node.get("open") is not None for node in found] == [True, False, False]


def test_a_synthetic_layer_says_so(report: dict[str, Any]) -> None:
    assert "frei erfunden" not in page(report)
    assert "frei erfunden" in page({**report, "is_synthetic": True})


def test_a_height_is_called_nhn_only_where_the_source_says_so(report: dict[str, Any]) -> None:
    assert "Höhe über NHN (DHHN2016)" in page({**report, "elevations": ELEVATIONS, "crs": ["EPSG:25832+7837"]})
    assert "Höhe über NHN" not in page({**report, "elevations": ELEVATIONS, "crs": ["EPSG:25832"]})


def test_the_map_shows_each_leaf_once(report: dict[str, Any]) -> None:
    leaves = [tile for tile in report["tile_details"] if tile["is_leaf"]]
    drawn = read(page(report)).xpath("//*[local-name()='rect'][contains(@class, 'tile')]")
    assert len(drawn) == len(leaves) > 3
    north = max(leaves, key=lambda tile: tile["bounds"][3])
    (highest,) = [node for node in drawn if text(node).startswith(north["uri"])]
    assert float(highest.get("y")) == min(float(node.get("y")) for node in drawn)


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours. Spec: WCAG 2.2, "contrast ratio"."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_contrast(theme: str) -> None:
    style = STYLE.read_text(encoding="utf-8")
    light, dark = style.split("@media screen", 1)
    palette = colours(light) | (colours(dark.split("* {", 1)[0]) if theme == "dark" else {})
    pairs = [("text", "surface"), ("quiet", "surface"), ("accent", "surface"), ("text", "raised"), ("quiet", "raised")]
    pairs += [(kind, f"{kind}-soft") for kind in ("good", "warn", "bad", "info")]
    pairs += [("text", f"{kind}-soft") for kind in ("good", "warn", "bad")]
    pairs += [("on-light", f"size-{i}") for i in range(4)] + [("on-dark", "size-4"), ("on-dark", "size-5")]
    assert [pair for pair in pairs if contrast(palette[pair[0]], palette[pair[1]]) < 4.5] == []
    assert contrast(palette["bar"], palette["surface"]) >= 3


def run(*arguments: object) -> None:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output


def test_tile_and_build_write_the_page(shared_data: Path, tmp_path: Path) -> None:
    house = shared_data / "citygml/nrw/DUS5_LoD2_354_5667_1_NW_extract.xml"
    run("tile", house, "-o", tmp_path / "out", "--report", tmp_path / "r.html", "--report", tmp_path / "r.json")
    assert "Ohne Verlust" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert (tmp_path / "r.json").read_text(encoding="utf-8").startswith("{")
    (tmp_path / "zwilling.toml").write_text(
        f'[[layer]]\nid = "gebaeude"\ntitle = "Häuser"\nsources = ["{house}"]\n', encoding="utf-8"
    )
    run("build", tmp_path / "zwilling.toml", "--quiet")
    (built,) = tmp_path.rglob("layers/gebaeude/*/report.html")
    document = built.read_text(encoding="utf-8")
    assert "<h1>Häuser</h1>" in document
    assert str(shared_data) not in document
    assert str(tmp_path) not in document


@pytest.fixture(scope="module")
def in_browser() -> Iterator[InBrowser]:
    """Runs a function with a browser, in a thread of its own: in this one the viewer's tests have theirs."""
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if executable is None:
        pytest.skip("there is no Chromium")

    def visit(look: Callable[[Browser], None]) -> None:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=executable, chromium_sandbox=os.geteuid() != 0)
            look(chromium)
            chromium.close()

    with ThreadPoolExecutor(1) as thread:
        yield lambda look: thread.submit(visit, look).result()


@pytest.mark.browser
def test_the_page_loads_nothing_runs_nothing_and_fits(
    in_browser: InBrowser, report: dict[str, Any], tmp_path: Path
) -> None:
    findings = [finding(where="gml:id=" + "UUID_0123456789abcdef" * 6, message=EVIL)]
    write_report(tmp_path / "r.html", {**report, "findings": findings})
    address = (tmp_path / "r.html").as_uri()

    def look(browser: Browser) -> None:
        visit = browser.new_page()
        said: list[str] = []
        visit.on("console", lambda message: said.append(message.text))
        visit.on("dialog", lambda dialog: said.append(dialog.message))
        visit.on("request", lambda request: said.append(request.url))
        visit.goto(address)
        for width in (320, 360, 1280):
            visit.set_viewport_size({"width": width, "height": 800})
            assert visit.evaluate("document.documentElement.scrollWidth") == width
        assert said == [address]

    in_browser(look)


@pytest.mark.browser
def test_on_paper_everything_is_unfolded(in_browser: InBrowser, report: dict[str, Any], tmp_path: Path) -> None:
    write_report(tmp_path / "r.html", {**report, "findings": [finding("XLINK_LOOP", "warning")]})

    def look(browser: Browser) -> None:
        visit = browser.new_page()
        visit.goto((tmp_path / "r.html").as_uri())
        cell = visit.locator("details td").first
        assert not cell.is_visible()
        visit.emulate_media(media="print")
        assert cell.is_visible()

    in_browser(look)


@pytest.mark.browser
def test_axe_finds_no_barrier(in_browser: InBrowser, report: dict[str, Any], tmp_path: Path) -> None:
    axe = PROJECT / "viewer" / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("the viewer's packages are not installed; run `make viewer`")
    findings = [finding(), finding("XLINK_LOOP", "warning"), finding("RING_NOT_CLOSED", "info")]
    worst = [{"id": "A", "stated": 9.0, "geometry": 8.0, "difference": 1.0}]
    figures = {"rows": 1, "median": 0.0, "absolute_p95": 1.0, "worst": worst}
    full = {**report, "findings": findings, "elevations": ELEVATIONS, "height_differences": figures}
    write_report(tmp_path / "r.html", full)

    def look(browser: Browser) -> None:
        for theme in ("light", "dark"):
            visit = browser.new_page(color_scheme=theme)
            visit.goto((tmp_path / "r.html").as_uri())
            visit.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            visit.evaluate(axe.read_text(encoding="utf-8"))
            found = visit.evaluate("axe.run().then(result => result.violations)")
            assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []

    in_browser(look)


def test_messages_are_german_and_what_has_no_german_is_marked(report: dict[str, Any]) -> None:
    told = finding("NON_PLANAR_POLYGON", "warning", message="its points lie up to 0.31 m from their plane (203)")
    tree = read(page({**report, "findings": [told, finding("OF_TOMORROW", message="something new")]}))
    messages = {text(node): node.get("lang") for node in tree.xpath("//td/span[@class='message']")}
    assert messages == {"Punkte liegen bis zu 0,31 m neben ihrer Ebene (203)": None, "something new": "en"}
