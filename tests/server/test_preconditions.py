"""Expected values follow RFC 9110, 13.2.2, read with a pencil."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from server.preconditions import evaluate, range_applies

ETAG = '"abc"'
MODIFIED = 1_700_000_000  # Tue, 14 Nov 2023 22:13:20 GMT
THEN = "Tue, 14 Nov 2023 22:13:20 GMT"
BEFORE = "Tue, 14 Nov 2023 22:13:19 GMT"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"if-none-match": ETAG}, 304),
        ({"if-none-match": f"W/{ETAG}"}, 304),
        ({"if-none-match": f'"x", {ETAG}'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": '"x"'}, 200),
        ({"if-none-match": "abc"}, 200),
        ({"if-none-match": '"x"', "if-modified-since": THEN}, 200),  # the tag counts, the date does not
        ({"if-modified-since": THEN}, 304),
        ({"if-modified-since": BEFORE}, 200),
        ({"if-modified-since": "yesterday"}, 200),
        ({"if-modified-since": "Tue, 14 Nov 99999 22:13:20 GMT"}, 200),
        ({"if-match": ETAG}, 200),
        ({"if-match": "*"}, 200),
        ({"if-match": '"x"'}, 412),
        ({"if-match": f"W/{ETAG}"}, 412),  # strong comparison
        ({"if-match": '"x"', "if-none-match": ETAG}, 412),
        ({"if-unmodified-since": THEN}, 200),
        ({"if-unmodified-since": BEFORE}, 412),
        ({"if-match": ETAG, "if-unmodified-since": BEFORE}, 200),
    ],
)
def test_status(headers: dict[str, str], status: int) -> None:
    assert evaluate(Headers(headers), ETAG, MODIFIED) == status


def test_dates_do_not_count_where_nobody_knows_the_time_of_change() -> None:
    assert evaluate(Headers({"if-modified-since": THEN}), ETAG, None) == 200
    assert evaluate(Headers({"if-unmodified-since": BEFORE}), ETAG, None) == 200


@pytest.mark.parametrize(
    ("if_range", "applies"),
    [(None, True), (ETAG, True), (THEN, True), (f"W/{ETAG}", False), ('"x"', False), (BEFORE, False), ("junk", False)],
)
def test_if_range(if_range: str | None, applies: bool) -> None:
    headers = Headers({} if if_range is None else {"if-range": if_range})
    assert range_applies(headers, ETAG, MODIFIED) is applies
