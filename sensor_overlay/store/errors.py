"""The two ways in which the store can fail, one for each reaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from zwilling.errors import ZwillingError


class StoreError(ZwillingError):
    """The database cannot be used as it is: a person must do something."""


class StoreUnavailableError(ZwillingError):
    """The database does not answer, or cannot write, now: wait, and do the same again.

    Nothing of the transaction was kept, or all of it was and the answer was lost. `write()` tells the two apart by
    itself when it is called again with the same batch.
    """


# PostgreSQL's classes of errors that pass (appendix A of its manual): connection, resources, operator intervention,
# system error; and single codes: serialisation, deadlock, a lock not given in time, read-only while it fails over.
_PASSING_CLASSES = ("08", "53", "57", "58")
_PASSING_CODES = ("40001", "40P01", "55P03", "25006")

# SQLite's primary result codes (https://sqlite.org/rescode.html).
_SQLITE_PASSING = {5, 6, 8, 10, 13, 14}  # BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN
_SQLITE_BROKEN = {11, 26}  # CORRUPT, NOTADB


@contextmanager
def translated(source: str) -> Iterator[None]:
    """Turn what drivers raise into `StoreError` and `StoreUnavailableError`; a mistake of ours passes as it is.

    Args:
        source: the database, as it may be named in a log: without a password.
    """
    try:
        yield
    except DBAPIError as error:
        raise _translation(error, source) or error from error
    except (OSError, PoolTimeoutError) as error:  # asyncpg lets the socket's errors through where it connects
        raise _unavailable(source, str(error) or "it does not answer in time") from error


def _translation(error: DBAPIError, source: str) -> ZwillingError | None:
    reason = str(error.orig).split("\n")[0]
    cause = error.orig.__cause__ if error.orig is not None and error.orig.__cause__ is not None else error.orig
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        primary = code & 0xFF
        if primary in _SQLITE_BROKEN:
            return StoreError(
                f"the database is damaged ({reason})",
                source=source,
                remedy="stop the twin, keep a copy of the file, and put the last backup in its place",
            )
        return _unavailable(source, reason) if primary in _SQLITE_PASSING else None
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        if state[:2] == "28" or state == "3D000":
            return StoreError(f"the database refuses us ({reason})", source=source, remedy="check [database] url")
        if state[:2] == "XX":
            return StoreError(f"the database is damaged ({reason})", source=source, remedy="ask its administrator")
        passing = state[:2] in _PASSING_CLASSES or state in _PASSING_CODES
        return _unavailable(source, reason) if passing else None
    lost = error.connection_invalidated or isinstance(error, (InterfaceError, OperationalError))
    return _unavailable(source, reason) if lost else None


def _unavailable(source: str, reason: str) -> StoreUnavailableError:
    return StoreUnavailableError(f"the database cannot be used now ({reason})", source=source)
