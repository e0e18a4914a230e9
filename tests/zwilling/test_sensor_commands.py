"""`zwilling sensors import`, `list` and `token` as a user meets them."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sensor_overlay.access import Right, load_tokens
from zwilling.cli import main
from zwilling.sensor_registry import listed_lines

LIST = "Kennung;DevEUI;Modell;Raum;Schule\nK1;a81758fffe0abcde;Elsys ERS CO2;204;BBZ\nK2;a81758fffe0abcdf;am107;;\n"


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    settings = tmp_path / "zwilling.toml"
    settings.write_text("", encoding="utf-8")
    return settings


def run(settings: Path, *arguments: str | Path) -> Result:
    command, *rest = map(str, arguments)
    return CliRunner().invoke(main, ["sensors", command, *rest, "--settings", str(settings)])


def test_the_template_is_imported_as_it_is(twin: Path, tmp_path: Path) -> None:
    template = run(twin, "import", "--template")
    assert template.exit_code == 0
    (tmp_path / "liste.csv").write_text(template.stdout, encoding="utf-8")
    done = run(twin, "import", tmp_path / "liste.csv")
    assert (done.exit_code, done.stdout) == (0, "imported: 1 new\n")


def test_a_list_is_previewed_imported_and_listed(twin: Path, tmp_path: Path) -> None:
    path = tmp_path / "liste.csv"
    path.write_text(LIST, encoding="utf-8")
    assert run(twin, "import", path, "--dry-run").stdout == "would be imported: 2 new\n"
    assert json.loads(run(twin, "list", "--json").stdout) == []
    assert run(twin, "import", path).stdout == "imported: 2 new\n"
    assert run(twin, "import", path).stdout == "imported: 2 unchanged\n"
    rows = json.loads(run(twin, "list", "--json").stdout)
    assert [(row["key"], row["name"], row["model"], row["state"]) for row in rows] == [
        ("K2", "K2", "milesight-am107", "silent"),
        ("K1", "Raum 204, BBZ", "elsys-ers-co2", "silent"),
    ]
    assert "K1   a81758fffe0abcde  Raum 204, BBZ  -     silent  never       0" in run(twin, "list").stdout
    assert run(twin, "list", "--unknown").stdout.count("\n") == 1


def test_how_things_are_powered_and_heard() -> None:
    plain = dict.fromkeys(("key", "dev_eui", "site", "last_seen", "rssi", "snr", "margin", "battery"))
    row = {**plain, "name": "x", "state": "fresh", "uplinks": 7, "data_rate": "", "is_externally_powered": False}
    good = {"battery": 91.6, "rssi": -97.0, "snr": 7.5, "data_rate": "SF7BW125", "margin": 12.0}
    lines = list(listed_lines([row, {**row, **good}, {**row, "is_externally_powered": True, "rssi": -118.0}]))
    assert [line.split("  7        ")[-1].split() for line in lines[1:]] == [
        ["-", "-"],
        ["92", "%", "-97", "dBm", "8", "dB", "SF7BW125", "/", "12", "dB"],
        ["mains", "-118", "dBm"],
    ]


def test_one_fault_keeps_everything_out_unless_bad_lines_may_be_skipped(twin: Path, tmp_path: Path) -> None:
    path = tmp_path / "liste.csv"
    path.write_text(LIST.replace("a81758fffe0abcdf", "x"), encoding="utf-8")
    refused = run(twin, "import", path)
    assert refused.exit_code == 1
    assert "line 3, column 'DevEUI': 'x' is no DevEUI" in refused.stderr
    assert refused.stdout == "nothing was imported: 1 of the lines have errors, 1 are sound\n"
    assert json.loads(run(twin, "list", "--json").stdout) == []
    skipped = run(twin, "import", path, "--skip-bad")
    assert (skipped.exit_code, skipped.stdout) == (0, "imported: 1 new; 1 errors, whose lines were left out\n")


def test_a_device_of_another_thing_keeps_everything_out(twin: Path, tmp_path: Path) -> None:
    path = tmp_path / "liste.csv"
    path.write_text(LIST, encoding="utf-8")
    run(twin, "import", path)
    path.write_text("Kennung;DevEUI\nK3;a81758fffe0abcde\nK4;a81758fffe0abc00\n", encoding="utf-8")
    done = run(twin, "import", path, "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert document["written"] is False
    assert [fault["line"] for fault in document["faults"]] == [2]
    assert len(json.loads(run(twin, "list", "--json").stdout)) == 2


def test_a_token_is_shown_once_and_opens(twin: Path, tmp_path: Path) -> None:
    done = run(twin, "token", 'Amt "Süd"', "--right", "alerts", "--group", "staff", "--site", "S07")
    token = done.stdout.strip()
    path = tmp_path / "tokens.toml"
    assert token not in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    principal = load_tokens(path).principal(f"Bearer {token}")
    assert principal is not None
    assert (principal.name, principal.groups, principal.rights, principal.sites) == (
        'Amt "Süd"',
        frozenset({"public", "staff"}),
        frozenset({Right.ALERTS}),
        frozenset({"S07"}),
    )
    assert load_tokens(path).principal(f"Bearer {token}x") is None


def test_tokens_are_added_and_never_replaced(twin: Path, tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text("# von Hand\n", encoding="utf-8")
    run(twin, "token", "eins")
    run(twin, "token", "zwei")
    assert run(twin, "token", "eins").exit_code == 1
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# von Hand\n")
    assert [token["name"] for token in tomllib.loads(text)["token"]] == ["eins", "zwei"]


@pytest.mark.parametrize("name", ["", " x", "a\nb", "x" * 101])
def test_what_is_no_name_of_a_token(twin: Path, tmp_path: Path, name: str) -> None:
    assert run(twin, "token", name).exit_code == 1
    assert not (tmp_path / "tokens.toml").exists()


def test_a_broken_tokens_file_is_not_written_to(twin: Path, tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text("[[token]\n", encoding="utf-8")
    assert "cannot be read" in run(twin, "token", "x").stderr
    assert path.read_text(encoding="utf-8") == "[[token]\n"
