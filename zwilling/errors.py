"""The errors that end a piece of work: one base, one child for each different reaction."""

from __future__ import annotations


class ZwillingError(Exception):
    """Work that cannot go on, said in one line: where, what was found, what to do.

    Every edge translates it once: the command line prints `str(error)` and exits 1, the server
    answers with a problem document.  A programmer's mistake is a plain `ValueError`, not this.

    Attributes:
        problem: what was found, and what was expected.
        source: the file or address at fault, as the user named it.
        where: the place inside it, for example `gml:id=DENW43AL00001j2W` or `line 17`.
        remedy: what the user can do now, as an imperative.

    Example:
        >>> str(SourceError("srsName is missing", source="a.gml", where="line 4", remedy="pass --crs EPSG:25832+7837"))
        'a.gml: line 4: srsName is missing; pass --crs EPSG:25832+7837'
    """

    def __init__(
        self,
        problem: str,
        *,
        source: object | None = None,
        where: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.problem = problem
        self.source = None if source is None else str(source)
        self.where = where
        self.remedy = remedy
        super().__init__(problem, self.source, where, remedy)

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders; the default would call the class with positional arguments.
        return _rebuild, (type(self), self.problem, self.source, self.where, self.remedy)

    def __str__(self) -> str:
        head = "".join(f"{_one_line(part)}: " for part in (self.source, self.where) if part)
        tail = f"; {_one_line(self.remedy)}" if self.remedy else ""
        return f"{head}{_one_line(self.problem)}{tail}"


class SourceError(ZwillingError):
    """A file is missing, unreadable, or not what it claims to be."""


class UnknownCRSError(ZwillingError):
    """A coordinate reference system is missing, unknown, or has no way to the ellipsoid here."""


class EmptyGeometryError(ZwillingError):
    """There is nothing that could be drawn."""


class TilesetError(ZwillingError):
    """A tileset is missing, broken, or cannot be written where it should go."""


class SettingsError(ZwillingError):
    """`zwilling.toml`, the environment or an option is at fault."""


def _rebuild(
    kind: type[ZwillingError], problem: str, source: str | None, where: str | None, remedy: str | None
) -> ZwillingError:
    return kind(problem, source=source, where=where, remedy=remedy)


def _one_line(text: str) -> str:
    """Return `text` without line breaks and control characters, which a source file can smuggle into an id."""
    return "".join(ch if ch.isprintable() else " " for ch in text)
