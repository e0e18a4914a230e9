"""`zwilling sensors export` and `keep` as a user meets them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

from sensor_overlay.instants import DAY, now, text
from sensor_overlay.store.opening import open_store
from sensor_overlay.store.writing import write
from tests.sensor_overlay.store.uplinks import arrival
from zwilling.cli import main


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    """A twin with a value of now and one of half a year ago."""

    async def fill() -> None:
        store = await open_store(tmp_path / "data" / "zwilling.db")
        await write(store, [arrival(1, at=now() - 180 * DAY), arrival(2, at=now())], now=now())
        await store.close()

    asyncio.run(fill())
    settings = tmp_path / "zwilling.toml"
    settings.write_text("", encoding="utf-8")
    return settings


def run(settings: Path, command: str, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["sensors", command, *map(str, arguments), "--settings", str(settings)])


def test_export_to_standard_output_and_to_files(twin: Path, tmp_path: Path) -> None:
    done = run(twin, "export", "--from", text(now() - DAY))
    assert done.exit_code == 0
    assert [line.split(",")[6:] for line in done.stdout.splitlines()] == [
        ["observed_property", "result", "unit", "quality"],
        ["co2", "602", "ppm", ""],
    ]
    path = tmp_path / "alles.parquet"
    run(twin, "export", "--from", "2000-01-01", "--format", "parquet", "--output", path)
    assert parquet.read_table(path).column("result").to_pylist() == [601.0, 602.0]
    assert run(twin, "export", "--from", "2000-01-01", "--public").stdout.count("\n") == 1
    assert run(twin, "export", "--from", "2000-01-01", "--property", "humidity").stdout.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_export_that_cannot_be(twin: Path, tmp_path: Path) -> None:
    wrong = run(twin, "export", "--from", "gestern")
    assert (wrong.exit_code, "write 2026-11-20" in wrong.stderr) == (1, True)
    nowhere = run(twin, "export", "--from", "2000-01-01", "--output", tmp_path / "nowhere" / "a.csv")
    assert nowhere.exit_code == 1


def test_keep_removes_what_is_old(twin: Path) -> None:
    done = run(twin, "keep")
    assert (done.exit_code, done.stdout) == (
        0,
        "removed: 1 observations, the means of their hours stay; 1 uplinks, 0 dead letters, 0 unknown devices\n",
    )
    assert run(twin, "keep").stdout.startswith("removed: 0 observations")
    assert run(twin, "export", "--from", "2000-01-01").stdout.count("\n") == 2
