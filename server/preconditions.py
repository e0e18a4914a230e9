"""Conditional requests: does the client have the representation already, and is its range still of the same one?

Spec: RFC 9110, 13.1 (the fields), 13.2.2 (the order in which they count).
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from http import HTTPStatus

from starlette.datastructures import Headers


def evaluate(headers: Headers, etag: str, modified: int | None) -> HTTPStatus:
    """Return 200, 304 or 412 for a GET or HEAD of a representation that exists.

    Args:
        headers: of the request.
        etag: strong entity tag of the selected representation, with its quotes.
        modified: when it last changed, in whole seconds since 1970 (UTC), or None where nobody knows.
    """
    if_match = headers.get("if-match")
    if if_match is not None:
        if not _lists(if_match, etag, weak=False):
            return HTTPStatus.PRECONDITION_FAILED
    elif modified is not None:
        until = _seconds(headers.get("if-unmodified-since"))
        if until is not None and modified > until:
            return HTTPStatus.PRECONDITION_FAILED

    if_none_match = headers.get("if-none-match")
    if if_none_match is not None:
        return HTTPStatus.NOT_MODIFIED if _lists(if_none_match, etag, weak=True) else HTTPStatus.OK
    if modified is not None:
        since = _seconds(headers.get("if-modified-since"))
        if since is not None and modified <= since:
            return HTTPStatus.NOT_MODIFIED
    return HTTPStatus.OK


def range_applies(headers: Headers, etag: str, modified: int) -> bool:
    """Return whether `If-Range` lets the `Range` of this request count; without `If-Range` it always does."""
    if_range = headers.get("if-range")
    if if_range is None:
        return True
    if if_range.strip().startswith(('"', "W/")):
        return if_range.strip() == etag  # strong comparison: a weak tag never matches
    return _seconds(if_range) == modified


def _lists(header: str, etag: str, *, weak: bool) -> bool:
    """Return whether a list of entity tags, or `*`, covers `etag`; ours hold no comma."""
    tags = [tag.strip() for tag in header.split(",")]
    return "*" in tags or etag in ([tag.removeprefix("W/") for tag in tags] if weak else tags)


def _seconds(http_date: str | None) -> int | None:
    """Return an HTTP date as seconds since 1970, or None where there is none that can be read."""
    if http_date is None:
        return None
    try:
        return int(parsedate_to_datetime(http_date).timestamp())
    except (ValueError, OverflowError):
        return None
