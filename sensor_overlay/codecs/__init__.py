"""Codecs: how the payload of a device is read.  Ours, and those that others install, which run in another process."""

from __future__ import annotations

import functools
import importlib.metadata
import logging
import re
from collections.abc import Mapping
from types import MappingProxyType

from sensor_overlay.codecs import decentlab, dragino, elsys, milesight, sensative
from sensor_overlay.codecs.apart import Apart, CodecFailedError
from sensor_overlay.codecs.codec import Codec, Example, decoded, undecodable
from sensor_overlay.codecs.worker import Offered
from sensor_overlay.uplink import Decoded
from zwilling.issues import Issue, Severity

__all__ = [
    "GROUP",
    "Codec",
    "CodecFailedError",
    "Example",
    "by_profile",
    "codecs",
    "decoded",
    "findings",
    "rest",
    "troubles",
    "undecodable",
]

GROUP = "zwilling.codecs"
"""Entry points under which a package offers a `Codec` or several."""

_OURS = (*elsys.CODECS, *milesight.CODECS, *decentlab.CODECS, *dragino.CODECS, *sensative.CODECS)
_BETWEEN = re.compile(r"[^0-9a-z]+")
_LONGEST_NAME = 200
_apart = Apart()

logger = logging.getLogger(__name__)


def codecs() -> Mapping[str, Codec]:
    """Return all codecs by key: ours first, then the installed ones; one with a key of ours takes its place."""
    return _loaded()[0]


def findings() -> tuple[Issue, ...]:
    """Return what is wrong with installed codecs; those are not used."""
    return _loaded()[1]


def by_profile(profile: str) -> Codec | None:
    """Return the codec for a model as a device profile or a registry writes it; None where there is none.

    The model's words must stand there one after the other; the longest model wins, then the one installed last.

    Example:
        >>> codec = by_profile("Elsys ERS-CO2 Lite (Schulen)")
        >>> codec.key if codec else None
        'elsys-ers-co2'
    """
    return _found(profile[:_LONGEST_NAME])


def troubles() -> list[str]:
    """Return which installed codecs cannot be asked now, a German sentence each."""
    return _apart.troubles()


def rest() -> None:
    """End the process in which installed codecs run; it begins anew when one is asked."""
    _apart.rest()


def forget() -> None:
    """Look for installed codecs anew at the next call."""
    global _apart
    rest()
    _apart = Apart()
    _loaded.cache_clear()
    _found.cache_clear()


def _words(name: str) -> str:
    return f"-{_BETWEEN.sub('-', name.lower()).strip('-')}-"


@functools.lru_cache(maxsize=1_024)  # profiles are few, but their names come from outside
def _found(name: str) -> Codec | None:
    words = _words(name)
    best: tuple[int, Codec] | None = None
    for codec in codecs().values():
        if words == _words(codec.key):
            return codec
        for model in codec.models:
            # "ers-co2" in "elsys-ers-co2-lite", and written as one word in "ersco2"
            named = _words(model)
            joined = f"-{named.replace('-', '')}-"
            if (named in words or joined in words) and (best is None or len(joined) >= best[0]):
                best = (len(joined), codec)
    return best[1] if best else None


@functools.cache
def _loaded() -> tuple[Mapping[str, Codec], tuple[Issue, ...]]:
    found = {codec.key: codec for codec in _OURS}
    issues: list[Issue] = []
    for number, point in enumerate(importlib.metadata.entry_points(group=GROUP)):
        source = f"{point.dist.name if point.dist else 'unknown'}: {point.name} = {point.value}"
        entry = f"{number} {point.name}"  # two packages may give theirs the same name
        loaded = _apart.load(entry, point.value)
        issues += [_broken(source, fault) for fault in loaded.faults]
        for offered in loaded.codecs:
            found.pop(offered.key, None)  # so that it stands last, and wins
            found[offered.key] = _installed(entry, offered)
    for issue in issues:
        logger.warning("codec left out: %s: %s", issue.source, issue.message)
    return MappingProxyType(found), tuple(issues)


def _installed(entry: str, offered: Offered) -> Codec:
    """Return a codec that asks the other process."""

    def decode(payload: bytes, f_port: int, received: int) -> Decoded:
        answer = _apart.decode(entry, offered.key, offered.title, payload, f_port, received)
        if answer.undecodable:
            raise undecodable(answer.undecodable)
        if answer.failed:
            raise CodecFailedError(f"it failed with {answer.failed}")
        return answer.decoded()

    return Codec(
        key=offered.key,
        title=offered.title,
        vendor=offered.vendor,
        models=offered.models,
        decode=decode,
        fields=MappingProxyType(dict(offered.fields)),
        examples=(),
        is_apart=True,
    )


def _broken(source: str, fault: str) -> Issue:
    return Issue(
        code="CODEC_BROKEN",
        severity=Severity.ERROR,
        source=source,
        where="",
        message=f"This codec is not used, because {fault}",
    )
