"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
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


@pytest.fixture(scope="session", autouse=True)
def _no_grid_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests see no quasigeoid grid but the one they install: heights must not depend on whose machine this is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data-home")))
        yield


LONGEST = ("tests/viewer/", "tests/packaging/", "tests/end_to_end/")
"""Rooms that take longest. Begun last, they would leave other processes without work at the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the rooms of `LONGEST`; all others keep their order."""

    def turn(item: pytest.Item) -> int:
        return next((at for at, room in enumerate(LONGEST) if item.nodeid.startswith(room)), len(LONGEST))

    items.sort(key=turn)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Share tests between processes as `tests.sharing` does; only where there are several, so xdist is here."""
    from tests.sharing import Sharing

    return Sharing(config, log)
