"""Chance that can be asked again: the same numbers for the same key, in every process and every order."""

from __future__ import annotations

import hashlib
import struct

_KEY = struct.Struct("<qqq")
_NUMBERS = struct.Struct("<8I")


def uniform(seed: int, first: int, second: int) -> tuple[float, ...]:
    """Return eight numbers from 0 up to but not 1."""
    digest = hashlib.blake2b(_KEY.pack(seed, first, second), digest_size=32).digest()
    return tuple([number / 2**32 for number in _NUMBERS.unpack(digest)])


def name(seed: int, first: int, second: int) -> str:
    """Return 32 hexadecimal digits."""
    return hashlib.blake2b(_KEY.pack(seed, first, second), digest_size=16, person=b"name").hexdigest()
