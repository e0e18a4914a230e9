from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.ranges import MAX_RANGES, ByteRange, parse_ranges


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-499", [(0, 100)]),
        ("bytes=99-", [(99, 100)]),
        ("bytes=-1", [(99, 100)]),
        ("bytes=-500", [(0, 100)]),
        ("BYTES = 5-9", [(5, 10)]),
        ("bytes=50-59,0-9", [(50, 60), (0, 10)]),  # kept in the order asked
        ("bytes=0-9,5-19", [(0, 20)]),
        ("bytes=90-,0-94", [(0, 100)]),
        ("bytes=0-9,5-19,20-29", [(0, 30)]),
        ("bytes=0-9,200-300", [(0, 10)]),  # one of them can be satisfied
        ("bytes=100-", []),
        ("bytes=-0", []),
        ("bytes=0-" + "9" * 5000, [(0, 100)]),
        ("bytes=" + "9" * 5000 + "-", []),
        ("bytes=" + "0" * 5000 + "7-7", [(7, 8)]),
    ],
)
def test_ranges_of_a_hundred_bytes(header: str, expected: list[tuple[int, int]]) -> None:
    assert parse_ranges(header, 100) == tuple(ByteRange(*pair) for pair in expected)


@pytest.mark.parametrize(
    "header",
    [
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=,",
        "bytes=a-b",
        "bytes=5-3",
        "bytes=--5",
        "bytes=0x1-2",
        "bytes=1-2-3",
        "bytes=٣-٤",
        "seconds=0-1",
        "bytes=" + "0-0," * MAX_RANGES + "0-0",
    ],
)
def test_what_is_no_byte_range_is_ignored(header: str) -> None:
    assert parse_ranges(header, 100) is None


def test_an_empty_file_satisfies_nothing() -> None:
    assert parse_ranges("bytes=0-", 0) == ()
    assert parse_ranges("bytes=-5", 0) == ()


SPECS = st.one_of(
    st.tuples(st.integers(0, 30), st.none() | st.integers(0, 10)).map(
        lambda pair: f"{pair[0]}-{'' if pair[1] is None else pair[0] + pair[1]}"
    ),
    st.integers(0, 40).map(lambda n: f"-{n}"),
)


@given(st.lists(SPECS, min_size=1, max_size=8), st.integers(0, 25))
def test_exactly_the_bytes_asked_for_and_each_once(specs: list[str], size: int) -> None:
    wanted: set[int] = set()
    for spec in specs:
        first, _, last = spec.partition("-")
        if not first:
            wanted |= set(range(size)[max(0, size - int(last)) :])
        else:
            wanted |= set(range(size)[int(first) : int(last) + 1 if last else None])
    ranges = parse_ranges("bytes=" + ",".join(specs), size)
    assert ranges is not None
    got = [byte for part in ranges for byte in range(part.start, part.end)]
    assert sorted(got) == sorted(wanted)
