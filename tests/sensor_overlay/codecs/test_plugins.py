"""Codecs that others install: the operators' page shows one that works; a broken one is named and left out."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sensor_overlay import codecs as room
from sensor_overlay.codecs import apart, by_profile, codecs, findings
from sensor_overlay.codecs.worker import Job
from sensor_overlay.decode import decode
from sensor_overlay.uplink import BadMessageError, Cause, Uplink
from zwilling.cli import main
from zwilling.issues import Severity

PAGE = Path(__file__).resolve().parents[3] / "docs" / "operators" / "sensors-codecs.md"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which packages are installed, on the path of imports for this test."""
    monkeypatch.syspath_prepend(tmp_path)
    room.forget()
    yield tmp_path
    monkeypatch.undo()
    room.forget()


def install(folder: Path, module: str, code: str, entry_points: dict[str, str]) -> None:
    """Put a package there as pip would: the module, and what it says of itself."""
    (folder / f"{module}.py").write_text(code, encoding="utf-8")
    about = folder / f"{module}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    points = "".join(f"{name} = {value}\n" for name, value in entry_points.items())
    (about / "entry_points.txt").write_text(f"[{room.GROUP}]\n{points}", encoding="utf-8")
    importlib.invalidate_caches()
    room.forget()


def from_the_page() -> tuple[str, dict[str, str]]:
    text = PAGE.read_text(encoding="utf-8")
    code, project = (re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)[0] for kind in ("python", "toml"))
    assert len(code.splitlines()) <= 30
    points = tomllib.loads(project)["project"]["entry-points"]
    assert set(points) == {room.GROUP}
    return code, points[room.GROUP]


def uplink(payload: bytes, profile: str, f_port: int = 3) -> Uplink:
    return Uplink(network="tts", dev_eui="0" * 16, f_port=f_port, payload=payload, profile=profile)


def test_the_codec_of_the_page_works(packages: Path) -> None:
    assert by_profile("Pegel-2000") is None
    code, points = from_the_page()
    install(packages, "kreis_pegel", code, points)
    assert findings() == ()
    readings = decode(uplink(bytes.fromhex("00c864"), "Pegel 2000 (Erft)"), "", 0).readings
    assert {reading.observed_property: reading.value for reading in readings} == {"water_level": 0.2, "battery": 100}
    with pytest.raises(BadMessageError, match="three bytes") as caught:
        decode(uplink(b"\x00", "Pegel 2000"), "", 0)
    assert caught.value.cause is Cause.UNDECODABLE


def test_those_that_cannot_be_loaded_are_named_and_the_others_work(
    packages: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = (
        ("1 / 0", "CODEC", "ZeroDivisionError"),
        ("import nothing_that_is_there", "CODEC", "ModuleNotFoundError"),
        ("this is no python", "CODEC", "SyntaxError"),
        ("raise SystemExit(1)", "CODEC", "SystemExit"),
        ("CODEC = 5", "CODEC", "TypeError"),
        ("CODEC = ('a',)", "CODEC", "no sensor_overlay.codecs.Codec"),
        ("pass", "MISSING", "AttributeError"),
    )
    for number, (code, name, _) in enumerate(broken):
        install(packages, f"kreis_broken{number}", code, {"broken": f"kreis_broken{number}:{name}"})
    install(packages, "kreis_pegel", *from_the_page())
    assert by_profile("Pegel-2000") is not None
    assert by_profile("ERS-CO2") is not None
    issues = findings()
    assert {(issue.code, issue.severity) for issue in issues} == {("CODEC_BROKEN", Severity.ERROR)}
    told = {issue.source: issue.message for issue in issues}
    for number, (_, name, said) in enumerate(broken):
        source = f"kreis_broken{number}: broken = kreis_broken{number}:{name}"
        assert said in told.pop(source)
        assert source in caplog.text
    assert not told


def test_those_that_fail_their_own_examples_are_not_used(packages: Path) -> None:
    code, _ = from_the_page()
    changes = (
        (("1.234", "1.235"), "water_level 1.234, not 1.235"),
        (('"04d2 5f"', '"04d2"'), "example 1 raises BadMessageError"),
        (('"04d2 5f"', '"nonsense"'), "example 1 raises ValueError"),
        (("/ 1000", "/ 0"), "ZeroDivisionError"),
        ((', "battery": battery}', "}"), "not ['battery', 'water_level']"),
        (('models=("pegel-2000",)', "models=(5,)"), "what it says of itself is not as it should be"),
    )
    for number, (change, _) in enumerate(changes):
        assert change[0] in code
        name = f"kreis_pegel{number}"
        install(packages, name, code.replace(*change), {"pegel": f"{name}:CODEC"})
    assert by_profile("Pegel-2000") is None
    told = {issue.source.partition(":")[0]: issue.message for issue in findings()}
    for number, (_, said) in enumerate(changes):
        assert said in told.pop(f"kreis_pegel{number}")
    assert not told


def test_an_installed_codec_takes_the_place_of_ours(packages: Path) -> None:
    code, points = from_the_page()
    install(
        packages, "kreis_pegel", code.replace("kreis-pegel", "elsys-ers-co2").replace("pegel-2000", "ers-co2"), points
    )
    assert codecs()["elsys-ers-co2"].vendor == "Kreiswerkstatt"
    found = by_profile("ERS-CO2")
    assert found is codecs()["elsys-ers-co2"]


def test_one_that_takes_the_place_of_ours_wins_for_other_models_too(packages: Path) -> None:
    code, points = from_the_page()
    code = code.replace("kreis-pegel", "elsys-ers-co2").replace("pegel-2000", "lht65")
    install(packages, "kreis_pegel", code, points)
    found = by_profile("LHT65")
    assert found is not None
    assert found.vendor == "Kreiswerkstatt"


def test_of_two_with_the_same_model_the_installed_one_wins(packages: Path) -> None:
    code, points = from_the_page()
    install(packages, "kreis_pegel", code.replace("pegel-2000", "lht65"), points)
    found = by_profile("LHT65")
    assert found is not None
    assert found.key == "kreis-pegel"


_REFUSES = 'raise undecodable("the gauge sends three bytes on port 3")'


def test_codecs_that_misbehave_later_cost_their_own_uplinks_alone(
    packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "DEADLINE", 60)
    code, _ = from_the_page()
    code = code.replace("import struct", "import os, struct, sys, time")
    instead = (
        ("return decode(payload, f_port, received)", "RecursionError"),
        ("return None", "AttributeError"),
        ("return decoded({'co2': 10**400})", "OverflowError"),
        ("return decoded({'co2': 'a'})", "TypeError"),
        ("return decoded({f'v{n}': n for n in range(100)})", "more than 64 values"),
        ("held = [bytes(1 << 20) for _ in range(10_000)]", "MemoryError"),
        ("sys.exit(4)", "SystemExit"),
        ("print('x' * 100_000); os.write(1, b'y' * 100_000); input()", "EOFError"),
    )
    for number, (line, _) in enumerate(instead):
        own = code.replace(_REFUSES, line).replace("pegel-2000", f"pegel-{number}").replace("kreis-pegel", f"k{number}")
        install(packages, f"kreis_pegel{number}", own, {"pegel": f"kreis_pegel{number}:CODEC"})
    assert findings() == ()
    for number, (_, said) in enumerate(instead):
        with pytest.raises(BadMessageError, match=said) as caught:
            decode(uplink(b"\x00", f"pegel-{number}"), "", 0)
        assert caught.value.cause is Cause.UNDECODABLE
        assert len(decode(uplink(bytes.fromhex("00c864"), f"pegel-{number}"), "", 0).readings) == 2


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        ("while True: pass", "did not answer within 0.3 s"),
        ("os._exit(3)", r"ended its process \(status 3\)"),
        ("os.kill(os.getpid(), 9)", r"ended its process \(status -9\)"),
    ],
)
def test_a_codec_that_takes_everything_takes_its_own_uplinks_alone(
    packages: Path, monkeypatch: pytest.MonkeyPatch, instead: str, said: str
) -> None:
    code, points = from_the_page()
    code = code.replace("import struct", "import os, struct, sys, time").replace(_REFUSES, instead)
    install(packages, "kreis_pegel", code, points)
    assert findings() == ()
    with monkeypatch.context() as impatient:
        impatient.setattr(apart, "DEADLINE", 0.3 if "while" in instead else 60)
        with pytest.raises(BadMessageError, match=said) as caught:
            decode(uplink(b"\x00", "pegel-2000"), "", 0)
    assert caught.value.cause is Cause.UNDECODABLE
    assert caught.value.detail.startswith("Pegel der Kreiswerkstatt: ")
    monkeypatch.setattr(apart, "DEADLINE", 60)
    assert len(decode(uplink(bytes.fromhex("00c864"), "Pegel 2000 (Erft)"), "", 0).readings) == 2
    assert room.troubles() == []


@pytest.mark.parametrize(
    ("code", "said"), [("while True: pass", "did not answer within 0.3 s"), ("import os; os._exit(3)", "(status 3)")]
)
def test_one_that_never_loads_is_named_and_the_others_work(
    packages: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    install(packages, "kreis_broken", code, {"broken": "kreis_broken:CODEC"})
    ask = apart.Apart._ask

    def impatient(self: apart.Apart, job: Job, kind: type[Any], seconds: float) -> Any:
        """Wait long for the codec that works, and not for the other one."""
        never = "while" in code and job.load is not None and job.load.value.startswith("kreis_broken")
        return ask(self, job, kind, 0.3 if never else 60)

    monkeypatch.setattr(apart.Apart, "_ask", impatient)
    (issue,) = findings()
    assert (issue.code, issue.source) == ("CODEC_BROKEN", "kreis_broken: broken = kreis_broken:CODEC")
    assert said in issue.message
    install(packages, "kreis_pegel", *from_the_page())
    assert len(decode(uplink(bytes.fromhex("00c864"), "Pegel 2000"), "", 0).readings) == 2


def test_one_that_keeps_intake_waiting_is_set_aside_and_told(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, points = from_the_page()
    code = code.replace("import struct", "import struct, time").replace(_REFUSES, "time.sleep(600)")
    install(packages, "kreis_pegel", code, points)
    assert by_profile("pegel-2000")
    monkeypatch.setattr(apart, "DEADLINE", 0.05)
    monkeypatch.setattr(apart, "_CREDIT", 0.01)
    with pytest.raises(BadMessageError, match="did not answer"):
        decode(uplink(b"\x00", "pegel-2000"), "", 0)
    (trouble,) = room.troubles()
    assert "„Pegel der Kreiswerkstatt“" in trouble
    with pytest.raises(BadMessageError, match="set aside for some minutes"):
        decode(uplink(bytes.fromhex("00c864"), "pegel-2000"), "", 0)


def test_how_much_of_intakes_time_a_codec_may_take() -> None:
    clock = [0.0]
    credit = apart.Credit(clock=lambda: clock[0])
    assert credit.may()
    assert not any(credit.spend(0.01) for _ in range(10_000))  # as fast as codecs are
    assert [credit.spend(2.0) for _ in range(3)] == [False, False, True]
    assert not credit.may()
    clock[0] += 60
    assert not credit.may()
    clock[0] += 240
    assert credit.may()
    wasted = 0.0
    for _ in range(24 * 60):  # a day of one that never answers, asked each minute
        clock[0] += 60
        if credit.may():
            credit.spend(2.0)
            wasted += 2.0
    assert wasted < 24 * 60 * 1.1  # a second a minute


def test_what_installed_codecs_do_at_once_reaches_nothing_of_the_twin(packages: Path) -> None:
    code, points = from_the_page()
    install(
        packages, "kreis_pegel", "import sensor_overlay.decode\nsensor_overlay.decode.decode = None\n" + code, points
    )
    assert by_profile("pegel-2000")
    assert "kreis_pegel" not in sys.modules
    assert len(decode(uplink(bytes.fromhex("00c864"), "Pegel 2000"), "", 0).readings) == 2


def test_what_no_table_can_hold_is_left_out_and_noted(packages: Path) -> None:
    code, points = from_the_page()
    instead = "return decoded({'co2': float('nan'), 'Bad Name': 1, 'ok': 2})"
    install(packages, "kreis_pegel", code.replace(_REFUSES, instead), points)
    found = decode(uplink(b"\x00", "pegel-2000"), "", 0)
    assert {reading.observed_property: reading.value for reading in found.readings} == {"ok": 2}
    assert "2 values" in found.notes[0]


def test_the_command_lists_them_and_names_a_broken_one(packages: Path) -> None:
    install(packages, "kreis_pegel", *from_the_page())
    sound = CliRunner().invoke(main, ["sensors", "codecs"])
    assert sound.exit_code == 0
    assert "elsys-ers-co2: Elsys ERS CO2 (ers-co2, ers2-co2)" in sound.stdout.splitlines()
    assert sound.stdout.splitlines()[-1] == "kreis-pegel: Pegel der Kreiswerkstatt (pegel-2000)"
    install(packages, "kreis_broken", "1 / 0", {"broken": "kreis_broken:CODEC"})
    broken = CliRunner().invoke(main, ["sensors", "codecs"])
    assert broken.exit_code == 1
    assert broken.stdout == sound.stdout
    assert "kreis_broken: broken = kreis_broken:CODEC" in broken.stderr
    assert "ZeroDivisionError" in broken.stderr
