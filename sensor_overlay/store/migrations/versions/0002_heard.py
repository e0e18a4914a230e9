"""What is known of how a thing is heard: by which broker, when it came, how good the radio is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("arrived", sa.BigInteger(), comment="server time at which something of it came last"),
        sa.Column("told", sa.BigInteger(), comment="the time that this told of itself"),
        sa.Column(
            "source",
            sa.String(length=200),
            server_default="",
            nullable=False,
            comment="broker that brought it, or webhook",
        ),
        sa.Column(
            "data_rate",
            sa.String(length=20),
            server_default="",
            nullable=False,
            comment="of the newest uplink: SF7BW125",
        ),
        sa.Column("margin", sa.Double(), comment="dB by which it heard the last downlink better than it needs to"),
        sa.Column(
            "is_externally_powered",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="has no battery",
        ),
    ):
        op.add_column("thing", column)
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps no comments
        op.alter_column(
            "thing", "last_seen", comment="when the network heard it last, see sensor_overlay.store.hearing"
        )
    # Until now last_seen was the server's time.
    op.execute("update thing set arrived = last_seen")
