"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", ID, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
        comment="see sensor_overlay.store.opening.Counter",
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", ID, nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False, comment="name of the broker, or webhook"),
        sa.Column("network", sa.String(length=20), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="cut where it is longer than is kept"),
        sa.Column("size", ID, nullable=False, comment="bytes of the whole body"),
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("dev_eui", sa.String(length=16), server_default="", nullable=False),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False, comment="how often exactly this came"),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False, comment="of source, topic and body"),
        sa.Column("replayed", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
        sa.UniqueConstraint("digest", name=op.f("uq_dead_letter_digest")),
    )
    op.create_index(op.f("ix_dead_letter_received"), "dead_letter", ["received"], unique=False)
    op.create_table(
        "location",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("properties", DOCUMENT, nullable=True),
        sa.Column("encoding_type", sa.Text(), server_default="application/geo+json", nullable=False),
        sa.Column("location", DOCUMENT, nullable=False, comment="GeoJSON"),
        sa.Column("longitude", sa.Double(), nullable=True, comment="of a point, or of the middle: degrees, WGS 84"),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("height", sa.Double(), nullable=True, comment="of a point: metres above the ellipsoid"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location")),
    )
    op.create_table(
        "observed_property",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("properties", DOCUMENT, nullable=True),
        sa.Column(
            "key", sa.String(length=100), nullable=True, comment="in sensor_overlay.observed, or a device's own name"
        ),
        sa.Column("definition", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observed_property")),
        sa.UniqueConstraint("key", name=op.f("uq_observed_property_key")),
    )
    op.create_table(
        "sensor",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("properties", DOCUMENT, nullable=True),
        sa.Column("key", sa.String(length=100), nullable=True, comment="name of the codec whose devices it stands for"),
        sa.Column("encoding_type", sa.Text(), server_default="text/plain", nullable=False),
        sa.Column("metadata", DOCUMENT, nullable=False, comment="text or document, as the encoding says"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sensor")),
        sa.UniqueConstraint("key", name=op.f("uq_sensor_key")),
    )
    op.create_table(
        "thing",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("properties", DOCUMENT, nullable=True),
        sa.Column(
            "key",
            sa.String(length=200),
            nullable=True,
            comment="the county's own id of it; the registry is imported by it",
        ),
        sa.Column(
            "dev_eui",
            sa.String(length=16),
            nullable=True,
            comment="of a LoRaWAN device: 16 lower-case hexadecimal digits",
        ),
        sa.Column("model", sa.String(length=100), server_default="", nullable=False, comment="name of a codec"),
        sa.Column(
            "site",
            sa.String(length=200),
            server_default="",
            nullable=False,
            comment="short id of the school or plant, e.g. S07",
        ),
        sa.Column("site_name", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "building",
            sa.String(length=200),
            server_default="",
            nullable=False,
            comment="ALKIS id of a feature in the twin",
        ),
        sa.Column("storey", sa.String(length=40), server_default="", nullable=False),
        sa.Column("room", sa.String(length=80), server_default="", nullable=False),
        sa.Column("municipality", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "access", sa.String(length=10), server_default="staff", nullable=False, comment="public, staff or crisis"
        ),
        sa.Column(
            "is_registered", sa.Boolean(), nullable=False, comment="false: its uplinks came, and nobody knows it"
        ),
        sa.Column(
            "is_test",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="in its test phase: no alerts",
        ),
        sa.Column("is_synthetic", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="simulated"),
        sa.Column(
            "expected_interval", sa.Integer(), server_default="900", nullable=False, comment="seconds between uplinks"
        ),
        sa.Column("calibration", DOCUMENT, nullable=True, comment='{"co2": {"offset": -12.0, "factor": 1.0}}'),
        sa.Column("first_seen", sa.BigInteger(), nullable=True),
        sa.Column("last_seen", sa.BigInteger(), nullable=True, comment="server time of the newest uplink"),
        sa.Column("uplinks", ID, server_default="0", nullable=False),
        sa.Column("rssi", sa.Double(), nullable=True),
        sa.Column("snr", sa.Double(), nullable=True),
        sa.Column("battery", sa.Double(), nullable=True, comment="percent"),
        sa.CheckConstraint("access in ('public', 'staff', 'crisis')", name=op.f("ck_thing_access")),
        sa.CheckConstraint("expected_interval > 0", name=op.f("ck_thing_expected_interval")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thing")),
        sa.UniqueConstraint("dev_eui", name=op.f("uq_thing_dev_eui")),
        sa.UniqueConstraint("key", name=op.f("uq_thing_key")),
    )
    op.create_index("ix_thing_site", "thing", ["site"], unique=False)
    op.create_table(
        "watch",
        sa.Column("subject", sa.String(length=80), nullable=False, comment="that of the alert it may become"),
        sa.Column(
            "rank",
            sa.SmallInteger(),
            autoincrement=False,
            nullable=False,
            comment="level that is passed; -1: see held",
        ),
        sa.Column("since", sa.BigInteger(), nullable=False, comment="phenomenonTime of the first value of it"),
        sa.Column("last", sa.BigInteger(), nullable=False, comment="phenomenonTime of the newest value of it"),
        sa.Column("readings", sa.Integer(), nullable=False, comment="values in a row"),
        sa.Column(
            "held",
            sa.SmallInteger(),
            nullable=True,
            comment="levels up to this were closed by a person and wait until it is over",
        ),
        sa.PrimaryKeyConstraint("subject", "rank", name=op.f("pk_watch")),
        comment="levels on their way to an alert; kept, so that a restart forgets none",
    )
    op.create_table(
        "datastream",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("properties", DOCUMENT, nullable=True),
        sa.Column("thing_id", ID, nullable=False),
        sa.Column("sensor_id", ID, nullable=False),
        sa.Column("observed_property_id", ID, nullable=False),
        sa.Column(
            "key",
            sa.String(length=100),
            nullable=True,
            comment="of what uplinks bring: the observed property's; unique in its thing",
        ),
        sa.Column("observation_type", sa.Text(), nullable=False),
        sa.Column("unit_name", sa.Text(), nullable=True),
        sa.Column("unit_symbol", sa.Text(), nullable=True),
        sa.Column("unit_definition", sa.Text(), nullable=True),
        sa.Column(
            "observed_area",
            DOCUMENT,
            nullable=True,
            comment="as a client gave it; else it follows from the thing's location",
        ),
        sa.ForeignKeyConstraint(
            ["observed_property_id"],
            ["observed_property.id"],
            name=op.f("fk_datastream_observed_property_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["sensor_id"], ["sensor.id"], name=op.f("fk_datastream_sensor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["thing_id"], ["thing.id"], name=op.f("fk_datastream_thing_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datastream")),
        sa.UniqueConstraint("thing_id", "key", name=op.f("uq_datastream_thing_id_key")),
    )
    op.create_index(op.f("ix_datastream_observed_property_id"), "datastream", ["observed_property_id"], unique=False)
    op.create_index(op.f("ix_datastream_sensor_id"), "datastream", ["sensor_id"], unique=False)
    op.create_index(op.f("ix_datastream_thing_id"), "datastream", ["thing_id"], unique=False)
    op.create_table(
        "feature_of_interest",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("properties", DOCUMENT, nullable=True),
        sa.Column("location_id", ID, nullable=True, comment="made from it"),
        sa.Column("encoding_type", sa.Text(), server_default="application/geo+json", nullable=False),
        sa.Column("feature", DOCUMENT, nullable=False),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_feature_of_interest_location_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feature_of_interest")),
        sa.UniqueConstraint("location_id", name=op.f("uq_feature_of_interest_location_id")),
    )
    op.create_table(
        "historical_location",
        sa.Column("id", ID, nullable=False),
        sa.Column("thing_id", ID, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["thing.id"], name=op.f("fk_historical_location_thing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_historical_location")),
    )
    op.create_index(op.f("ix_historical_location_thing_id"), "historical_location", ["thing_id"], unique=False)
    op.create_table(
        "thing_location",
        sa.Column("thing_id", ID, nullable=False),
        sa.Column("location_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_thing_location_location_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["thing.id"], name=op.f("fk_thing_location_thing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("thing_id", "location_id", name=op.f("pk_thing_location")),
    )
    op.create_index(op.f("ix_thing_location_location_id"), "thing_location", ["location_id"], unique=False)
    op.create_table(
        "uplink",
        sa.Column("id", ID, autoincrement=False, nullable=False, comment="numbered by counter 'uplink'"),
        sa.Column("thing_id", ID, nullable=False),
        sa.Column(
            "time", sa.BigInteger(), nullable=False, comment="the message's; where it tells none, when it was received"
        ),
        sa.Column("received", sa.BigInteger(), nullable=False, comment="by the server's clock"),
        sa.Column("dev_addr", sa.String(length=8), nullable=False),
        sa.Column(
            "session", sa.String(length=200), nullable=False, comment="the network server's own name of it, else empty"
        ),
        sa.Column("f_cnt", ID, nullable=False),
        sa.Column("f_port", sa.SmallInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column(
            "deduplication", sa.String(length=200), nullable=False, comment="the network server's own id, else empty"
        ),
        sa.Column(
            "is_decoded",
            sa.Boolean(),
            nullable=False,
            comment="false: kept for the record, until a codec understands it",
        ),
        sa.ForeignKeyConstraint(["thing_id"], ["thing.id"], name=op.f("fk_uplink_thing_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uplink")),
        comment="what came; two rows are one frame by the rule in sensor_overlay.store.frames",
    )
    op.create_index("ix_uplink_frame", "uplink", ["thing_id", "f_cnt"], unique=False)
    op.create_index("ix_uplink_received", "uplink", ["received"], unique=False)
    op.create_table(
        "alert",
        sa.Column("id", ID, nullable=False),
        sa.Column("rule", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="level or silence"),
        sa.Column(
            "level", sa.String(length=100), nullable=False, comment="name of the level in the rule; silence: empty"
        ),
        sa.Column("rank", sa.SmallInteger(), nullable=False, comment="0 the mildest level"),
        sa.Column("thing_id", ID, nullable=False),
        sa.Column("datastream_id", ID, nullable=True, comment="null: the thing is silent"),
        sa.Column(
            "subject", sa.String(length=80), nullable=False, comment="what it is about; only one alert of it is open"
        ),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True, comment="that opened it"),
        sa.Column("peak", sa.Double(), nullable=True, comment="the worst since"),
        sa.Column("text", sa.Text(), nullable=False, comment="German, as it was told"),
        sa.Column("acknowledged", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("escalated", sa.BigInteger(), nullable=True),
        sa.Column("closed", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True, comment="empty: it ended by itself"),
        sa.Column("sequence", ID, nullable=False, comment="of the commit that changed this row last"),
        sa.ForeignKeyConstraint(
            ["datastream_id"], ["datastream.id"], name=op.f("fk_alert_datastream_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["thing_id"], ["thing.id"], name=op.f("fk_alert_thing_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index("ix_alert_sequence", "alert", ["sequence"], unique=False)
    op.create_index(op.f("ix_alert_thing_id"), "alert", ["thing_id"], unique=False)
    op.create_index(
        "uq_alert_open",
        "alert",
        ["subject"],
        unique=True,
        sqlite_where=sa.text("closed IS NULL"),
        postgresql_where=sa.text("closed IS NULL"),
    )
    op.create_table(
        "historical_location_location",
        sa.Column("historical_location_id", ID, nullable=False),
        sa.Column("location_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["historical_location_id"],
            ["historical_location.id"],
            name=op.f("fk_historical_location_location_historical_location_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["location_id"],
            ["location.id"],
            name=op.f("fk_historical_location_location_location_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("historical_location_id", "location_id", name=op.f("pk_historical_location_location")),
    )
    op.create_index(
        op.f("ix_historical_location_location_location_id"),
        "historical_location_location",
        ["location_id"],
        unique=False,
    )
    op.create_table(
        "hourly",
        sa.Column("datastream_id", ID, nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False, comment="its beginning"),
        sa.Column("observations", sa.Integer(), nullable=False),
        sa.Column("mean", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["datastream_id"], ["datastream.id"], name=op.f("fk_hourly_datastream_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("datastream_id", "hour", name=op.f("pk_hourly")),
        comment="what stays when observations are old",
    )
    op.create_table(
        "latest",
        sa.Column("datastream_id", ID, nullable=False),
        sa.Column("sequence", ID, nullable=False, comment="of the commit that changed this row last"),
        sa.Column("observations", ID, nullable=False, comment="how many the datastream has"),
        sa.Column("first_time", sa.BigInteger(), nullable=False, comment="least phenomenonTime"),
        sa.Column("last_time", sa.BigInteger(), nullable=False, comment="greatest phenomenonTime"),
        sa.Column("first_result_time", sa.BigInteger(), nullable=True),
        sa.Column("last_result_time", sa.BigInteger(), nullable=True),
        sa.Column("observation_id", ID, nullable=True),
        sa.Column("phenomenon_time", sa.BigInteger(), nullable=True),
        sa.Column("result_time", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Double(), nullable=True),
        sa.Column("quality", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["datastream_id"], ["datastream.id"], name=op.f("fk_latest_datastream_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("datastream_id", name=op.f("pk_latest")),
        comment="one row a datastream that has observations: 'latest of all' and counts read nothing else",
    )
    op.create_index("ix_latest_sequence", "latest", ["sequence"], unique=False)
    # PostgreSQL keeps observations in partitions by month, and wants what it parts by in the key.
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    key = ("id", "phenomenon_time") if is_postgresql else ("id",)
    op.create_table(
        "observation",
        sa.Column("id", ID, autoincrement=False, nullable=False, comment="numbered by counter 'observation'"),
        sa.Column("phenomenon_time", sa.BigInteger(), nullable=False),
        sa.Column("datastream_id", ID, nullable=False),
        sa.Column("phenomenon_end", sa.BigInteger(), nullable=True, comment="where the phenomenonTime is an interval"),
        sa.Column(
            "result_time", sa.BigInteger(), nullable=True, comment="server time of arrival, for what uplinks bring"
        ),
        sa.Column("result", sa.Double(), nullable=True, comment="a number; else see result_document"),
        sa.Column("result_document", DOCUMENT, nullable=True, comment="text, truth value or document"),
        sa.Column(
            "quality", sa.SmallInteger(), server_default="0", nullable=False, comment="sensor_overlay.uplink.Quality"
        ),
        sa.Column("feature_of_interest_id", ID, nullable=True, comment="null: the one made from the thing's location"),
        sa.Column("uplink_id", ID, nullable=True, comment="null: it came another way"),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("result_quality", DOCUMENT, nullable=True),
        sa.Column("parameters", DOCUMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["datastream_id"], ["datastream.id"], name=op.f("fk_observation_datastream_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_observation")),
        comment="on PostgreSQL in partitions, see sensor_overlay.store.partitions",
        postgresql_partition_by="RANGE (phenomenon_time)",
    )
    op.create_index("ix_observation_series", "observation", ["datastream_id", "phenomenon_time", "id"], unique=False)
    op.create_index(
        "ix_observation_feature",
        "observation",
        ["feature_of_interest_id", "datastream_id"],
        unique=False,
        sqlite_where=sa.text("feature_of_interest_id IS NOT NULL"),
        postgresql_where=sa.text("feature_of_interest_id IS NOT NULL"),
    )
    op.create_table(
        "message",
        sa.Column("id", ID, nullable=False),
        sa.Column("alert_id", ID, nullable=False),
        sa.Column("event", sa.String(length=12), nullable=False, comment="opened, raised, escalated or closed"),
        sa.Column("channel", sa.String(length=10), nullable=False, comment="mail or webhook"),
        sa.Column("recipient", sa.String(length=100), nullable=False, comment="id in the settings"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "due", sa.BigInteger(), nullable=False, comment="not before; later in quiet hours, or after a failure"
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=True),
        sa.Column("given_up", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "bundle", ID, nullable=True, comment="least id of those that were sent as one; they are sent as one again"
        ),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_message_alert_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint(
            "alert_id", "event", "channel", "recipient", name=op.f("uq_message_alert_id_event_channel_recipient")
        ),
        comment="written with the alert itself, so that each is told once, whatever stops in between",
    )
    op.create_index(
        "ix_message_due",
        "message",
        ["due"],
        unique=False,
        sqlite_where=sa.text("sent IS NULL"),
        postgresql_where=sa.text("sent IS NULL"),
    )

    rows = ", ".join(
        f"('{name}', 0)" for name in ("commit", "registry", "uplink", "observation", "restated", "kept", "raw_since")
    )
    op.execute(f"insert into counter (name, value) values {rows}")  # noqa: S608 - names above
    if is_postgresql:
        op.execute("create table observation_default partition of observation default")
        for name in ("thing", "latest"):  # rows that change with every uplink: room for their new versions
            op.execute(f"alter table {name} set (fillfactor = 70)")
