"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real files beside the checkout; absent on a user's machine, never in CI."""
    folder = Path(os.environ.get("ZWILLING_TEST_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"CI must have the real test data in {folder}")
        pytest.skip(f"real test data is not at {folder}; set ZWILLING_TEST_DATA to its folder")
    return folder
