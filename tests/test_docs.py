"""The documentation says what the program does, and its links lead somewhere."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.cli_reference import PAGE, page
from zwilling import sensor_settings, settings
from zwilling.cli import main

PROJECT = Path(__file__).resolve().parent.parent
PAGES = [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *sorted((PROJECT / "docs").rglob("*.md"))]
# What stands under each heading of the settings' page: a table of the file, or a layer of one kind.
TABLES: dict[str, type] = {
    "": settings.Settings,
    "region": settings.RegionSettings,
    "layer": settings.LayerSettings,
    "buildings": settings.BuildingLayerSettings,
    "ground": settings.GroundLayerSettings,
    "points": settings.PointLayerSettings,
    "server": settings.ServerSettings,
    "database": sensor_settings.DatabaseSettings,
    "sensors": sensor_settings.SensorSettings,
    "sensors.broker": sensor_settings.BrokerSettings,
    "sensors.webhook": sensor_settings.WebhookSettings,
    "sensors.rule": sensor_settings.RuleSettings,
    "sensors.rule.level": sensor_settings.LevelSettings,
    "sensors.recipient": sensor_settings.RecipientSettings,
    "sensors.mail": sensor_settings.MailSettings,
    "env": sensor_settings.SecretSettings,
}


def test_the_command_line_reference_is_what_help_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(main, "zwilling"), "run scripts/bless and look at the difference"


def test_every_table_of_the_settings_is_known_here() -> None:
    modules = (settings, sensor_settings)
    kinds = {kind for module in modules for _, kind in inspect.getmembers(module, dataclasses.is_dataclass)}
    assert kinds == set(TABLES.values())


@pytest.mark.parametrize("table", TABLES)
def test_every_setting_is_documented(table: str) -> None:
    text = (PROJECT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    parts = re.split(r"^## .*?`\[*([a-z.]+)\]*`.*$", text, flags=re.MULTILINE)
    sections = {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", sections.get(table, ""), re.MULTILINE))
    said_before = {
        field.name for base in TABLES[table].__bases__ if base is not object for field in dataclasses.fields(base)
    }
    assert documented == {field.name for field in dataclasses.fields(TABLES[table])} - said_before


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.relative_to(PROJECT).as_posix())
def test_links_lead_somewhere(file: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    missing = []
    for link in re.findall(r"\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"", text):
        address = next(filter(None, link))
        if not re.match(r"[a-z]+:|#", address) and not (file.parent / address.partition("#")[0]).exists():
            missing.append(address)
    assert missing == []


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.relative_to(PROJECT).as_posix())
def test_commands_in_the_documentation_exist(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    code = "\n".join(
        re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text)
    )
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^(?:\$ )?make ([a-z]+)", code, re.MULTILINE)) <= targets
    assert set(re.findall(r"^(?:\$ )?zwilling ([a-z]+)", code, re.MULTILINE)) <= set(main.commands)
    scripts = re.findall(r"^(?:\$ )?(scripts/[\w/.]+)", code, re.MULTILINE)
    assert [script for script in scripts if not (PROJECT / script).exists()] == []


def test_every_page_is_in_the_navigation() -> None:
    # MkDocs only warns about a page that nobody can reach.
    navigation = (PROJECT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {file.relative_to(PROJECT / "docs").as_posix() for file in (PROJECT / "docs").rglob("*.md")}
    assert {name for name in pages if name not in navigation} == set()


def test_the_documentation_loads_nothing_from_another_host(tmp_path: Path) -> None:
    if importlib.util.find_spec("mkdocs") is None and not os.environ.get("CI"):
        pytest.skip("MkDocs is not installed; `make develop` does it")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    text = "".join(page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html"))
    loaded = re.findall(r"<(?:script|img|iframe|source)[^>]* src=\"?([^\" >]+)", text)
    loaded += re.findall(r"<link(?=[^>]* rel=\"?(?:stylesheet|preload|preconnect|icon))[^>]* href=\"?([^\" >]+)", text)
    assert len(loaded) > 10
    assert [address for address in loaded if re.match(r"(https?:)?//", address)] == []


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; import zwilling.cli; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"numpy", "pyproj", "shapely", "lxml", "starlette", "uvicorn", "msgspec", "meshopt", "mapbox_earcut"}
    assert heavy & set(modules) == set()
