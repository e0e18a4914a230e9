"""Bringing a database up to this program's version.

A revision is a module in `versions/`, written by hand: `0002_what.py`, with `revision`, `down_revision` and
`upgrade()`. One that was released is never changed. A test compares what all of them make with
`sensor_overlay.store.schema`.
"""

from __future__ import annotations

from typing import Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from sensor_overlay.store.errors import StoreError
from sensor_overlay.store.schema import metadata

_SCRIPTS: Final = "sensor_overlay.store:migrations"


def migrate(connection: Connection, source: str) -> None:
    """Bring the database up to date, within the transaction that `connection` is in.

    Two processes that start at once do it one after the other: their transactions exclude each other.

    Args:
        connection: of the transaction that writes.
        source: the database's name for people.

    Raises:
        StoreError: a newer version of the program has been at the database.
    """
    config = Config()
    config.set_main_option("script_location", _SCRIPTS)
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    found = set(MigrationContext.configure(connection).get_current_heads())
    if found - known:
        raise StoreError(
            f"a newer version of the program has written this database (revision {', '.join(sorted(found - known))})",
            source=source,
            remedy="install that version, or put back the backup from before it",
        )
    if found == set(scripts.get_heads()):
        return

    def upgrade(revision: object, _context: MigrationContext) -> object:
        return scripts._upgrade_revs("head", revision)  # type: ignore[arg-type]  # what alembic.command.upgrade calls

    with EnvironmentContext(config, scripts, fn=upgrade) as environment:
        environment.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
        environment.run_migrations()
