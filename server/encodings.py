"""Which stored encoding of a representation a client gets: `Accept-Encoding` with weights.

Spec: RFC 9110, 12.5.3 (Accept-Encoding) and 12.4.2 (quality values).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

IDENTITY = "identity"
PREFERRED = ("br", "gzip")
"""Content codings that are stored, the one we like best first."""

_ALIASES = {"x-gzip": "gzip"}
_WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)


def choose_encoding(accept_encoding: str | None, stored: Sequence[str]) -> str | None:
    """Return the content coding to send: one of `stored`, `IDENTITY`, or None where the client refuses them all.

    Args:
        accept_encoding: value of the header, or None where the request has none; then nothing is encoded, for
            a client that does not ask may not be able to decode.
        stored: codings at hand besides identity, the preferred one first; it wins among equal weights.

    Example:
        >>> choose_encoding("gzip, deflate, br", ("br", "gzip"))
        'br'
        >>> choose_encoding("br;q=0.5, gzip;q=0.8", ("br", "gzip"))
        'gzip'
        >>> choose_encoding("identity;q=0, gzip", ()) is None
        True
    """
    if accept_encoding is None:
        return IDENTITY
    weights = _weights(accept_encoding)
    others = weights.get("*")
    chosen: str | None = None
    best = 0.0
    for coding in stored:
        weight = weights.get(coding, others or 0.0)
        if weight > best:
            chosen, best = coding, weight
    # Identity is acceptable unless refused; where it is not named it is the last resort (12.5.3).
    plain = weights.get(IDENTITY, others)
    if plain is None:
        return chosen or IDENTITY
    return IDENTITY if plain > best else chosen


def _weights(accept_encoding: str) -> dict[str, float]:
    """Return the weight of each coding named; an element whose weight cannot be read is left out."""
    weights: dict[str, float] = {}
    for element in accept_encoding.split(","):
        coding, *parameters = (part.strip() for part in element.split(";"))
        weight = 1.0
        if parameters:
            match = _WEIGHT.fullmatch(parameters[0].replace(" ", ""))
            if match is None:
                continue
            weight = float(match[1])
        coding = coding.lower()
        weights[_ALIASES.get(coding, coding)] = weight
    return weights
