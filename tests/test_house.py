"""The rules of the house that no linter knows."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scripts.check_locks import faults, lock_files
from scripts.complete_npm_lock import completed

PROJECT = Path(__file__).resolve().parent.parent
ROOMS = ("zwilling", "citygml", "pointclouds", "orthophotos", "tiler", "sensor_overlay", "server")


def committed() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, check=True)
    return [PROJECT / name for name in listed.stdout.decode().split("\0") if name and (PROJECT / name).is_file()]


def test_no_other_distribution_owns_a_room() -> None:
    owners = importlib.metadata.packages_distributions()
    assert {room: set(owners.get(room, ())) - {"zwilling"} for room in ROOMS} == {room: set() for room in ROOMS}


def test_every_room_is_packaged_typed_and_under_the_import_rules() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    packages = {file.parent.name for file in PROJECT.glob("*/py.typed")}
    assert packages == set(ROOMS)
    assert set(settings["hatch"]["build"]["targets"]["wheel"]["packages"]) == packages
    assert set(settings["importlinter"]["root_packages"]) == packages
    assert packages <= set(settings["mypy"]["files"])


def test_a_sideways_import_breaks_the_import_rules(tmp_path: Path) -> None:
    # lint-imports itself runs in scripts/check; here: our contract does refuse what it must.
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    named = {name for contract in settings["contracts"] for name in re.findall(r"[\w.]+", " ".join(contract["layers"]))}
    for name in {*ROOMS, *named}:
        folder = tmp_path
        for part in name.split("."):
            folder /= part
            folder.mkdir(exist_ok=True)
            (folder / "__init__.py").touch()
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)

    def lint() -> int:
        command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
        env = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=False).returncode

    assert lint() == 0
    (tmp_path / "tiler" / "sideways.py").write_text("import citygml\n", encoding="utf-8")
    assert lint() == 1
    (tmp_path / "tiler" / "sideways.py").write_text("import server\n", encoding="utf-8")
    assert lint() == 1


def test_every_test_folder_is_a_package() -> None:
    # With only some of them packages, tests/tiler shadows tiler.
    folders = {file.parent for file in committed() if file.suffix == ".py" and PROJECT / "tests" in file.parents}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_no_lock_names_a_registry_and_every_package_has_a_hash() -> None:
    assert [fault for lock in lock_files() for fault in faults(lock)] == []
    assert {lock.parent.name + "/" + lock.name for lock in lock_files()} >= {
        "viewer/package-lock.json",
        "node/package-lock.json",
        f"{PROJECT.name}/requirements.lock",
        f"{PROJECT.name}/requirements-dev.lock",
    }


@pytest.mark.parametrize(
    "line",
    [
        "numpy==2.4.6",
        "--index-url https://mirror.example/simple/",
        "numpy @ https://mirror.example/numpy.whl --hash=sha256:" + "0" * 64,
        "numpy==2.4.6 --hash=sha256:0123",
    ],
)
def test_the_lock_check_sees(line: str, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("lxml==6.1.3 \\\n    --hash=sha256:" + "a" * 64 + "\n", encoding="utf-8")
    assert faults(lock) == []
    lock.write_text(lock.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    assert faults(lock) != []


def test_the_lock_check_sees_a_resolved_address_in_npms_lock(tmp_path: Path) -> None:
    lock = tmp_path / "package-lock.json"
    package = {"version": "1.0.0", "integrity": "sha512-x", "resolved": "https://mirror.example/a.tgz"}
    lock.write_text(json.dumps({"packages": {"": {}, "node_modules/a": package}}, indent=1), encoding="utf-8")
    assert len(faults(lock)) == 1


def test_npms_lock_gets_an_entry_for_every_platform() -> None:
    biome = {
        "version": "2.6.8",
        "integrity": "sha512-x",
        "dev": True,
        "optionalDependencies": {
            "@biome/cli-darwin-arm64": "2.6.8",
            "@biome/cli-linux-x64-musl": "2.6.8",
            "fsevents": "1",
        },
    }
    lock = completed({"packages": {"": {}, "node_modules/biome": biome}})
    assert lock["packages"]["node_modules/@biome/cli-darwin-arm64"] == {
        "version": "2.6.8",
        "cpu": ["arm64"],
        "dev": True,
        "optional": True,
        "os": ["darwin"],
    }
    assert lock["packages"]["node_modules/@biome/cli-linux-x64-musl"]["libc"] == ["musl"]
    assert next(iter(lock["packages"])) == ""
    assert len(lock["packages"]) == 4
    assert completed(lock) == lock


def test_a_package_that_linux_installs_needs_a_hash(tmp_path: Path) -> None:
    lock = tmp_path / "package-lock.json"
    for system, count in (("darwin", 0), ("linux", 1)):
        package = {"version": "1.0.0", "optional": True, "os": [system]}
        lock.write_text(json.dumps({"packages": {"": {}, "node_modules/a": package}}, indent=1), encoding="utf-8")
        assert len(faults(lock)) == count


def test_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = {name.lower() for line in project["project"]["dependencies"] for name in re.findall(r"^[\w-]+", line)}
    groups = project["dependency-groups"]
    developers = {
        re.match(r"[\w-]+", line)[0].lower()  # type: ignore[index]  # a requirement starts with its name
        for group in ("dev", "build", "docs")
        for line in groups[group]
        if isinstance(line, str)
    }

    def locked(name: str) -> set[str]:
        return set(re.findall(r"^([\w.-]+)==", (PROJECT / name).read_text(encoding="utf-8"), re.MULTILINE))

    assert asked <= locked("requirements.lock")
    assert asked | developers <= locked("requirements-dev.lock")


def test_what_users_run_is_what_was_tested() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[\w.-]+==[\w.]+", (PROJECT / name).read_text(encoding="utf-8"), re.MULTILINE))

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_no_committed_file_is_large_or_names_a_registry_or_a_machine() -> None:
    large = [file.name for file in committed() if file.stat().st_size > 1_000_000]
    assert large == []
    # Split, so that this file does not find itself.
    named = re.compile(
        rb"files\.python" + rb"hosted|registry\." + rb"npmjs|pypi\." + rb"org|/work" + rb"/(main|shared)"
    )
    assert [file.relative_to(PROJECT).as_posix() for file in committed() if named.search(file.read_bytes())] == []


def test_licence_is_the_whole_eupl() -> None:
    text = (PROJECT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2")
    assert re.findall(r"^(\d+)\.", text, re.MULTILINE) == [str(number) for number in range(1, 16)]
    assert "Appendix" in text
