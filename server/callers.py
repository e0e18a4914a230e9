"""Who asks: the one place where a request's credentials become a `Principal`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from sensor_overlay.access import Principal, Right, Tokens

NOT_KNOWN: Final = "Dieses Zugangstoken ist nicht bekannt."


def caller(tokens: Tokens, headers: Headers, right: Right | None = None) -> Principal:
    """Return who sent a request with these headers; without `Authorization` that is the public.

    Args:
        tokens: those of the twin.
        headers: of the request.
        right: what they must have.

    Raises:
        HTTPException: 401 for a token that is not known, and where `right` needs one; 403 for one without `right`.
    """
    principal = tokens.principal(headers.get("authorization"))
    challenge = {"www-authenticate": "Bearer"}
    if principal is None:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, NOT_KNOWN, challenge)
    if right is not None and right not in principal.rights:
        if not principal.name:
            raise HTTPException(HTTPStatus.UNAUTHORIZED, "Dafür ist ein Zugangstoken nötig.", challenge)
        raise HTTPException(HTTPStatus.FORBIDDEN, "Dieses Zugangstoken hat das Recht dazu nicht.")
    return principal
