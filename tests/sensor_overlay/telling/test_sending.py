"""The sender on a real store: once, in order, in bundles, again after failures, and not twice after a crash."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from sensor_overlay.instants import DAY, HOUR, MINUTE, SECOND
from sensor_overlay.instants import now as present
from sensor_overlay.rules.rule import Recipient
from sensor_overlay.store.errors import StoreUnavailableError
from sensor_overlay.store.opening import Store, open_store
from sensor_overlay.store.schema import message
from sensor_overlay.telling.bundle import Bundle, Fate, Outcome
from sensor_overlay.telling.outbox import MOST_ATTEMPTS, Trouble, trouble
from sensor_overlay.telling.sending import AT_ONCE, Sender, senders_of
from tests.sensor_overlay.alerts.school import School, school_rules
from tests.sensor_overlay.store.stores import using
from tests.sensor_overlay.telling.servers import http, smtp
from zwilling.errors import SettingsError
from zwilling.sensor_settings import MailSettings, RecipientSettings, SecretSettings, SensorSettings

A, B, C = (f"a81758fffe000{room}" for room in (204, 205, 206))
PROJECT = Path(__file__).resolve().parents[3]


class Recorder:
    """A channel that takes everything, or answers as it is told.

    Attributes:
        bundles: what came.
        fates: what becomes of the next ones, before all others are sent.
    """

    def __init__(self, *fates: Fate) -> None:
        self.bundles: list[Bundle] = []
        self.fates = list(fates)

    async def send(self, bundle: Bundle) -> Outcome:
        self.bundles.append(bundle)
        fate = self.fates.pop(0) if self.fates else Fate.SENT
        return Outcome(fate, "" if fate is Fate.SENT else "warum auch immer")

    def texts(self) -> list[list[str]]:
        return [[line.text.partition(":")[0] for line in bundle.lines] for bundle in self.bundles]


def sender(school: School, channel: Recorder, name: str = "mail") -> Sender:
    return Sender(school.store, school.alerts.rules.recipients, name, channel, clock=lambda: school.now)


async def opened(school: School, *rooms: str, site: str = "S07") -> None:
    """Let the air of rooms get bad."""
    await school.add(*rooms, site=site)
    for _ in range(2):
        await school.hear(*((room, 1240.0) for room in rooms))
        school.now += 15 * MINUTE
    school.now -= 15 * MINUTE


def test_what_is_due_is_sent_once(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await opened(school, A)
        channel = Recorder()
        mail = sender(school, channel)
        assert await mail.once() == 0  # it settles first
        school.now += 5 * SECOND
        assert [await mail.once(), await mail.once()] == [1, 0]
        assert await sender(school, channel).once() == 0  # another process
        assert channel.texts() == [["Raum 204 (BBZ Grevenbroich)"]]
        assert await school.messages("channel", "sent", "attempts") == [
            ("webhook", None, 0),
            ("mail", school.now, 1),
        ]

    using(database_url, body)


def test_a_school_is_one_e_mail(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        rooms = [f"a81758fffe000{room}" for room in range(101, 131)]
        await school.add(*rooms)
        await school.hear(*((room, 600.0) for room in rooms))
        school.now += 3 * HOUR
        await school.tick()
        school.now += 15 * MINUTE
        channel = Recorder()
        await sender(school, channel).once()
        assert [len(bundle.lines) for bundle in channel.bundles] == [30]

    using(database_url, body)


def test_what_comes_soon_after_an_e_mail_waits_for_more_unless_it_is_urgent(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        channel = Recorder()
        mail = sender(school, channel)
        await opened(school, A)
        school.now += 5 * SECOND
        await mail.once()
        school.now -= 15 * MINUTE + 5 * SECOND
        await opened(school, B)
        school.now += 10 * SECOND
        assert await mail.once() == 0
        await school.add(C)
        await school.hear((C, 2500.0))
        school.now += MINUTE
        await school.hear((C, 2500.0))
        school.now += 5 * SECOND
        assert await mail.once() == 1
        assert channel.texts()[1:] == [["Raum 205 (BBZ Grevenbroich)", "Raum 206 (BBZ Grevenbroich)"]]

    using(database_url, body)


def test_the_pause_between_e_mails_survives_a_restart(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        channel = Recorder()
        await opened(school, A)
        school.now += 5 * SECOND
        await sender(school, channel).once()
        school.now -= 15 * MINUTE + 5 * SECOND
        await opened(school, B)
        school.now += 10 * SECOND
        assert await sender(school, channel).once() == 0
        school.now += 5 * MINUTE
        assert await sender(school, channel).once() == 1

    using(database_url, body)


def test_what_fails_is_sent_again_as_it_was_and_what_follows_waits(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        channel = Recorder(Fate.FAILED, Fate.FAILED)
        mail = sender(school, channel)
        await opened(school, A, B)
        school.now += 5 * SECOND
        await mail.once()
        async with store.reading() as connection:
            assert await trouble(connection, school.now) == [Trouble("mail", "hausmeister", 2, 0, "warum auch immer")]
        school.now += 29 * SECOND
        assert await mail.once() == 0
        await school.hear((A, 600.0))  # it is over: the end is told after the beginning
        school.now += 6 * SECOND
        assert await mail.once() == 1
        assert await mail.once() == 0
        school.now += MINUTE
        assert await mail.once() == 1
        first, second, third = channel.bundles
        assert (first.identity, first.lines) == (second.identity, second.lines) == (third.identity, third.lines)
        assert [bundle.attempt for bundle in channel.bundles] == [1, 2, 3]
        async with store.reading() as connection:
            assert await trouble(connection, school.now) == []
        school.now += 5 * MINUTE
        assert await mail.once() == 1
        assert [line.event for line in channel.bundles[-1].lines] == ["closed"]

    using(database_url, body)


def test_after_a_day_it_is_given_up_and_shown(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        channel = Recorder(*[Fate.FAILED] * (MOST_ATTEMPTS + 5))
        mail = sender(school, channel)
        await opened(school, A)
        begun = school.now
        while len(channel.bundles) < MOST_ATTEMPTS:
            school.now += 31 * MINUTE
            assert await mail.once() == 1
        assert DAY < school.now - begun < 2 * DAY
        school.now += DAY
        assert await mail.once() == 0
        async with store.reading() as connection:
            assert await trouble(connection, school.now) == [Trouble("mail", "hausmeister", 0, 1, "warum auch immer")]
            assert await trouble(connection, school.now + 8 * DAY) == []

    using(database_url, body)


def test_what_is_refused_is_not_tried_again(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        channel = Recorder(Fate.REFUSED)
        mail = sender(school, channel)
        await opened(school, A)
        school.now += 5 * SECOND
        await mail.once()
        school.now += DAY
        assert await mail.once() == 0
        ((given_up, error),) = [
            row[1:] for row in await school.messages("channel", "given_up", "error") if row[0] == "mail"
        ]
        assert given_up is not None
        assert error == "warum auch immer"

    using(database_url, body)


def test_a_recipient_who_no_longer_is_one_is_told_nothing(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await opened(school, A)
        school.now += 5 * SECOND
        channel = Recorder()
        elsewhere = {"hausmeister": Recipient("hausmeister", ("mail",), frozenset({"S08"}))}
        await Sender(store, elsewhere, "mail", channel, clock=lambda: school.now).once()
        await Sender(store, {}, "webhook", channel, clock=lambda: school.now).once()
        assert channel.bundles == []
        assert all(given_up is not None for (given_up,) in await school.messages("given_up"))

    using(database_url, body)


def test_a_channel_that_breaks_keeps_nobody_else_from_being_told(database_url: str) -> None:
    class Breaking(Recorder):
        async def send(self, bundle: Bundle) -> Outcome:
            raise ZeroDivisionError(bundle.id)

    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await opened(school, A)
        school.now += 5 * SECOND
        assert await sender(school, Breaking()).once() == 1
        assert await sender(school, Recorder(), "webhook").once() == 1
        assert ("mail", "fault in the program (ZeroDivisionError)") in await school.messages("channel", "error")

    using(database_url, body)


def test_what_was_sent_while_the_database_went_away_is_noted_when_it_is_back(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await opened(school, A)
        school.now += 5 * SECOND
        channel = Recorder()
        mail = sender(school, channel)
        whole = store.writing
        asked: list[int] = []

        def away(now: int | None = None):  # type: ignore[no-untyped-def]
            asked.append(1)
            if len(asked) == 2:  # the claim is written, the mark is not
                raise StoreUnavailableError("away")
            return whole(now)

        store.writing = away  # type: ignore[method-assign]
        with pytest.raises(StoreUnavailableError):
            await mail.once()
        school.now += HOUR
        assert await mail.once() == 0
        assert len(channel.bundles) == 1
        assert ("mail", school.now) in await school.messages("channel", "sent")

    using(database_url, body)


def test_a_claim_that_nobody_finished_ends_after_two_minutes(database_url: str) -> None:
    class Hanging(Recorder):
        def __init__(self) -> None:
            super().__init__()
            self.begun = asyncio.Event()

        async def send(self, bundle: Bundle) -> Outcome:
            self.bundles.append(bundle)
            self.begun.set()
            await asyncio.Event().wait()
            raise AssertionError

    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await opened(school, A)
        school.now += 5 * SECOND
        hanging, channel = Hanging(), Recorder()
        dying = asyncio.create_task(sender(school, hanging).once())
        await hanging.begun.wait()
        dying.cancel()
        await asyncio.wait([dying])
        assert await sender(school, channel).once() == 0
        school.now += 2 * MINUTE
        assert await sender(school, channel).once() == 1
        assert channel.bundles[0].identity == hanging.bundles[0].identity
        assert channel.bundles[0].lines == hanging.bundles[0].lines

    using(database_url, body)


def test_two_processes_share_what_is_to_be_sent(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await opened(school, A, B)
        school.now += 5 * SECOND
        other = await open_store(database_url)
        try:
            channel = Recorder()
            both = [
                Sender(each, school.alerts.rules.recipients, name, channel, clock=lambda: school.now)
                for each in (store, other)
                for name in ("mail", "webhook")
            ]
            await asyncio.gather(*(one.once() for one in both))
        finally:
            await other.close()
        assert sorted(bundle.channel for bundle in channel.bundles) == ["mail", "webhook"]

    using(database_url, body)


# One process that takes values in and sends, as the twin does; it is killed while it works.
WORKER = """
import asyncio, sys
from sensor_overlay.telling.sending import Sender
from sensor_overlay.telling.webhook import Address, Webhook
from sensor_overlay.store.opening import open_store
from tests.sensor_overlay.alerts.school import school_rules

async def main() -> None:
    store = await open_store(sys.argv[1])
    channel = Webhook({"amt": Address(sys.argv[2])}, "Zwilling")
    sender = Sender(store, school_rules().recipients, "webhook", channel)
    while await sender.once():
        pass
    print("idle", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_killed_again_and_again_it_tells_everything_and_nothing_without_its_identity_twice(tmp_path: Path) -> None:
    url = str(tmp_path / "zwilling.db")
    school_now = present() - HOUR

    async def fill(store: Store) -> None:
        school = School(store, school_rules(), school_now)
        for number in range(24):  # one bundle each, so that there is much to be killed in
            await opened(school, f"a81758fffe0{number:05d}")
            school.now = school_now

    using(url, fill)

    async def apart(store: Store) -> None:
        async with store.writing() as commit:  # each is a bundle of its own
            rows = (
                await commit.connection.execute(select(message.c.id).where(message.c.channel == "webhook"))
            ).scalars()
            for number in rows.all():
                await commit.connection.execute(
                    update(message).where(message.c.id == number).values(bundle=number, due=0)
                )

    using(url, apart)

    async def left(store: Store) -> int:
        async with store.writing() as commit:  # the claims of the dead end now, not in two minutes
            await commit.connection.execute(update(message).where(message.c.sent.is_(None)).values(due=0))
            query = select(func.count()).where(message.c.channel == "webhook", message.c.sent.is_(None))
            return int((await commit.connection.execute(query)).scalar_one())

    with http() as hook:
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        for kill_after in (1, 7, None):
            command = [sys.executable, "-c", WORKER, url, hook.url]
            with subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE) as worker:
                try:
                    if kill_after is None:
                        assert worker.stdout is not None
                        assert worker.stdout.readline() == b"idle\n"
                    else:
                        hook.wait_for(len(hook.requests) + kill_after)
                finally:
                    worker.send_signal(signal.SIGKILL)
            unsent = using(url, left)
        assert unsent == 0
        told = [headers["X-Zwilling-Delivery"] for headers, _ in hook.requests]
    bodies = {headers["X-Zwilling-Delivery"]: body for headers, body in hook.requests}
    assert len(bodies) == 24
    assert all(bodies[headers["X-Zwilling-Delivery"]] == body for headers, body in hook.requests)
    # Only those that were under way when it was killed came twice.
    assert len(told) - 24 <= 2 * AT_ONCE


def test_senders_from_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZWILLING_TEST_SECRET", "schlüssel")

    async def body(store: Store) -> None:
        with http() as hook, smtp() as postbox:
            settings = SensorSettings(
                mail=MailSettings(host="127.0.0.1", port=postbox.port, security="none", sender="z@example.de"),
                recipient=[
                    RecipientSettings(id="amt", webhook=hook.url, secret=SecretSettings(env="ZWILLING_TEST_SECRET")),
                    RecipientSettings(id="hausmeister", mail="h@example.de", sites=["S07"]),
                ],
            )
            school = School(store, school_rules(), present() - HOUR)
            await opened(school, A)
            for one in senders_of(store, settings, school.alerts.rules.recipients, tmp_path, "Rhein-Kreis Neuss"):
                await one.once()
            assert len(postbox.inbox) == len(hook.requests) == 1
            assert hook.requests[0][0]["X-Zwilling-Signature"].startswith("sha256=")
            missing = SensorSettings(
                recipient=[RecipientSettings(id="amt", webhook=hook.url, secret=SecretSettings(env="ZWILLING_NOT_SET"))]
            )
            with pytest.raises(SettingsError, match=r"sensors\.recipient 'amt'\.secret: the environment has no"):
                senders_of(store, missing, {}, tmp_path, "x")

    using(str(tmp_path / "zwilling.db"), body)
