"""Findings: what is wrong with data, where work can nevertheless go on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding matters: an `ERROR` lost something, a `WARNING` may mislead, an `INFO` is for the record."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding about one place in one source.

    Attributes:
        code: what kind of finding, in SCREAMING_SNAKE_CASE; codes are counted in reports.  Geometry faults
            carry val3dity's number in their message (101-405).
        severity: see `Severity`.
        source: the file, as the user named it.
        where: the place inside, for example `gml:id=UUID_1`.
        message: one sentence for a person.
    """

    code: str
    severity: Severity
    source: str
    where: str
    message: str

    def to_json(self) -> dict[str, Any]:
        """Return the finding as it stands in reports."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "source": self.source,
            "where": self.where,
            "message": self.message,
        }
