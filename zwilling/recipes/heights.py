"""No tile is made where heights would be wrong."""

from __future__ import annotations

from zwilling.crs import check_heights
from zwilling.errors import UnknownCRSError
from zwilling.region import Region


def require_true_heights(region: Region) -> None:
    """Stop where this machine's PROJ does not give the height that is known for the region's control point.

    Raises:
        UnknownCRSError: the height is wrong; nothing may be built with it.
    """
    check = check_heights(region)
    if not check.passed:
        raise UnknownCRSError(
            f"the height check of {region.title} failed", remedy="install Zwilling and its PROJ anew, or the grid"
        )
