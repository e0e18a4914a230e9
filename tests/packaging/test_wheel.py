"""The wheel is all that a user needs: installed into an empty environment without Node, it runs the demo."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
READY = re.compile(r"http://127\.0\.0\.1:\d+/")


def build(kind: str, root: Path, into: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(into)],
        cwd=root,
        check=True,
        capture_output=True,
    )
    return next(into.iterdir())


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (PROJECT / "viewer" / "dist" / "index.html").is_file() and not os.environ.get("CI"):
        pytest.skip("the viewer is not built; run `make viewer`")
    return build("wheel", PROJECT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an empty environment with the wheel and its locked packages in it."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    lock = str(PROJECT / "requirements.lock")
    subprocess.run([*pip, "--require-hashes", "--no-deps", "--requirement", lock], check=True, capture_output=True)
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True)
    return folder / "bin"


def test_the_wheel_carries_viewer_regions_and_licence_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    built = PROJECT / "viewer" / "dist"
    viewer = {
        f"zwilling/viewer_dist/{file.relative_to(built).as_posix()}" for file in built.rglob("*") if file.is_file()
    }
    assert {name for name in names if name.startswith("zwilling/viewer_dist/")} == {
        name for name in viewer if "/." not in name
    }
    rooms = {"zwilling", "citygml", "pointclouds", "orthophotos", "tiler", "sensor_overlay", "server"}
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == rooms
    assert {f"{room}/py.typed" for room in rooms} <= set(names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    listed = subprocess.run(
        ["git", "ls-files", "-z", *sorted(rooms)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    in_git = {name for name in listed.stdout.split("\0") if name and (PROJECT / name).is_file()}
    assert in_git <= set(names)


def test_a_wheel_made_from_the_source_archive_carries_the_viewer_too(wheel: Path, tmp_path: Path) -> None:
    archive = build("sdist", PROJECT, tmp_path / "sdist")
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path], check=True)
    unpacked = next(folder for folder in tmp_path.iterdir() if folder.name.startswith("zwilling-"))
    second = build("wheel", unpacked, tmp_path / "wheel")
    assert sorted(zipfile.ZipFile(second).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


def test_without_a_viewer_no_wheel_is_built(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / "zwilling").mkdir()
    shutil.copy(PROJECT / "zwilling" / "__init__.py", tmp_path / "zwilling")
    with pytest.raises(subprocess.CalledProcessError) as failure:
        build("wheel", tmp_path, tmp_path / "dist")
    assert b"the wheel carries the built viewer; run `make viewer`" in failure.value.stderr


@pytest.fixture(scope="session")
def bare(installed: Path) -> dict[str, str]:
    """An environment in which nothing but the installed commands can be found: no Node, no checkout."""
    return {"PATH": str(installed), "HOME": str(installed.parent), "LC_ALL": "C.UTF-8"}


def test_help_works(installed: Path, bare: dict[str, str], tmp_path: Path) -> None:
    assert shutil.which("node", path=bare["PATH"]) is None
    ran = subprocess.run([installed / "zwilling", "--help"], env=bare, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "demo" in ran.stdout


@pytest.fixture
def demo(installed: Path, bare: dict[str, str], tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [installed / "zwilling", "demo", "--dir", "twin", "--port", "0", "--buildings", "100", "--no-browser"],
        env={**bare, "PYTHONUNBUFFERED": "1"},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if found := READY.search(line):
                yield process, found[0]
                break
        else:
            pytest.fail(f"the demo ended with {process.wait()} before it named its address:\n{''.join(said)}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def fetch(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - the server this test started
        body: bytes = answer.read()
        return body


def contents(tile: dict[str, object]) -> Iterator[str]:
    content = tile.get("content")
    if isinstance(content, dict):
        yield content["uri"]
    children = tile.get("children", [])
    assert isinstance(children, list)
    for child in children:
        yield from contents(child)


def test_the_demo_runs_without_node_and_stops_on_ctrl_c(demo: tuple[subprocess.Popen[str], str]) -> None:
    process, address = demo
    page = fetch(address).decode()
    scripts = re.findall(r"<script[^>]* src=\"\.?/?([^\"]+)\"", page)
    assert scripts != []
    for script in scripts:
        assert len(fetch(address + script)) > 1000

    twin = json.loads(fetch(address + "api/twin"))
    assert twin["is_synthetic"] is True
    tileset_address = address.rstrip("/") + twin["layers"][0]["tileset"]
    tileset = json.loads(fetch(tileset_address))
    assert tileset["asset"]["version"] == "1.1"
    first = next(contents(tileset["root"]))
    assert fetch(tileset_address.rpartition("/")[0] + "/" + first)[:4] == b"glTF"

    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert process.stdout is not None
    assert "Traceback" not in process.stdout.read()
