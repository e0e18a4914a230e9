"""`[sensors]` and `[database]` in `zwilling.toml`: where uplinks come from, where they are kept, who is told.

Passwords, tokens and secrets are named, never written: by the environment's variable or by a file that holds them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from zwilling.errors import SettingsError

Network = Literal["chirpstack", "tts"]

DATABASE_FILE = "zwilling.db"
"""In the folder `data`, where `[database]` names no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSettings:
    """Where a secret is; one of the two.

    Attributes:
        env: variable of the environment that holds it.
        file: file that holds it, relative to `zwilling.toml`; a line break at its end is not part of it.
    """

    env: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """`[[sensors.broker]]`: an MQTT broker of a LoRaWAN network server.

    Attributes:
        name: stands in logs, dead letters and the client id; lower-case letters, digits and hyphens.
        network: `chirpstack` (v4) or `tts` (The Things Stack v3).
        url: `mqtt://host:1883` or `mqtts://host:8883` (TLS).
        username: empty for none.
        password: see `SecretSettings`.
        ca_file: certificates that the broker's is checked against; empty takes the system's.
        client_certificate: of this client, PEM; empty for none.
        client_key: its key, PEM.
        protocol: version of MQTT.
        client_id: names the session that the broker keeps; it must be this instance's alone.
        share: name of the group that shares the load; empty where one instance takes all.
        topics: filters to subscribe to; empty takes those of the network server's documentation.
        in_flight: messages that the broker may send before the first is acknowledged.
        session_hours: how long the broker keeps what comes while we are away (MQTT 5).
        silence: seconds without any message after which the connection is made anew; 0 never.
    """

    name: str
    network: Network
    url: str
    username: str = ""
    password: SecretSettings = field(default_factory=SecretSettings)
    ca_file: str = ""
    client_certificate: str = ""
    client_key: str = ""
    protocol: Literal["5", "3.1.1"] = "5"
    client_id: str = ""
    share: str = ""
    topics: list[str] = field(default_factory=list)
    in_flight: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 1000
    session_hours: Annotated[int, msgspec.Meta(ge=1)] = 168
    silence: Annotated[int, msgspec.Meta(ge=0)] = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """`[[sensors.webhook]]`: a network server that calls `/ingest/<network>`.

    Attributes:
        network: as in `BrokerSettings`.
        secret: what the caller must send as `Authorization: Bearer …` or `X-Zwilling-Secret`.
    """

    network: Network
    secret: SecretSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSettings:
    """`[[sensors.rule.level]]`: one step of a rule, mildest first.

    Attributes:
        name: one word for people, for example `lüften`.
        above: the level is passed from this value on, itself included; either this or `below`.
        below: the level is passed from this value down, itself included.
        clear: the level is left when the value is below (`above`) or above (`below`) this one.
        minutes: how long it must last, by the times of the values.
        readings: how many values in a row it takes.
        urgent: it is told in the rule's quiet times, too.
        text: what is told; `{value}`, `{unit}`, `{room}`, `{site}`, `{name}` and `{level}` are filled in.
    """

    name: str
    above: float | None = None
    below: float | None = None
    clear: float | None = None
    minutes: Annotated[float, msgspec.Meta(ge=0)] = 0
    readings: Annotated[int, msgspec.Meta(ge=1)] = 1
    urgent: bool = False
    text: str = "{room} ({site}): {property} {value} {unit}, {level}"

    @property
    def limit(self) -> float:
        """Return the value at which the level is passed, from above or from below."""
        return next(limit for limit in (self.above, self.below) if limit is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """`[[sensors.rule]]`: what is told about one observed property, or about sensors that fall silent.

    Attributes:
        id: lower-case letters, digits and hyphens.
        title: for people.
        kind: `level`, or `silence` for sensors that are no longer heard.
        observed_property: key of the property (`co2`); for `level`.
        sites: short ids of the schools or plants it is for; empty for all.
        municipalities: names; empty for all.
        rooms: patterns of room names; empty for all.
        level: the steps, mildest first.
        after_intervals: expected intervals without an uplink until a sensor is silent; for `silence`.
        quiet_from: local time of day from which nothing is sent, `HH:MM`; what opened then and still is, is sent later.
        quiet_until: until then.
        quiet_weekends: Saturdays and Sundays are quiet as a whole.
        quiet_holidays: public holidays and school holidays are quiet as a whole.
        recipients: ids of those who are told.
        escalate_after: minutes without acknowledgement until `escalate_to` is told as well; 0 never.
        escalate_to: ids.
        tell_end: tell when it is over, too.
    """

    id: str
    title: str = ""
    kind: Literal["level", "silence"] = "level"
    observed_property: str = ""
    sites: list[str] = field(default_factory=list)
    municipalities: list[str] = field(default_factory=list)
    rooms: list[str] = field(default_factory=list)
    level: list[LevelSettings] = field(default_factory=list)
    after_intervals: Annotated[float, msgspec.Meta(gt=1)] = 12
    quiet_from: str = ""
    quiet_until: str = ""
    quiet_weekends: bool = False
    quiet_holidays: bool = False
    recipients: list[str] = field(default_factory=list)
    escalate_after: Annotated[float, msgspec.Meta(ge=0)] = 0
    escalate_to: list[str] = field(default_factory=list)
    tell_end: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientSettings:
    """`[[sensors.recipient]]`: somebody who is told.

    Attributes:
        id: lower-case letters, digits and hyphens.
        mail: address; empty for none.
        webhook: `https://…` address that takes JSON; empty for none.
        secret: signs what the webhook gets (HMAC-SHA256 in `X-Zwilling-Signature`).
        sites: short ids of schools or plants; nothing of others is told. Empty for all.
    """

    id: str
    mail: str = ""
    webhook: str = ""
    secret: SecretSettings = field(default_factory=SecretSettings)
    sites: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """`[sensors.mail]`: the server that takes e-mail.

    Attributes:
        host: empty where no e-mail is sent.
        port: TCP port.
        security: `starttls`, `tls` from the first byte, or `none`.
        username: empty for none.
        password: see `SecretSettings`.
        sender: address in `From`.
    """

    host: str = ""
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: SecretSettings = field(default_factory=SecretSettings)
    sender: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSettings:
    """`[sensors]`: live sensors.

    Attributes:
        broker: MQTT brokers, see `BrokerSettings`.
        webhook: see `WebhookSettings`.
        rule: see `RuleSettings`.
        recipient: see `RecipientSettings`.
        mail: see `MailSettings`.
        free_days: first day, last day and name of further days without school, beside those of the region.
        holiday_calendars: iCalendar files with more of them.
        keep_days: days that single observations are kept; hourly means stay.
        keep_letters_days: days that dead letters are kept.
        site_classes: keys of observed properties for which everybody hears how a site as a whole stands (`/api/sites`),
            though its rooms are for staff; empty for none.
        site_classes_least: sensors that a site must have for that.
        origins: origins of foreign pages that may open `/live`; the twin's own always may.
        tokens: file with the hashes of API tokens, see `zwilling sensors token`.
    """

    broker: list[BrokerSettings] = field(default_factory=list)
    webhook: list[WebhookSettings] = field(default_factory=list)
    rule: list[RuleSettings] = field(default_factory=list)
    recipient: list[RecipientSettings] = field(default_factory=list)
    mail: MailSettings = field(default_factory=MailSettings)
    free_days: list[tuple[date, date, str]] = field(default_factory=list)
    holiday_calendars: list[str] = field(default_factory=list)
    keep_days: Annotated[int, msgspec.Meta(ge=1)] = 90
    keep_letters_days: Annotated[int, msgspec.Meta(ge=1)] = 30
    site_classes: list[str] = field(default_factory=list)
    site_classes_least: Annotated[int, msgspec.Meta(ge=3)] = 5
    origins: list[str] = field(default_factory=list)
    tokens: str = "tokens.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """`[database]`: where observations are kept.

    Attributes:
        url: `postgresql://user@host/name`, or `sqlite:///file` relative to `zwilling.toml`; empty for the SQLite file
            `zwilling.db` in the folder `data`.
        password: of that user, see `SecretSettings`.
    """

    url: str = ""
    password: SecretSettings = field(default_factory=SecretSettings)


def secret(settings: SecretSettings, base: Path, *, where: str, source: object = None) -> str:
    """Return the secret that `settings` name, or nothing where they name none.

    Args:
        settings: where it is.
        base: folder of `zwilling.toml`.
        where: the place in the settings, for the error.
        source: `zwilling.toml` itself, for the error.

    Raises:
        SettingsError: the variable is not set or empty, or the file cannot be read or is empty.
    """
    if settings.env:
        found = os.environ.get(settings.env, "")
        if not found:
            problem = f"the environment has no variable {settings.env}, or it is empty"
            raise SettingsError(problem, source=source, where=where, remedy=f"set it: {settings.env}=…")
        return found
    if not settings.file:
        return ""
    path = base / settings.file
    try:
        found = path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"the secret's file {path} cannot be read ({reason})", source=source, where=where) from None
    if not found or any(ord(character) < 32 for character in found):
        problem = f"the secret's file {path} must hold one line, the secret"
        raise SettingsError(problem, source=source, where=where)
    return found


def database_url(settings: DatabaseSettings, base: Path, data: Path) -> str:
    """Return the URL of the database, its password filled in: `sqlite:///…` or `postgresql://…`.

    Args:
        settings: `[database]`.
        base: folder of `zwilling.toml`.
        data: the folder `data`, absolute.

    Raises:
        SettingsError: the password cannot be found.
    """
    if not settings.url:
        return f"sqlite:///{data / DATABASE_FILE}"
    parts = urlsplit(settings.url)
    if parts.scheme == "sqlite":
        return f"sqlite:///{base / settings.url.removeprefix('sqlite:///')}"
    password = secret(settings.password, base, where="database.password")
    if not password:
        return settings.url
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
