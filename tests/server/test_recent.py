from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from server.recent import LARGEST_BYTES, MOST_BYTES, Entry, RecentFiles


@settings(deadline=None, max_examples=30)  # each example moves up to 100 MB
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, LARGEST_BYTES)), max_size=400))
def test_the_bound_holds_and_the_last_used_stay(requests: list[tuple[int, int]]) -> None:
    recent = RecentFiles(clock=lambda: 0.0)
    kept: dict[str, int] = {}
    for number, size in requests:
        recent.put(str(number), Entry({}, 0.0, {"identity": bytes(size)}))
        kept[str(number)] = size
        assert recent.size <= MOST_BYTES
        assert recent.get(str(number)) is not None
    present = [path for path in kept if recent.get(path) is not None]
    assert recent.size == sum(Entry({}, 0.0, {"i": bytes(kept[path])}).size for path in present)


def test_what_is_used_outlives_what_is_not() -> None:
    recent = RecentFiles()
    large = Entry({}, 0.0, {"identity": bytes(LARGEST_BYTES)})
    for number in range(MOST_BYTES // LARGEST_BYTES * 3):
        recent.put(str(number), large)
        recent.get("0")
    assert recent.get("0") is not None
    assert recent.get("1") is None


def test_entries_without_bytes_are_bounded_too() -> None:
    recent = RecentFiles()
    for number in range(100_000):
        recent.put(str(number), Entry({}, 0.0))
    assert recent.size <= MOST_BYTES
