"""What `[sensors]` and `[database]` cannot mean, though every key is known and every value of its type."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable
from string import Formatter
from urllib.parse import SplitResult, urlsplit

from zwilling.errors import SettingsError
from zwilling.sensor_settings import (
    BrokerSettings,
    DatabaseSettings,
    LevelSettings,
    MailSettings,
    RecipientSettings,
    RuleSettings,
    SecretSettings,
    SensorSettings,
)

NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
PLACES_IN_TEXT = frozenset({"value", "unit", "property", "room", "site", "name", "level"})
"""What `{…}` may stand for in the text of a level."""

MOST_FREE_DAYS = 100
"""Holidays are no longer than a summer."""
RESERVED = "webhook"
"""What stands in the place of a broker's name where messages come by HTTP."""
_ADDRESS = re.compile(r"[^@\s<>\",;:\\]+@[^@\s<>\",;:\\]+")
_Refuse = Callable[..., SettingsError]


def check_sensors(sensors: SensorSettings, source: object) -> None:
    """Pass, or refuse what contradicts itself or names what is not there.

    Raises:
        SettingsError: with the place, and what to do.
    """

    def refuse(where: str, problem: str, remedy: str | None = None) -> SettingsError:
        return SettingsError(problem, source=source, where=f"sensors.{where}", remedy=remedy)

    _check_unique(refuse, "broker", "name", [broker.name for broker in sensors.broker])
    _check_unique(refuse, "rule", "id", [rule.id for rule in sensors.rule])
    _check_unique(refuse, "recipient", "id", [recipient.id for recipient in sensors.recipient])
    for broker in sensors.broker:
        _check_broker(refuse, broker)
    identities = [(broker.url, broker.client_id) for broker in sensors.broker if broker.client_id]
    for index, (url, client) in enumerate(identities):
        if (url, client) in identities[:index]:
            raise refuse("broker", f"two of {url} have the client_id '{client}'", "the broker would drop one of them")
    for webhook in sensors.webhook:
        where = f"webhook '{webhook.network}'"
        _check_secret(refuse, f"{where}.secret", webhook.secret)
        if not (webhook.secret.env or webhook.secret.file):
            raise refuse(where, "has no secret: everybody could send readings", "name 'env' or 'file' in its 'secret'")
    for recipient in sensors.recipient:
        _check_recipient(refuse, recipient, sensors.mail)
    for rule in sensors.rule:
        _check_rule(refuse, rule, [recipient.id for recipient in sensors.recipient])
    _check_mail(refuse, sensors.mail)
    for first, last, name in sensors.free_days:
        if not 0 <= (last - first).days <= MOST_FREE_DAYS:
            problem = f"'{name}' from {first} to {last} goes backwards or lasts longer than any holidays"
            raise refuse("free_days", problem, "write the first day, the last day and a name")
    for origin in sensors.origins:
        parts = _split(origin)
        if parts is None or parts.scheme not in {"http", "https"} or f"{parts.scheme}://{parts.netloc}" != origin:
            raise refuse("origins", f"'{origin}' is no origin", "write https://host, without a path or slash")


def check_database(database: DatabaseSettings, source: object) -> None:
    """Pass, or refuse what is no database that we know.

    Raises:
        SettingsError: the URL has another scheme, holds a password, or names no database.
    """

    def refuse(where: str, problem: str, remedy: str | None = None) -> SettingsError:
        return SettingsError(problem, source=source, where=where, remedy=remedy)

    _check_secret(refuse, "database.password", database.password)
    if not database.url:
        return
    parts = _split(database.url)
    scheme = "" if parts is None else parts.scheme
    if parts is None or scheme not in {"postgresql", "sqlite"}:
        raise refuse(
            "database.url", f"'{scheme}' is no database that Zwilling knows", "write postgresql://user@host/name"
        )
    if parts.password:
        raise refuse("database.url", "holds a password", 'name where it is: password = { env = "…" }')
    if not parts.path.strip("/"):
        raise refuse("database.url", "names no database", "write postgresql://user@host/name")
    if (database.password.env or database.password.file) and not parts.username:
        raise refuse("database.url", "names no user whose password it is", "write postgresql://user@host/name")


def _check_unique(refuse: _Refuse, table: str, key: str, names: list[str]) -> None:
    for index, name in enumerate(names):
        if not NAME.fullmatch(name):
            problem = f"the {key} may hold lower-case letters, digits and hyphens, and starts with a letter"
            raise refuse(f"{table} '{name}'", problem)
        if name in names[:index]:
            raise refuse(f"{table} '{name}'", f"two of them have this {key}", "rename one of them")


def _check_secret(refuse: _Refuse, where: str, secret: SecretSettings) -> None:
    if secret.env and secret.file:
        raise refuse(where, "names both 'env' and 'file'", "keep one of them")
    if secret.env and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", secret.env):
        raise refuse(where, "'env' is no name of a variable", "name the variable that holds it, not the secret itself")


def _check_broker(refuse: _Refuse, broker: BrokerSettings) -> None:
    where = f"broker '{broker.name}'"
    if broker.name == RESERVED:
        raise refuse(where, "has the name of what comes by HTTP", "rename it")
    parts = _split(broker.url)
    if parts is None or parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        raise refuse(f"{where}.url", f"'{broker.url}' is no broker", "write mqtt://host:1883 or mqtts://host:8883")
    if parts.username or parts.password:
        raise refuse(f"{where}.url", "holds a user or password", "write 'username' and 'password' beside it")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise refuse(f"{where}.url", "has more than host and port", "write mqtts://host:8883")
    if (broker.ca_file or broker.client_certificate) and parts.scheme != "mqtts":
        raise refuse(f"{where}.url", "has certificates, but no TLS", "write mqtts://…")
    if bool(broker.client_certificate) != bool(broker.client_key):
        raise refuse(where, "'client_certificate' and 'client_key' belong together", "name both")
    _check_secret(refuse, f"{where}.password", broker.password)
    if (broker.password.env or broker.password.file) and not broker.username:
        raise refuse(where, "has a password and no 'username'")
    if broker.share and (set(broker.share) & set("/+#") or broker.share.startswith("$")):
        raise refuse(f"{where}.share", "may not hold '/', '+' or '#'")
    if broker.share and broker.protocol != "5":
        raise refuse(f"{where}.share", "needs MQTT 5", 'set protocol = "5"')
    for topic in broker.topics:
        if not topic or re.search(r"[^/]#|#.|[^/]\+|\+[^/]", topic) or "\0" in topic:
            raise refuse(f"{where}.topics", f"'{topic}' is no filter of topics", "'+' is one whole part, '#' the rest")


def _check_recipient(refuse: _Refuse, recipient: RecipientSettings, mail: MailSettings) -> None:
    where = f"recipient '{recipient.id}'"
    if not recipient.mail and not recipient.webhook:
        raise refuse(where, "has neither 'mail' nor 'webhook'", "name how to reach it")
    if recipient.mail and not _ADDRESS.fullmatch(recipient.mail):
        raise refuse(f"{where}.mail", f"'{recipient.mail}' is no e-mail address")
    if recipient.mail and not mail.host:
        raise refuse(f"{where}.mail", "there is no server that sends e-mail", "name one: [sensors.mail] host = …")
    if recipient.webhook:
        parts = _split(recipient.webhook)
        if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
            raise refuse(f"{where}.webhook", f"'{recipient.webhook}' is no address", "write https://host/path")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise refuse(f"{where}.webhook", "is not encrypted", "write https://…")
        if parts.username or parts.password:
            raise refuse(f"{where}.webhook", "holds a user or password", "use 'secret', which signs what is sent")
    _check_secret(refuse, f"{where}.secret", recipient.secret)


def _check_mail(refuse: _Refuse, mail: MailSettings) -> None:
    _check_secret(refuse, "mail.password", mail.password)
    if not mail.host:
        return
    if not re.fullmatch(r"[\w.:-]+", mail.host) or not 1 <= mail.port <= 65_535:
        raise refuse("mail", "host or port is out of range")
    if not _ADDRESS.fullmatch(mail.sender):
        raise refuse("mail.sender", f"'{mail.sender}' is no e-mail address", "name the address that stands in From")
    if mail.security == "none" and mail.username and not is_loopback(mail.host):
        raise refuse("mail.security", "would send the password readable for everybody", 'write "starttls" or "tls"')


def _check_rule(refuse: _Refuse, rule: RuleSettings, recipients: list[str]) -> None:
    where = f"rule '{rule.id}'"
    for key, named in (("recipients", rule.recipients), ("escalate_to", rule.escalate_to)):
        for name in named:
            if name not in recipients:
                raise refuse(f"{where}.{key}", f"there is no recipient '{name}'", _near(name, recipients))
    if rule.kind == "level":
        if not rule.observed_property:
            raise refuse(where, "has no 'observed_property'", 'name what it is about, for example "co2"')
        if not rule.level:
            raise refuse(where, "has no level", "write [[sensors.rule.level]] below it")
        _check_levels(refuse, where, rule.level)
    elif rule.level or rule.observed_property:
        raise refuse(where, "is about silence: 'level' and 'observed_property' mean nothing", 'or is kind = "level"?')
    for key, value in (("quiet_from", rule.quiet_from), ("quiet_until", rule.quiet_until)):
        if value and not TIME_OF_DAY.fullmatch(value):
            raise refuse(f"{where}.{key}", f"'{value}' is no time of day", "write HH:MM, for example 18:00")
    if bool(rule.quiet_from) != bool(rule.quiet_until):
        raise refuse(where, "'quiet_from' and 'quiet_until' belong together", "name both")
    if rule.quiet_from and rule.quiet_from == rule.quiet_until:
        raise refuse(where, "is quiet all day: 'quiet_from' and 'quiet_until' are the same")
    if bool(rule.escalate_after) != bool(rule.escalate_to):
        raise refuse(where, "'escalate_after' and 'escalate_to' belong together", "name both")


def _check_levels(refuse: _Refuse, rule: str, levels: list[LevelSettings]) -> None:
    upward = levels[0].above is not None
    before: float | None = None
    for index, level in enumerate(levels):
        where = f"{rule}.level '{level.name}'"
        if (level.above is None) == (level.below is None):
            raise refuse(where, "needs either 'above' or 'below'", "name one of them")
        if (level.above is not None) != upward:
            raise refuse(where, "goes the other way than the level before", "write two rules")
        limit = level.limit
        if level.clear is not None and (level.clear > limit if upward else level.clear < limit):
            side = "above" if upward else "below"
            raise refuse(f"{where}.clear", f"{level.clear:g} is on the wrong side of {side} = {limit:g}")
        if before is not None and (limit <= before if upward else limit >= before):
            raise refuse(where, "is not worse than the level before", "write the mildest first")
        before = limit
        if not level.name.strip() or len(level.name) > 100:
            raise refuse(f"{rule}.level[{index}]", "needs a name of at most 100 letters")
        if level.name in [other.name for other in levels[:index]]:
            raise refuse(where, "two levels have this name", "rename one of them")
        _check_text(refuse, f"{where}.text", level.text)


def _check_text(refuse: _Refuse, where: str, text: str) -> None:
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise refuse(where, f"cannot be filled in ({error})", "double a brace that is meant: {{") from None
    for _, name, spec, conversion in parts:
        if name is not None and (name not in PLACES_IN_TEXT or spec or conversion):
            known = ", ".join(f"{{{place}}}" for place in sorted(PLACES_IN_TEXT))
            raise refuse(where, f"'{{{name}}}' cannot be filled in", f"known are {known}")


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL, or None where its port or brackets are malformed."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _near(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"there are {', '.join(names)}" if names else "write [[sensors.recipient]]"
