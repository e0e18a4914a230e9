from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.encodings import IDENTITY, PREFERRED, choose_encoding


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, IDENTITY),
        ("", IDENTITY),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("br;q=0.2, gzip;q=0.9", "gzip"),
        ("br; q=0.9 , gzip;Q=0.8", "br"),
        ("gzip;q=0", IDENTITY),
        ("gzip;q=0.000", IDENTITY),
        ("identity, gzip;q=0.5", IDENTITY),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("identity;q=0, gzip", "gzip"),
        ("identity;q=0", None),
        ("*;q=0", None),
        ("*;q=0, identity", IDENTITY),
        ("br;q=nonsense", IDENTITY),
        ("br;q=1.5, gzip", "gzip"),
        ("deflate", IDENTITY),
        (",,, ;;;", IDENTITY),
    ],
)
def test_weights_decide(header: str | None, expected: str | None) -> None:
    assert choose_encoding(header, PREFERRED) == expected


def test_a_coding_that_is_not_stored_is_never_chosen() -> None:
    assert choose_encoding("br, gzip;q=0.1", ("gzip",)) == "gzip"
    assert choose_encoding("br, gzip", ()) == IDENTITY


@given(st.text(alphabet="brgzipdentyq=;,.*01 \t", max_size=60), st.sets(st.sampled_from(PREFERRED)))
def test_any_header_leads_to_something_stored_or_to_a_refusal(header: str, stored: set[str]) -> None:
    chosen = choose_encoding(header, tuple(stored))
    assert chosen in (None, IDENTITY, *stored)
    if chosen is None:
        assert "q=0" in header.replace(" ", "").replace("\t", "").lower()
