"""How tests are shared between processes that run side by side (pytest-xdist)."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/packaging/", "tests/viewer/")
"""Rooms whose files share what is dear: a browser and the twins that it shows, a wheel in an environment of its own."""


def share(nodeid: str) -> str:
    """Return what a test is handed out with: its file, or its room where that is one of `TOGETHER`.

    >>> share("tests/tiler/test_store.py::test_one[a::b]"), share("tests/viewer/test_page.py::test_one")
    ('tests/tiler/test_store.py', 'tests/viewer/')
    """
    path = nodeid.split("::", 1)[0]
    return next((room for room in TOGETHER if path.startswith(room)), path)


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out files and rooms as wholes, each to the process that has the least left to do."""

    def _split_scope(self, nodeid: str) -> str:
        return share(nodeid)
