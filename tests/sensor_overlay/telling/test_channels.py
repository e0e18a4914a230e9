"""Bundles as e-mail and as JSON, sent to real servers."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import hmac
import json
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sensor_overlay.instants import parse
from sensor_overlay.telling import webhook
from sensor_overlay.telling.bundle import Bundle, Fate, Line
from sensor_overlay.telling.digest import body_of, subject_of
from sensor_overlay.telling.mail import Mail
from sensor_overlay.telling.webhook import Address, Webhook
from tests.sensor_overlay.telling.servers import certificate, dripping, http, smtp
from zwilling.sensor_settings import MailSettings

LINE = Line(
    message_id=7,
    event="opened",
    text="Raum 204 (BBZ Grevenbroich): CO₂ 1.240 ppm, bitte lüften.",
    alert_id=3,
    rule="co2",
    kind="level",
    level="lüften",
    rank=0,
    opened=parse("2026-11-23T09:15:00+01:00"),
    thing_key="S07-R204",
    thing_name="CO2-Ampel",
    site="S07",
    site_name="BBZ Grevenbroich",
    room="204",
)
ONE = Bundle(7, "mail", "hausmeister", 1, (LINE,))
ADDRESS = {"hausmeister": "h@example.de"}


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    yield
    gc.collect()  # what was not closed is told here, by pytest, and not in some other test


def mail(port: int, **more: object) -> MailSettings:
    settings = MailSettings(host="127.0.0.1", port=port, security="none", sender="zwilling@example.de")
    return replace(settings, **more)  # type: ignore[arg-type]


def test_an_e_mail_in_german() -> None:
    with smtp() as postbox:
        sender = Mail(mail(postbox.port), "", ADDRESS, "Rhein-Kreis Neuss")
        assert asyncio.run(sender.send(ONE)).fate is Fate.SENT
    (message,) = postbox.inbox
    assert message["From"] == "zwilling@example.de"
    assert message["To"] == message["X-Test-To"] == "h@example.de"
    assert message["Subject"] == LINE.text
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n") == (
        "Raum 204 (BBZ Grevenbroich): CO₂ 1.240 ppm, bitte lüften.\n\n"
        "Gemeldet am 23.11.2026, 09:15 Uhr.\n\n"
        "-- \nRhein-Kreis Neuss. Diese Nachricht wurde automatisch versandt.\n"
    )


def test_the_second_attempt_has_the_same_message_id_and_another_bundle_has_not() -> None:
    sender = Mail(mail(25), "", ADDRESS, "Zwilling")
    first = sender.message(ONE, "h@example.de")["Message-ID"]
    assert first == sender.message(replace(ONE, attempt=2), "h@example.de")["Message-ID"]
    assert first.endswith("@example.de>")
    later = replace(LINE, opened=LINE.opened + 1)
    assert first != sender.message(replace(ONE, id=8), "h@example.de")["Message-ID"]
    assert first != sender.message(replace(ONE, lines=(later,)), "h@example.de")["Message-ID"]
    assert first != sender.message(replace(ONE, recipient="amt"), "h@example.de")["Message-ID"]


def test_a_text_can_smuggle_nothing_into_the_head() -> None:
    evil = replace(LINE, text="Raum\r\nBcc: alle@example.de\r\n\r\nX")
    with smtp() as postbox:
        sender = Mail(mail(postbox.port), "", ADDRESS, "Zwilling")
        assert asyncio.run(sender.send(replace(ONE, lines=(evil,)))).fate is Fate.SENT
    (message,) = postbox.inbox
    assert message["Bcc"] is None
    assert message["Subject"] == "Raum Bcc: alle@example.de X"


def test_encrypted_with_a_password(tmp_path: Path) -> None:
    server, trusting = certificate(tmp_path)
    with smtp(server, wants_login=True) as postbox:
        settings = mail(postbox.port, security="starttls", username="zwilling")
        sender = Mail(settings, "geheim ä", ADDRESS, "Zwilling", tls=trusting)
        assert asyncio.run(sender.send(ONE)).fate is Fate.SENT
        wrong = Mail(settings, "falsch", ADDRESS, "Zwilling", tls=trusting)
        refused = asyncio.run(wrong.send(ONE))
    assert postbox.is_encrypted == [True]
    assert postbox.logins[0] == (b"zwilling", "geheim ä".encode())
    assert refused.fate is Fate.FAILED  # somebody can put the password right
    assert "535" in refused.reason
    assert "falsch" not in refused.reason


def test_encrypted_from_the_first_byte(tmp_path: Path) -> None:
    server, trusting = certificate(tmp_path)
    with smtp(server, at_once=True) as postbox:
        sender = Mail(mail(postbox.port, security="tls"), "", ADDRESS, "Zwilling", tls=trusting)
        assert asyncio.run(sender.send(ONE)).fate is Fate.SENT
        assert asyncio.run(Mail(mail(postbox.port, security="tls"), "", ADDRESS, "Z").send(ONE)).fate is Fate.FAILED
    assert len(postbox.inbox) == 1


def test_a_certificate_that_nobody_knows_ends_it_before_the_password(tmp_path: Path) -> None:
    server, _ = certificate(tmp_path)
    with smtp(server, wants_login=True) as postbox:
        settings = mail(postbox.port, security="starttls", username="zwilling")
        outcome = asyncio.run(Mail(settings, "geheim ä", ADDRESS, "Zwilling").send(ONE))
    assert outcome.fate is Fate.FAILED
    assert (postbox.logins, postbox.inbox) == ([], [])


def test_no_encryption_where_it_is_wanted_ends_it(tmp_path: Path) -> None:
    with smtp() as postbox:
        settings = mail(postbox.port, security="starttls")
        outcome = asyncio.run(Mail(settings, "", ADDRESS, "Zwilling", tls=ssl.create_default_context()).send(ONE))
    assert (outcome.fate, postbox.inbox) == (Fate.FAILED, [])


@pytest.mark.parametrize(
    ("answer", "fate", "said"),
    [
        ("550 5.1.1 no such user", Fate.REFUSED, "550"),
        ("450 4.2.0 greylisted, come back", Fate.FAILED, "450 4.2.0 greylisted"),
    ],
)
def test_what_the_server_says_of_a_recipient(answer: str, fate: Fate, said: str) -> None:
    with smtp() as postbox:
        postbox.recipients.append(answer)
        outcome = asyncio.run(Mail(mail(postbox.port), "", ADDRESS, "Zwilling").send(ONE))
    assert outcome.fate is fate
    assert said in outcome.reason


def test_what_the_server_says_of_a_message() -> None:
    with smtp() as postbox:
        postbox.answers.append("452 disk full")
        outcome = asyncio.run(Mail(mail(postbox.port), "", ADDRESS, "Zwilling").send(ONE))
    assert (outcome.fate, outcome.reason) == (Fate.FAILED, "the server answers 452 disk full")


def test_what_the_server_has_taken_is_sent_even_if_it_hangs_up_then() -> None:
    with smtp() as postbox:
        postbox.hangs_up = True
        outcome = asyncio.run(Mail(mail(postbox.port), "", ADDRESS, "Zwilling").send(ONE))
    assert (outcome.fate, len(postbox.inbox)) == (Fate.SENT, 1)


def test_a_server_that_is_not_there() -> None:
    with smtp() as postbox:
        port = postbox.port
    outcome = asyncio.run(Mail(mail(port), "", ADDRESS, "Zwilling").send(ONE))
    assert outcome.fate is Fate.FAILED
    assert outcome.reason


def test_a_recipient_without_an_address_is_refused() -> None:
    assert asyncio.run(Mail(mail(25), "", {}, "Zwilling").send(ONE)).fate is Fate.REFUSED
    assert asyncio.run(Webhook({}, "Zwilling").send(ONE)).fate is Fate.REFUSED


def silent(number: int) -> Line:
    text = f"Raum {number} (BBZ Grevenbroich): keine Daten seit 3 Stunden."
    return replace(LINE, message_id=number, kind="silence", level="", text=text)


def test_thirty_silent_sensors_are_one_text() -> None:
    bundle = replace(ONE, lines=tuple(silent(number) for number in range(101, 131)))
    assert subject_of(bundle) == "30 Sensoren senden nicht mehr: BBZ Grevenbroich"
    body = body_of(bundle, "Zwilling")
    assert body.startswith("Sensoren, die nicht mehr senden (30):\n- Raum 101 (BBZ")
    assert body.count("\n- ") == 30


def test_a_digest_says_the_worst_first() -> None:
    urgent = replace(LINE, event="raised-1", rank=1, text="Raum 7: dringend")
    over = replace(LINE, event="closed", text="Raum 8: beendet", site_name="", site="S08")
    bundle = replace(ONE, lines=(LINE, over, silent(9), urgent))
    assert subject_of(bundle) == "4 Meldungen: BBZ Grevenbroich, S08"
    titles = [line for line in body_of(bundle, "Zwilling").splitlines() if line.endswith("):")]
    assert titles == ["Dringend (1):", "Neu (1):", "Sensoren, die nicht mehr senden (1):", "Beendet (1):"]


def test_a_digest_has_an_end() -> None:
    body = body_of(replace(ONE, lines=tuple(silent(number) for number in range(200))), "Zwilling")
    assert body.count("\n- ") == 61
    assert "- und 140 weitere" in body


def test_a_webhook_is_signed() -> None:
    with http() as hook:
        sender = Webhook({"amt": Address(hook.url, "schlüssel")}, "Rhein-Kreis Neuss")
        bundle = replace(ONE, channel="webhook", recipient="amt")
        assert asyncio.run(sender.send(bundle)).fate is Fate.SENT
        assert asyncio.run(sender.send(replace(bundle, attempt=2))).fate is Fate.SENT
    (headers, body), (_, again) = hook.requests
    assert body == again
    document = json.loads(body)
    assert document["twin"] == "Rhein-Kreis Neuss"
    assert document["id"] == headers["X-Zwilling-Delivery"] == bundle.identity
    assert document["messages"] == [
        {
            "event": "opened",
            "text": LINE.text,
            "alert": {
                "id": "3",
                "rule": "co2",
                "kind": "level",
                "level": "lüften",
                "rank": 0,
                "opened": "2026-11-23T08:15:00Z",
            },
            "thing": {
                "key": "S07-R204",
                "name": "CO2-Ampel",
                "site": "S07",
                "site_name": "BBZ Grevenbroich",
                "room": "204",
            },
        }
    ]
    # As a receiver checks it, by the words of the documentation.
    signed = headers["X-Zwilling-Timestamp"].encode() + b"." + body
    digest = hmac.new("schlüssel".encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Zwilling-Signature"] == f"sha256={digest}"


@pytest.mark.parametrize(
    ("status", "fate", "said"),
    [
        (200, Fate.SENT, ""),
        (302, Fate.FAILED, "the address answers 302, and redirects are not followed"),
        (404, Fate.FAILED, "the address answers 404"),
        (410, Fate.REFUSED, "410"),
        (503, Fate.FAILED, "503"),
    ],
)
def test_what_an_address_answers(status: int, fate: Fate, said: str) -> None:
    with http() as hook:
        hook.answers.append(status)
        outcome = asyncio.run(Webhook({"hausmeister": Address(hook.url)}, "Zwilling").send(ONE))
    assert outcome.fate is fate
    assert said in outcome.reason
    assert len(hook.requests) == 1
    assert "X-Zwilling-Signature" not in hook.requests[0][0]


def test_an_address_that_answers_byte_by_byte_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT_SECONDS", 0.5)
    with dripping() as url:
        outcome = asyncio.run(Webhook({"hausmeister": Address(url)}, "Zwilling").send(ONE))
    assert (outcome.fate, outcome.reason) == (Fate.FAILED, "no answer within 0.5 seconds")


def test_an_address_that_is_not_there() -> None:
    with http() as hook:
        url = hook.url
    outcome = asyncio.run(Webhook({"hausmeister": Address(url)}, "Zwilling").send(ONE))
    assert outcome.fate is Fate.FAILED
    assert outcome.reason.startswith("ConnectError")
