"""The file of tokens counts as it is now."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from sensor_overlay.access import LOOK_SECONDS, PUBLIC, WatchedTokens
from sensor_overlay.token_file import add_token


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_token_is_known_as_soon_as_it_is_written_and_nobody_as_soon_as_it_is_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, clock = tmp_path / "tokens.toml", Clock()
    watched = WatchedTokens(path, clock)
    caretaker = add_token(path, "Hausmeister")
    assert watched.principal(f"Bearer {caretaker}") is None  # not looked again yet
    clock.now += LOOK_SECONDS
    found = watched.principal(f"Bearer {caretaker}")
    assert found is not None
    assert found.name == "Hausmeister"

    whole = path.read_text(encoding="utf-8")
    path.write_text("[[token\n", encoding="utf-8")
    clock.now += LOOK_SECONDS
    with caplog.at_level(logging.ERROR):
        assert watched.principal(f"Bearer {caretaker}") == found  # a slip of the pen locks nobody out
        clock.now += LOOK_SECONDS
        assert watched.principal(f"Bearer {caretaker}") == found
    assert len(caplog.records) == 1  # and is told once

    path.write_text(whole.replace('"Hausmeister"', '"Hausmeisterin"'), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    clock.now += LOOK_SECONDS
    renamed = watched.principal(f"Bearer {caretaker}")
    assert renamed is not None
    assert renamed.name == "Hausmeisterin"

    path.unlink()
    clock.now += LOOK_SECONDS
    assert watched.principal(f"Bearer {caretaker}") is None
    assert watched.principal(None) is PUBLIC
