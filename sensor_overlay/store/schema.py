"""The tables.

Entities and columns have the names of OGC SensorThings 1.1 (OGC 18-088, 8.2). Beside them stands what the standard
does not know: who may see a thing, how often it should be heard, frames, dead letters, alerts.

Instants are whole microseconds (`sensor_overlay.instants`). Documents are JSON; where a client may filter by a member,
the databases' own JSON functions do it.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only where the type is exactly INTEGER.
Id: Final = BigInteger().with_variant(Integer, "sqlite")
Instant: Final = BigInteger()
Document: Final = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def _described() -> list[Column[Any]]:
    """Return what every entity with a name has."""
    return [
        Column("name", Text, nullable=False),
        Column("description", Text, nullable=False, server_default=""),
        Column("properties", Document),
    ]


thing: Final = Table(
    "thing",
    metadata,
    Column("id", Id, primary_key=True),
    *_described(),
    Column("key", String(200), unique=True, comment="the county's own id of it; the registry is imported by it"),
    Column("dev_eui", String(16), unique=True, comment="of a LoRaWAN device: 16 lower-case hexadecimal digits"),
    Column("model", String(100), nullable=False, server_default="", comment="name of a codec"),
    Column("site", String(200), nullable=False, server_default="", comment="short id of the school or plant, e.g. S07"),
    Column("site_name", Text, nullable=False, server_default=""),
    Column("building", String(200), nullable=False, server_default="", comment="ALKIS id of a feature in the twin"),
    Column("storey", String(40), nullable=False, server_default=""),
    Column("room", String(80), nullable=False, server_default=""),
    Column("municipality", Text, nullable=False, server_default=""),
    Column("access", String(10), nullable=False, server_default="staff", comment="public, staff or crisis"),
    Column("is_registered", Boolean, nullable=False, comment="false: its uplinks came, and nobody knows it"),
    Column("is_test", Boolean, nullable=False, server_default=text("false"), comment="in its test phase: no alerts"),
    Column("is_synthetic", Boolean, nullable=False, server_default=text("false"), comment="simulated"),
    Column("expected_interval", Integer, nullable=False, server_default="900", comment="seconds between uplinks"),
    Column("calibration", Document, comment='{"co2": {"offset": -12.0, "factor": 1.0}}'),
    Column("first_seen", Instant),
    Column("last_seen", Instant, comment="when the network heard it last, see sensor_overlay.store.hearing"),
    Column("uplinks", Id, nullable=False, server_default="0"),
    Column("rssi", Double),
    Column("snr", Double),
    Column("battery", Double, comment="percent"),
    Column("arrived", Instant, comment="server time at which something of it came last"),
    Column("told", Instant, comment="the time that this told of itself"),
    Column("source", String(200), nullable=False, server_default="", comment="broker that brought it, or webhook"),
    Column("data_rate", String(20), nullable=False, server_default="", comment="of the newest uplink: SF7BW125"),
    Column("margin", Double, comment="dB by which it heard the last downlink better than it needs to"),
    Column("is_externally_powered", Boolean, nullable=False, server_default=text("false"), comment="has no battery"),
    CheckConstraint("access in ('public', 'staff', 'crisis')", name="access"),
    CheckConstraint("expected_interval > 0", name="expected_interval"),
)
Index("ix_thing_site", thing.c.site)

location: Final = Table(
    "location",
    metadata,
    Column("id", Id, primary_key=True),
    *_described(),
    Column("encoding_type", Text, nullable=False, server_default="application/geo+json"),
    Column("location", Document, nullable=False, comment="GeoJSON"),
    Column("longitude", Double, comment="of a point, or of the middle: degrees, WGS 84"),
    Column("latitude", Double),
    Column("height", Double, comment="of a point: metres above the ellipsoid"),
)

thing_location: Final = Table(
    "thing_location",
    metadata,
    Column("thing_id", Id, ForeignKey("thing.id", ondelete="CASCADE"), primary_key=True),
    Column("location_id", Id, ForeignKey("location.id", ondelete="CASCADE"), primary_key=True, index=True),
)

historical_location: Final = Table(
    "historical_location",
    metadata,
    Column("id", Id, primary_key=True),
    Column("thing_id", Id, ForeignKey("thing.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("time", Instant, nullable=False),
)

historical_location_location: Final = Table(
    "historical_location_location",
    metadata,
    Column("historical_location_id", Id, ForeignKey("historical_location.id", ondelete="CASCADE"), primary_key=True),
    Column("location_id", Id, ForeignKey("location.id", ondelete="CASCADE"), primary_key=True, index=True),
)

sensor: Final = Table(
    "sensor",
    metadata,
    Column("id", Id, primary_key=True),
    *_described(),
    Column("key", String(100), unique=True, comment="name of the codec whose devices it stands for"),
    Column("encoding_type", Text, nullable=False, server_default="text/plain"),
    Column("metadata", Document, nullable=False, comment="text or document, as the encoding says"),
)

observed_property: Final = Table(
    "observed_property",
    metadata,
    Column("id", Id, primary_key=True),
    *_described(),
    Column("key", String(100), unique=True, comment="in sensor_overlay.observed, or a device's own name"),
    Column("definition", Text, nullable=False, server_default=""),
)

datastream: Final = Table(
    "datastream",
    metadata,
    Column("id", Id, primary_key=True),
    *_described(),
    Column("thing_id", Id, ForeignKey("thing.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("sensor_id", Id, ForeignKey("sensor.id", ondelete="CASCADE"), nullable=False, index=True),
    Column(
        "observed_property_id", Id, ForeignKey("observed_property.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("key", String(100), comment="of what uplinks bring: the observed property's; unique in its thing"),
    Column("observation_type", Text, nullable=False),
    Column("unit_name", Text),
    Column("unit_symbol", Text),
    Column("unit_definition", Text),
    Column("observed_area", Document, comment="as a client gave it; else it follows from the thing's location"),
    UniqueConstraint("thing_id", "key"),
)

latest: Final = Table(
    "latest",
    metadata,
    Column("datastream_id", Id, ForeignKey("datastream.id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", Id, nullable=False, comment="of the commit that changed this row last"),
    Column("observations", Id, nullable=False, comment="how many the datastream has"),
    Column("first_time", Instant, nullable=False, comment="least phenomenonTime"),
    Column("last_time", Instant, nullable=False, comment="greatest phenomenonTime"),
    Column("first_result_time", Instant),
    Column("last_result_time", Instant),
    # None of these where every observation so far has a time that cannot be.
    Column("observation_id", Id),
    Column("phenomenon_time", Instant),
    Column("result_time", Instant),
    Column("result", Double),
    Column("quality", SmallInteger),
    comment="one row a datastream that has observations: 'latest of all' and counts read nothing else",
)
Index("ix_latest_sequence", latest.c.sequence)

feature_of_interest: Final = Table(
    "feature_of_interest",
    metadata,
    Column("id", Id, primary_key=True),
    *_described(),
    Column("location_id", Id, ForeignKey("location.id", ondelete="SET NULL"), unique=True, comment="made from it"),
    Column("encoding_type", Text, nullable=False, server_default="application/geo+json"),
    Column("feature", Document, nullable=False),
    Column("longitude", Double),
    Column("latitude", Double),
)

observation: Final = Table(
    "observation",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False, comment="numbered by counter 'observation'"),
    Column("phenomenon_time", Instant, nullable=False),
    Column("datastream_id", Id, ForeignKey("datastream.id", ondelete="CASCADE"), nullable=False),
    Column("phenomenon_end", Instant, comment="where the phenomenonTime is an interval"),
    Column("result_time", Instant, comment="server time of arrival, for what uplinks bring"),
    Column("result", Double, comment="a number; else see result_document"),
    Column("result_document", Document, comment="text, truth value or document"),
    Column("quality", SmallInteger, nullable=False, server_default="0", comment="sensor_overlay.uplink.Quality"),
    Column("feature_of_interest_id", Id, comment="null: the one made from the thing's location"),
    Column("uplink_id", Id, comment="null: it came another way"),
    Column("valid_from", Instant),
    Column("valid_until", Instant),
    Column("result_quality", Document),
    Column("parameters", Document),
    comment="on PostgreSQL in partitions, see sensor_overlay.store.partitions",
)
Index("ix_observation_series", observation.c.datastream_id, observation.c.phenomenon_time, observation.c.id)
Index(  # costs nothing for uplinks, whose observations name none
    "ix_observation_feature",
    observation.c.feature_of_interest_id,
    observation.c.datastream_id,
    sqlite_where=observation.c.feature_of_interest_id.is_not(None),
    postgresql_where=observation.c.feature_of_interest_id.is_not(None),
)

hourly: Final = Table(
    "hourly",
    metadata,
    Column("datastream_id", Id, ForeignKey("datastream.id", ondelete="CASCADE"), primary_key=True),
    Column("hour", Instant, primary_key=True, comment="its beginning"),
    Column("observations", Integer, nullable=False),
    Column("mean", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
    comment="what stays when observations are old",
)

uplink: Final = Table(
    "uplink",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False, comment="numbered by counter 'uplink'"),
    Column("thing_id", Id, ForeignKey("thing.id", ondelete="CASCADE"), nullable=False),
    Column("time", Instant, nullable=False, comment="the message's; where it tells none, when it was received"),
    Column("received", Instant, nullable=False, comment="by the server's clock"),
    Column("dev_addr", String(8), nullable=False),
    Column("session", String(200), nullable=False, comment="the network server's own name of it, else empty"),
    Column("f_cnt", Id, nullable=False),
    Column("f_port", SmallInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("deduplication", String(200), nullable=False, comment="the network server's own id, else empty"),
    Column("is_decoded", Boolean, nullable=False, comment="false: kept for the record, until a codec understands it"),
    comment="what came; two rows are one frame by the rule in sensor_overlay.store.frames",
)
# In order of each device's frames, so that each write touches the end of its range: a hash would touch every page.
Index("ix_uplink_frame", uplink.c.thing_id, uplink.c.f_cnt)
Index("ix_uplink_received", uplink.c.received)

dead_letter: Final = Table(
    "dead_letter",
    metadata,
    Column("id", Id, primary_key=True),
    Column("received", Instant, nullable=False, index=True),
    Column("source", String(200), nullable=False, comment="name of the broker, or webhook"),
    Column("network", String(20), nullable=False),
    Column("topic", Text, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="cut where it is longer than is kept"),
    Column("size", Id, nullable=False, comment="bytes of the whole body"),
    Column("cause", String(40), nullable=False),
    Column("detail", Text, nullable=False),
    Column("dev_eui", String(16), nullable=False, server_default=""),
    Column("times", Integer, nullable=False, server_default="1", comment="how often exactly this came"),
    Column("digest", LargeBinary(16), nullable=False, unique=True, comment="of source, topic and body"),
    Column("replayed", Instant),
)

alert: Final = Table(
    "alert",
    metadata,
    Column("id", Id, primary_key=True),
    Column("rule", String(100), nullable=False),
    Column("kind", String(10), nullable=False, comment="level or silence"),
    Column("level", String(100), nullable=False, comment="name of the level in the rule; silence: empty"),
    Column("rank", SmallInteger, nullable=False, comment="0 the mildest level"),
    Column("thing_id", Id, ForeignKey("thing.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("datastream_id", Id, ForeignKey("datastream.id", ondelete="CASCADE"), comment="null: the thing is silent"),
    Column("subject", String(80), nullable=False, comment="what it is about; only one alert of it is open"),
    Column("opened", Instant, nullable=False),
    Column("value", Double, comment="that opened it"),
    Column("peak", Double, comment="the worst since"),
    Column("text", Text, nullable=False, comment="German, as it was told"),
    Column("acknowledged", Instant),
    Column("acknowledged_by", Text),
    Column("escalated", Instant),
    Column("closed", Instant),
    Column("closed_by", Text, comment="empty: it ended by itself"),
    Column("sequence", Id, nullable=False, comment="of the commit that changed this row last"),
)
Index(
    "uq_alert_open",
    alert.c.subject,
    unique=True,
    sqlite_where=alert.c.closed.is_(None),
    postgresql_where=alert.c.closed.is_(None),
)
Index("ix_alert_sequence", alert.c.sequence)

watch: Final = Table(
    "watch",
    metadata,
    Column("subject", String(80), primary_key=True, comment="that of the alert it may become"),
    Column("rank", SmallInteger, primary_key=True, autoincrement=False, comment="level that is passed; -1: see held"),
    Column("since", Instant, nullable=False, comment="phenomenonTime of the first value of it"),
    Column("last", Instant, nullable=False, comment="phenomenonTime of the newest value of it"),
    Column("readings", Integer, nullable=False, comment="values in a row"),
    Column("held", SmallInteger, comment="levels up to this were closed by a person and wait until it is over"),
    comment="levels on their way to an alert; kept, so that a restart forgets none",
)

message: Final = Table(
    "message",
    metadata,
    Column("id", Id, primary_key=True),
    Column("alert_id", Id, ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
    Column("event", String(12), nullable=False, comment="opened, raised, escalated or closed"),
    Column("channel", String(10), nullable=False, comment="mail or webhook"),
    Column("recipient", String(100), nullable=False, comment="id in the settings"),
    Column("text", Text, nullable=False),
    Column("due", Instant, nullable=False, comment="not before; later in quiet hours, or after a failure"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("sent", Instant),
    Column("given_up", Instant),
    Column("error", Text),
    Column("bundle", Id, comment="least id of those that were sent as one; they are sent as one again"),
    UniqueConstraint("alert_id", "event", "channel", "recipient"),
    comment="written with the alert itself, so that each is told once, whatever stops in between",
)
Index("ix_message_due", message.c.due, sqlite_where=message.c.sent.is_(None), postgresql_where=message.c.sent.is_(None))

counter: Final = Table(
    "counter",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Id, nullable=False),
    comment="see sensor_overlay.store.opening.Counter",
)
