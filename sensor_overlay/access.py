"""Who asks, and which things they may see: the one place that accounts will plug into.

Without a token everybody is the public. Tokens are random, and only their SHA-256 is kept: a stolen file opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import time
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, and_, true

from sensor_overlay.store.schema import thing
from zwilling.errors import SettingsError

_log = logging.getLogger("zwilling.sensors")

LOOK_SECONDS: Final = 1.0
"""Between two looks at the file of tokens."""
TOKEN_PREFIX: Final = "zw_"  # noqa: S105 - what every token begins with, so that scanners for leaked secrets find them


class Right(StrEnum):
    """What a principal may do beyond looking at what its groups see."""

    READ = "sensors:read"
    """See everything, unregistered devices and dead letters included."""
    WRITE = "sensors:write"
    """Create, change and delete SensorThings entities."""
    ALERTS = "alerts"
    """Acknowledge and close alerts."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks.

    Attributes:
        name: stands beside what they did; empty for the public.
        groups: whose things they see: `public`, `staff`, `crisis`.
        rights: see `Right`.
        sites: short ids of schools or plants that what is not public is narrowed to, and all that is written; empty
            for all.
        is_writing: it sees nothing but what it may write.
    """

    name: str = ""
    groups: frozenset[str] = frozenset({"public"})
    rights: frozenset[Right] = frozenset()
    sites: frozenset[str] = frozenset()
    is_writing: bool = False

    def writing(self) -> Principal:
        """Return the same one as it may write: what it sees then is what it may change.

        Example:
            >>> [one.is_writing for one in (PUBLIC, PUBLIC.writing())]
            [False, True]
        """
        return replace(self, is_writing=True)


PUBLIC: Final = Principal()


def visible(principal: Principal) -> ColumnElement[bool]:
    """Return the condition on `schema.thing` that holds for the things which `principal` may see."""
    if principal.is_writing and principal.sites:
        own = thing.c.site.in_(sorted(principal.sites))
        return and_(own, visible(replace(principal, is_writing=False)))
    if Right.READ in principal.rights:
        return true()
    open_to = [thing.c.access == "public"]
    others = sorted(principal.groups - {"public"})
    if others:
        closed = thing.c.access.in_(others)
        open_to.append(and_(closed, thing.c.site.in_(sorted(principal.sites))) if principal.sites else closed)
    allowed = open_to[0] if len(open_to) == 1 else open_to[0] | open_to[1]
    return and_(thing.c.is_registered, allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """`[[token]]` in the tokens file.

    Attributes:
        name: of its holder, as it stands beside what they did.
        sha256: of the token, hexadecimal.
        groups: see `Principal`.
        rights: see `Right`.
        sites: see `Principal`.
    """

    name: str
    sha256: str
    groups: list[str] = field(default_factory=lambda: ["staff"])
    rights: list[Right] = field(default_factory=list)
    sites: list[str] = field(default_factory=list)


class Tokens:
    """The tokens of a twin."""

    def __init__(self, tokens: Iterable[Token] = ()) -> None:
        self._tokens = [
            (
                token.sha256.lower().encode(),
                Principal(
                    token.name, frozenset({"public", *token.groups}), frozenset(token.rights), frozenset(token.sites)
                ),
            )
            for token in tokens
        ]

    def principal(self, authorization: str | None) -> Principal | None:
        """Return who shows this `Authorization` header: the public without one, None for a token that is not known."""
        if not authorization:
            return PUBLIC
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        digest = hashlib.sha256(token.strip().encode()).hexdigest().encode()
        found = None
        for known, principal in self._tokens:  # all of them, so that time tells nothing
            if hmac.compare_digest(known, digest):
                found = principal
        return found


class WatchedTokens(Tokens):
    """The tokens in a file as it is now: who is struck from it is nobody a second later."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the file at `path`, and again whenever it is another one.

        Raises:
            SettingsError: see `load_tokens`; later on, what was known before counts as long as the file is broken.
        """
        self._path = path
        self._clock = clock
        self._looked = clock()
        self._stamp = _stamp(path)
        super().__init__()
        self._tokens = load_tokens(path)._tokens

    def principal(self, authorization: str | None) -> Principal | None:
        """See `Tokens.principal`."""
        if authorization and self._clock() - self._looked >= LOOK_SECONDS:
            self._looked = self._clock()
            self._renew()
        return super().principal(authorization)

    def _renew(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._tokens = load_tokens(self._path)._tokens
        except SettingsError as error:
            _log.error("tokens: %s; those that were known before go on counting", error)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what tells one state of a file from another; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def load_tokens(path: Path) -> Tokens:
    """Return the tokens that the file at `path` knows; none where there is no file.

    Raises:
        SettingsError: it is not TOML, or an entry is malformed.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return Tokens(msgspec.convert(document.get("token", []), list[Token]))
    except FileNotFoundError:
        return Tokens()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(
            f"cannot be read ({error})", source=path, remedy="write it with 'zwilling sensors token'"
        ) from error


def new_token() -> tuple[str, str]:
    """Return a new token, and its SHA-256 as it stands in the tokens file."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    return token, hashlib.sha256(token.encode()).hexdigest()
