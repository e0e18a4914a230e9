"""Why a request is not answered with what it asked for."""

from __future__ import annotations

from http import HTTPStatus


class RefusedError(Exception):
    """A request that the service does not answer.

    Attributes:
        status: of the HTTP response.
        detail: one sentence for whoever wrote the request. It names what the request itself says and what the
            standard defines, and never anything that is stored.
    """

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


class NotFoundError(RefusedError):
    """Nothing is there, or nothing that this principal may see: nobody can tell which."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.NOT_FOUND, "there is nothing at this address")


class BadRequestError(RefusedError):
    """The request cannot be understood."""

    def __init__(self, detail: str) -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, detail)


class BadExpressionError(BadRequestError):
    """`$filter` or `$orderby` cannot be understood.

    Attributes:
        position: where in the expression, from 1.
    """

    def __init__(self, problem: str, position: int) -> None:
        super().__init__(f"{problem} (at character {position})")
        self.position = position
