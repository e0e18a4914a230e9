"""A step that fails says which it was, what happened and what to do; what was done is not done twice."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import run as front
from scripts.set_up import commands, debian, environments, node, steps
from scripts.set_up.environments import PythonEnvironment
from scripts.set_up.steps import Step, StepFailedError, call, run_steps


def fail() -> str:
    raise StepFailedError("the index does not answer", "check the connection", "line 1\nline 2\n")


def test_steps_run_in_order_and_say_what_they_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_steps([Step("one", lambda: "made"), Step("two", lambda: "there")], again="make demo")
    assert capsys.readouterr().out == "[1/2] one … made (0 s)\n[2/2] two … there (0 s)\n"


def test_a_failed_step_names_itself_the_problem_and_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert not run_steps([Step("one", fail), Step("two", lambda: "there")], again="make demo")
    said = capsys.readouterr()
    assert said.out == "[1/2] one … failed\n"
    assert said.err == (
        "\nStep 1 of 2, one, failed: the index does not answer\n    line 1\n    line 2\n"
        "What to do: check the connection\nThen run `make demo` again; it goes on with this step.\n"
    )


def test_of_long_output_the_first_and_the_last_lines_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def talk() -> str:
        raise StepFailedError("too much", "be brief", "".join(f"line {number}\n" for number in range(100)))

    run_steps([Step("one", talk)], again="make demo")
    shown = [line.strip() for line in capsys.readouterr().err.splitlines() if line.startswith("    ")]
    assert shown == [*(f"line {n}" for n in range(6)), "…", *(f"line {n}" for n in range(90, 100))]


def test_a_file_that_cannot_be_written_is_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not run_steps([Step("one", lambda: (tmp_path / "missing").read_text(encoding="utf-8"))], again="make demo")
    assert f"No such file or directory: '{tmp_path / 'missing'}'" in capsys.readouterr().err


def test_ctrl_c_stops_the_set_up_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    assert not run_steps([Step("one", interrupted)], again="make demo")
    assert "Stopped in step 1 of 1. `make demo` goes on with this step." in capsys.readouterr().err


def test_a_failed_command_keeps_its_status_and_output() -> None:
    with pytest.raises(StepFailedError, match="ended with status 3") as failure:
        call([sys.executable, "-c", "print('what went wrong'); raise SystemExit(3)"], remedy="mend it")
    assert failure.value.output == "what went wrong\n"
    with pytest.raises(StepFailedError, match="cannot be started: No such file"):
        call(["/no/such/program"], remedy="mend it")


def test_foreign_packages_stay_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    env = steps.environment([Path("/first")])
    assert "PYTHONPATH" not in env
    assert env["PATH"].startswith("/first:")


@pytest.mark.parametrize(("user", "remedy"), [(1000, "sudo apt-get update && sudo apt-get install"), (0, "")])
def test_who_is_not_root_gets_the_line_to_run(user: int, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/apt-get")
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr(debian, "call", lambda command, **_: ran.append(" ".join(command)))
    if remedy:
        with pytest.raises(StepFailedError) as failure:
            debian.install("chromium", "Chromium")
        assert failure.value.remedy == f"{remedy} -y --no-install-recommends chromium"
        assert ran == []
    else:
        debian.install("chromium", "Chromium")
        assert [line.split()[-1] for line in ran] == ["update", "chromium"]


def test_an_environment_is_made_once_and_again_when_it_is_half_made_or_was_moved(tmp_path: Path) -> None:
    # One test, because each environment takes seconds to make.
    venv = PythonEnvironment(tmp_path / "with a space" / ".venv")
    assert venv.create().startswith("Python 3.")
    assert subprocess.run([venv.python, "-c", "import pip"], check=False).returncode == 0
    assert venv.create() == "there"

    (venv.folder / "zwilling-unfinished").touch()
    (venv.folder / "left-over").touch()
    assert venv.create().startswith("Python 3.")
    assert not (venv.folder / "left-over").exists()

    moved = PythonEnvironment(venv.folder.rename(venv.folder.parent / "moved"))
    assert moved.create().startswith("Python 3.")
    assert moved.create() == "there"


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "precious").touch()
    with pytest.raises(StepFailedError, match="in the way"):
        PythonEnvironment(tmp_path / ".venv").create()
    assert (tmp_path / ".venv" / "precious").exists()


def test_a_lock_is_installed_once_and_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(environments, "call", lambda command, **_: ran.append([str(word) for word in command]))
    venv = PythonEnvironment(tmp_path)
    lock, whole = tmp_path / "requirements.lock", tmp_path / "requirements-dev.lock"
    lock.write_text("a==1 --hash=sha256:0\n", encoding="utf-8")
    whole.write_text("a==1 --hash=sha256:0\nb==2 --hash=sha256:0\n", encoding="utf-8")
    assert venv.install_lock(whole, contains=(lock,)) == "2 packages"
    assert venv.install_lock(whole) == venv.install_lock(lock) == "there"
    assert len(ran) == 1
    assert "--require-hashes" in ran[0]
    lock.write_text("a==3 --hash=sha256:0\n", encoding="utf-8")
    assert venv.install_lock(lock) == "1 packages"


def test_a_failed_installation_is_not_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("a==1 --hash=sha256:0\n", encoding="utf-8")
    venv = PythonEnvironment(tmp_path)

    def refuse(*_: object, **__: object) -> str:
        return fail()

    monkeypatch.setattr(environments, "call", refuse)
    with pytest.raises(StepFailedError):
        venv.install_lock(lock)
    monkeypatch.setattr(environments, "call", lambda *_, **__: "")
    assert venv.install_lock(lock) == "1 packages"


@pytest.fixture
def viewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A viewer whose build copies one file; npm is not asked."""
    folder = tmp_path / "viewer"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.ts").write_text("one", encoding="utf-8")
    (folder / "package-lock.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(node, "VIEWER", folder)

    def npm(command: list[str], **_: object) -> str:
        if command[1] == "run":
            (folder / "dist").mkdir(exist_ok=True)
            (folder / "dist" / ".sources").unlink(missing_ok=True)
            (folder / "dist" / "index.html").write_text("built", encoding="utf-8")
        return ""

    monkeypatch.setattr(node, "call", npm)
    return folder


def test_the_viewer_is_built_again_only_when_its_sources_change(viewer: Path) -> None:
    some = node.Node("24.0.0")
    assert [node.build_viewer(some) for _ in range(2)] == ["built", "there"]
    (viewer / "node_modules").mkdir()
    (viewer / "node_modules" / "new.js").touch()
    assert node.build_viewer(some) == "there"
    (viewer / "src" / "main.ts").write_text("two", encoding="utf-8")
    assert node.build_viewer(some) == "built"
    (viewer / "src" / "main.ts").rename(viewer / "src" / "other.ts")
    assert node.build_viewer(some) == "built"


def test_a_build_that_stopped_halfway_is_done_again(viewer: Path) -> None:
    node.build_viewer(node.Node("24.0.0"))
    (viewer / "dist" / ".sources").unlink()
    assert node.build_viewer(node.Node("24.0.0")) == "built"


def test_npm_packages_are_installed_once_per_lock_and_node(viewer: Path) -> None:
    old, new = node.Node("20.19.0"), node.Node("24.0.0")
    assert [node.install_packages(viewer, which) for which in (old, old, new)] == ["installed", "there", "installed"]
    (viewer / "package-lock.json").write_text('{"packages": {}}', encoding="utf-8")
    assert node.install_packages(viewer, new) == "installed"


@pytest.mark.parametrize(("says", "usable"), [("v18.19.0", False), ("v20.20.2", True), ("no version", False)])
def test_a_node_that_is_too_old_is_not_used(
    says: str, usable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("node", "npm"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {says}\n", encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert (node.find() is not None) == usable


def test_a_node_without_npm_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "node").write_text("#!/bin/sh\necho v24.0.0\n", encoding="utf-8")
    (tmp_path / "node").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert node.find() is None


def test_an_old_python_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(front, "OLDEST", (99, 0))
    monkeypatch.setattr(front, "newer_python", lambda: None)
    with pytest.raises(SystemExit, match="1"):
        front.main()
    assert "sudo apt-get install -y python3 python3-venv" in capsys.readouterr().err


def test_an_old_python_hands_over_to_a_newer_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = tmp_path / "python3.14"
    newer.write_text("#!/bin/sh\n", encoding="utf-8")
    newer.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert front.newer_python() == str(newer)


def test_an_old_python_can_read_the_front() -> None:
    # Python 3.6 grammar: no newer syntax may slip in, or its users would see a SyntaxError instead of the remedy.
    source = Path(front.__file__).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    assert not any(isinstance(part, ast.JoinedStr | ast.NamedExpr) for part in ast.walk(ast.parse(source)))


def test_every_make_target_that_sets_up_is_a_command_of_the_driver() -> None:
    makefile = (steps.PROJECT / "Makefile").read_text(encoding="utf-8")
    named = {line.split("run.py ")[1].split()[0] for line in makefile.splitlines() if "run.py " in line and "@" in line}
    assert named == set(commands.COMMANDS)


def test_make_help_lists_every_target() -> None:
    listed = subprocess.run(["make"], cwd=steps.PROJECT, capture_output=True, text=True, check=True).stdout
    makefile = (steps.PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = next(line for line in makefile.splitlines() if line.startswith(".PHONY:")).split()[1:]
    assert [line.split()[1] for line in listed.splitlines()] == targets


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["dmeo"]) == 2
    assert "usage: python3 run.py COMMAND" in capsys.readouterr().err
    assert commands.run(["--help"]) == 0


def test_the_record_of_an_environment_survives_a_torn_write(tmp_path: Path) -> None:
    (tmp_path / "zwilling-installed.json").write_text('{"requirements.lock": "abc', encoding="utf-8")
    venv = PythonEnvironment(tmp_path)
    lock = tmp_path / "requirements.lock"
    lock.write_text("a==1\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environments, "call", lambda *_, **__: "")
        assert venv.install_lock(lock) == "1 packages"
    assert set(json.loads((tmp_path / "zwilling-installed.json").read_text(encoding="utf-8"))) == {"requirements.lock"}
