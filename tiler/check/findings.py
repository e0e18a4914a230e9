"""Where a finding is put down: a place in a document, and the list that all places share."""

from __future__ import annotations

from dataclasses import dataclass, field

from tiler.check.codes import CODES
from zwilling.issues import Issue

MAX_ISSUES = 10_000


@dataclass(slots=True)
class Findings:
    """The issues of one check, in the order in which they were found, at most `MAX_ISSUES` of them.

    Attributes:
        issues: what was found and kept.
        dropped: how many more there were.
    """

    issues: list[Issue] = field(default_factory=list)
    dropped: int = 0

    def __len__(self) -> int:
        """Return how many findings there were, the dropped ones included."""
        return len(self.issues) + self.dropped

    def add(self, code: str, source: str, where: str, message: str) -> None:
        """Put down one finding; its severity is that of its code."""
        if len(self.issues) >= MAX_ISSUES:
            self.dropped += 1
        else:
            self.issues.append(Issue(code, CODES[code][0], source, where, message))

    def close(self, source: str) -> tuple[Issue, ...]:
        """Return all issues, with a last one that says how many were dropped, if any were."""
        if self.dropped:
            message = f"{self.dropped} more findings were not kept"
            return *self.issues, Issue("TOO_MANY_ISSUES", CODES["TOO_MANY_ISSUES"][0], source, "", message)
        return tuple(self.issues)


@dataclass(frozen=True, slots=True)
class Place:
    """A value inside a JSON document: the file as the user named it, and a JSON pointer (RFC 6901)."""

    findings: Findings
    source: str
    pointer: str = ""

    def at(self, *keys: str | int) -> Place:
        """Return the place below this one that the keys lead to."""
        escaped = (str(key)[:200].replace("~", "~0").replace("/", "~1") for key in keys)
        return Place(self.findings, self.source, "/".join((self.pointer, *escaped)))

    def report(self, code: str, message: str) -> None:
        """Put down a finding about the value at this place."""
        self.findings.add(code, self.source, self.pointer or "/", message)
