"""What is odd in pictures and is nevertheless read: every code in one place."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from zwilling.issues import Issue, Severity

# code -> severity: ERROR lost something, WARNING may mislead, INFO is for the record.
SEVERITIES: Final = MappingProxyType(
    {
        "PICTURE_BANDS_ASSUMED": Severity.INFO,  # four bands without names: red, green, blue, near infrared
        "PICTURE_ALPHA_IS_INFRARED": Severity.WARNING,  # the fourth band says alpha and is none
        "PICTURE_GREY": Severity.INFO,  # one band
        "PICTURE_DEPTH_REDUCED": Severity.INFO,  # 16 bits to 8, and by which rule
        "PICTURE_CLIPPED": Severity.WARNING,  # values above what the rule for the layer holds
        "PICTURE_WITHOUT_CONTENT": Severity.WARNING,  # nodata or transparent everywhere
        "PICTURE_WARPED": Severity.INFO,  # in another CRS or turned: resampled
        "PICTURE_GRID_DIFFERS": Severity.INFO,  # same CRS, other pixel grid: resampled
        "PICTURE_NAMED_TWICE": Severity.INFO,
        "PICTURES_BALANCED": Severity.INFO,  # colours of different flights drawn together along their seams
    }
)


def finding(code: str, source: str, where: str, message: str) -> Issue:
    """Return one finding; `code` is a key of `SEVERITIES`."""
    return Issue(code, SEVERITIES[code], source, where, message)
