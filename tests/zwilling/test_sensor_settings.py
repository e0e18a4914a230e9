"""`[sensors]` and `[database]` in `zwilling.toml`: what is refused, and where secrets come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zwilling.errors import SettingsError
from zwilling.sensor_settings import DatabaseSettings, SecretSettings, database_url, secret
from zwilling.settings import Settings, load_settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md"
MAIL = '[sensors.mail]\nhost = "localhost"\nsender = "zwilling@example.de"\n'
RECIPIENT = '[[sensors.recipient]]\nid = "amt"\nwebhook = "https://amt.example.de/x"\n'
BROKER = '[[sensors.broker]]\nname = "b"\nnetwork = "chirpstack"\nurl = "mqtts://lora.example.de:8883"\n'
RULE = '[[sensors.rule]]\nid = "co2"\nobserved_property = "co2"\nrecipients = ["amt"]\n'
LEVEL = '[[sensors.rule.level]]\nname = "lüften"\nabove = 1000\nclear = 900\n'
WORSE = '[[sensors.rule.level]]\nname = "dringend lüften"\nabove = 2000\n'


def load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "zwilling.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


def test_the_example_in_the_documentation_loads(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    settings = load(tmp_path, "\n".join(examples))
    (rule,) = settings.sensors.rule
    assert [(level.name, level.limit, level.clear) for level in rule.level] == [
        ("lüften", 1000, 900),
        ("dringend lüften", 2000, 1800),
    ]
    assert settings.sensors.recipient[1].secret == SecretSettings(file="geheim/schulamt")


def test_without_sensors_there_are_none(tmp_path: Path) -> None:
    settings = load(tmp_path, "")
    assert (settings.sensors.broker, settings.sensors.keep_days, settings.database.url) == ([], 90, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sensors]\nkeep_day = 3\n", "sensors: unknown key 'keep_day'; did you mean 'keep_days'?"),
        (BROKER + 'user = "x"\n', "sensors.broker[0]: unknown key 'user'; did you mean 'username'?"),
        (BROKER + 'password = { environment = "X" }\n', "sensors.broker[0].password: unknown key 'environment'"),
        (RULE + "[[sensors.rule.level]]\nabov = 3\n", "sensors.rule[0].level[0]: unknown key 'abov'; did you mean"),
        ("[database]\nuri = 'x'\n", "database: unknown key 'uri'; did you mean 'url'?"),
        (BROKER.replace('"chirpstack"', '"ttn"'), "sensors.broker[0].network: Invalid enum value 'ttn'"),
        (BROKER + "in_flight = 0\n", "sensors.broker[0].in_flight: Expected `int` >= 1"),
        (BROKER + BROKER, "sensors.broker 'b': two of them have this name"),
        (
            BROKER + 'client_id = "z"\n' + BROKER.replace('"b"', '"c"') + 'client_id = "z"\n',
            "two of mqtts://lora.example.de:8883 have the client_id 'z'",
        ),
        (BROKER.replace("mqtts", "https"), "'https://lora.example.de:8883' is no broker; write mqtt://host:1883"),
        (BROKER.replace("mqtts://", "mqtts://u:p@"), "holds a user or password"),
        (BROKER.replace("8883", "88830"), "is no broker"),
        (BROKER.replace("8883", "8883/x"), "has more than host and port"),
        (BROKER.replace("mqtts", "mqtt") + 'ca_file = "ca.pem"\n', "has certificates, but no TLS"),
        (BROKER + 'client_key = "k.pem"\n', "'client_certificate' and 'client_key' belong together"),
        (BROKER + 'password = { env = "X" }\n', "has a password and no 'username'"),
        (BROKER + 'username = "u"\npassword = { env = "X", file = "y" }\n', "names both 'env' and 'file'"),
        (BROKER + 'username = "u"\npassword = { env = "s3cret!" }\n', "name the variable that holds it"),
        (BROKER + 'share = "a/b"\n', "share: may not hold '/', '+' or '#'"),
        (BROKER + 'share = "a"\nprotocol = "3.1.1"\n', "share: needs MQTT 5"),
        (BROKER + 'topics = ["a/#/b"]\n', "'a/#/b' is no filter of topics"),
        (BROKER + 'topics = ["a/x+/b"]\n', "'a/x+/b' is no filter of topics"),
        ('[[sensors.webhook]]\nnetwork = "tts"\nsecret = {}\n', "has no secret: everybody could send readings"),
        ('[[sensors.recipient]]\nid = "a"\n', "recipient 'a': has neither 'mail' nor 'webhook'"),
        ('[[sensors.recipient]]\nid = "a"\nmail = "a@b.de"\n', "there is no server that sends e-mail"),
        (MAIL + '[[sensors.recipient]]\nid = "a"\nmail = "a@b.de,c@d.de"\n', "is no e-mail address"),
        (MAIL + '[[sensors.recipient]]\nid = "a"\nmail = "a@b.de\\r\\nBcc: x@y.de"\n', "is no e-mail address"),
        (RECIPIENT.replace("https", "http"), "recipient 'amt'.webhook: is not encrypted; write https://"),
        (RECIPIENT.replace("https", "ftp"), "is no address; write https://host/path"),
        (RECIPIENT + RECIPIENT, "recipient 'amt': two of them have this id"),
        (
            MAIL.replace("localhost", "mail.de") + 'security = "none"\nusername = "u"\n',
            "would send the password readable",
        ),
        ('[sensors.mail]\nhost = "mail.de"\n', "mail.sender: '' is no e-mail address"),
        (RECIPIENT + RULE, "rule 'co2': has no level"),
        (RECIPIENT + RULE.replace('"amt"', '"atm"') + LEVEL, "there is no recipient 'atm'; did you mean 'amt'?"),
        (RULE + LEVEL, "there is no recipient 'amt'; write [[sensors.recipient]]"),
        (RECIPIENT + RULE + LEVEL + "below = 3\n", "level 'lüften': needs either 'above' or 'below'"),
        (RECIPIENT + RULE + LEVEL.replace("900", "1100"), "clear: 1100 is on the wrong side of above = 1000"),
        (
            RECIPIENT + RULE + '[[sensors.rule.level]]\nname = "x"\nbelow = 5\nclear = 4\n',
            "clear: 4 is on the wrong side of below = 5",
        ),
        (RECIPIENT + RULE + WORSE + LEVEL, "level 'lüften': is not worse than the level before"),
        (
            RECIPIENT + RULE + LEVEL + '[[sensors.rule.level]]\nname = "x"\nbelow = 5\n',
            "goes the other way than the level before",
        ),
        (RECIPIENT + RULE + LEVEL + LEVEL.replace("1000", "2000"), "two levels have this name"),
        (RECIPIENT + RULE + LEVEL + 'text = "{raum}"\n', "'{raum}' cannot be filled in; known are {level}"),
        (RECIPIENT + RULE + LEVEL + 'text = "{value.real}"\n', "'{value.real}' cannot be filled in"),
        (RECIPIENT + RULE + LEVEL + 'text = "{value:9999999d}"\n', "'{value}' cannot be filled in"),
        (RECIPIENT + RULE + LEVEL + 'text = "50 % {"\n', "cannot be filled in"),
        (RECIPIENT + RULE + 'quiet_from = "24:00"\nquiet_until = "07:00"\n' + LEVEL, "'24:00' is no time of day"),
        (RECIPIENT + RULE + 'quiet_from = "18:00"\n' + LEVEL, "'quiet_from' and 'quiet_until' belong together"),
        (RECIPIENT + RULE + 'quiet_from = "18:00"\nquiet_until = "18:00"\n' + LEVEL, "is quiet all day"),
        (RECIPIENT + RULE + "escalate_after = 30\n" + LEVEL, "'escalate_after' and 'escalate_to' belong together"),
        (RECIPIENT + RULE + 'kind = "silence"\n', "is about silence"),
        (RECIPIENT + RULE.replace('id = "co2"', 'id = "CO2"') + LEVEL, "rule 'CO2': the id may hold lower-case"),
        ('[sensors]\norigins = ["https://a.de/"]\n', "'https://a.de/' is no origin"),
        ("[sensors]\nkeep_days = 0\n", "sensors.keep_days: Expected `int` >= 1"),
        ('[database]\nurl = "mysql://h/n"\n', "'mysql' is no database that Zwilling knows"),
        ('[database]\nurl = "postgresql://u:p@h/n"\n', "holds a password; name where it is"),
        ('[database]\nurl = "postgresql://u@h"\n', "names no database"),
        ('[database]\nurl = "postgresql://h/n"\npassword = { env = "X" }\n', "names no user whose password it is"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)
    assert str(tmp_path / "zwilling.toml") in str(caught.value)


def test_a_webhook_on_this_machine_needs_no_encryption(tmp_path: Path) -> None:
    for host in ("127.0.0.1:9000", "localhost", "[::1]"):
        load(tmp_path, f'[[sensors.recipient]]\nid = "a"\nwebhook = "http://{host}/x"\n')


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZWILLING_TEST_SECRET", "geheim ")
    assert secret(SecretSettings(env="ZWILLING_TEST_SECRET"), tmp_path, where="x") == "geheim "
    (tmp_path / "geheim").write_text("straße\r\n", encoding="utf-8")
    assert secret(SecretSettings(file="geheim"), tmp_path, where="x") == "straße"
    assert secret(SecretSettings(), tmp_path, where="x") == ""


def test_a_secret_that_is_not_there_is_named_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZWILLING_TEST_SECRET", raising=False)
    with pytest.raises(SettingsError, match=r"broker\.password: the environment has no variable ZWILLING_TEST_SECRET"):
        secret(SecretSettings(env="ZWILLING_TEST_SECRET"), tmp_path, where="broker.password")
    with pytest.raises(SettingsError, match=r"cannot be read \(No such file"):
        secret(SecretSettings(file="geheim"), tmp_path, where="x")
    (tmp_path / "geheim").write_text("eins\nzwei\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="must hold one line") as caught:
        secret(SecretSettings(file="geheim"), tmp_path, where="x")
    assert "zwei" not in str(caught.value)


def test_the_url_of_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZWILLING_TEST_SECRET", "p@ss/wörd")
    data = tmp_path / "data"
    assert database_url(DatabaseSettings(), tmp_path, data) == f"sqlite:///{data}/zwilling.db"
    named = DatabaseSettings(url="postgresql://zwilling@db.example.de:5433/twin")
    assert database_url(named, tmp_path, data) == "postgresql://zwilling@db.example.de:5433/twin"
    with_password = DatabaseSettings(url=named.url, password=SecretSettings(env="ZWILLING_TEST_SECRET"))
    assert (
        database_url(with_password, tmp_path, data)
        == "postgresql://zwilling:p%40ss%2Fw%C3%B6rd@db.example.de:5433/twin"
    )
    own = DatabaseSettings(url="sqlite:///sensoren.db")
    assert database_url(own, tmp_path, data) == f"sqlite:///{tmp_path}/sensoren.db"
