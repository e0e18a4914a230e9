"""What time does to alerts: silence, escalation, rules and things that go; and what people do with them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from sqlalchemy import select, update

from sensor_overlay.access import Principal, Right
from sensor_overlay.alerts import Alerts, Handled, Listening, acknowledge, close, keep_watch
from sensor_overlay.alerts.watching import EvenClock, settle
from sensor_overlay.instants import HOUR, MINUTE, SECOND, parse
from sensor_overlay.rules.rule import Rules
from sensor_overlay.store.opening import Store
from sensor_overlay.store.schema import thing
from tests.sensor_overlay.alerts.school import MONDAY, School, school_rules
from tests.sensor_overlay.rules.making import rules
from tests.sensor_overlay.store.stores import using
from zwilling.sensor_settings import RuleSettings

A, B = "a81758fffe000204", "a81758fffe000205"
CARETAKER = Principal("Frau Sommer", frozenset({"public", "staff"}), frozenset({Right.ALERTS}), frozenset({"S07"}))
NEIGHBOUR = Principal("Herr Winter", frozenset({"public", "staff"}), frozenset({Right.ALERTS}), frozenset({"S08"}))


def test_a_sensor_that_falls_silent_is_told_and_its_return_too(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.hear((A, 600))
        school.now += 3 * HOUR - 1
        assert not await school.tick()
        school.now += 1
        assert await school.tick()
        assert not await school.tick()  # once
        text = "Raum 204 (BBZ Grevenbroich): keine Daten seit 3 Stunden (zuletzt 23.11.2026, 09:00 Uhr)."
        assert await school.alerts_now("rule", "kind", "level", "text", "closed") == [
            ("stille", "silence", "", text, None)
        ]
        assert await school.messages("recipient", "due") == [
            ("amt", school.now + 15 * MINUTE),
            ("hausmeister", school.now + 15 * MINUTE),
        ]
        await school.all_sent()
        school.now += HOUR
        await school.hear((A, 600))
        assert await school.alerts_now("closed", "closed_by") == [(school.now, None)]
        assert (await school.messages("event", "text"))[-1] == (
            "closed",
            "Raum 204 (BBZ Grevenbroich): sendet wieder.",
        )

    using(database_url, body)


def test_a_sensor_that_is_heard_without_being_understood_is_not_silent(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.hear((A, 600))
        school.now += 4 * HOUR
        await school.tick()
        async with store.writing(school.now) as commit:
            await commit.connection.execute(update(thing).values(last_seen=school.now + 1))
        school.now += 1
        assert await school.tick()
        assert [closed is None for (closed,) in await school.alerts_now("closed")] == [False]

    using(database_url, body)


def test_who_is_silent_by_its_own_interval(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.add(B, expected_interval=3600)
        await school.add("a81758fffe000301", is_test=True)
        await school.add("a81758fffe000302")  # never heard: it hangs nowhere yet
        await school.add("a81758fffe000303", is_registered=False)
        await school.hear(*((f"a81758fffe000{room}", 600.0) for room in (204, 205, 301, 303)))
        school.now += 3 * HOUR
        await school.tick()
        assert len(await school.alerts_now("id")) == 1
        school.now += 9 * HOUR
        await school.tick()
        assert len(await school.alerts_now("id")) == 2

    using(database_url, body)


def test_after_a_restart_every_sensor_has_time_to_be_heard(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.hear((A, 600))
        school.now += 24 * HOUR  # we were away
        begun = school.now
        assert not await school.tick(listening_since=None)
        school.now += 30 * MINUTE - SECOND
        assert not await school.tick(listening_since=begun)
        school.now += 2 * SECOND
        assert await school.tick(listening_since=begun)

    using(database_url, body)


def test_a_broker_that_is_away_is_no_reason_to_say_nothing_of_others(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A, B)
        await school.hear((A, 600), source="kreis")
        await school.hear((B, 600), source="stadt")
        school.now += 3 * HOUR
        assert await school.tick(kreis=None, stadt=0, listening_since=None)
        assert [text for (text,) in await school.alerts_now("text")] == [
            "Raum 205 (BBZ Grevenbroich): keine Daten seit 3 Stunden (zuletzt 23.11.2026, 09:00 Uhr)."
        ]
        assert not await school.tick(kreis=school.now - 30 * MINUTE + 1, stadt=0)
        assert await school.tick(kreis=school.now - 30 * MINUTE, stadt=0)
        assert len(await school.alerts_now("id")) == 2

    using(database_url, body)


def test_what_waited_while_we_were_away_makes_no_dead_sensor_alive(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A, B)
        await school.hear((A, 600), (B, 600))
        died = school.now + HOUR
        school.now = begun = school.now + 8 * HOUR
        # The broker kept what both sent while we were away, A for an hour only; it takes its time to bring it.
        for minutes in range(15, 8 * 60, 15):
            at = MONDAY + minutes * MINUTE
            await school.hear(*((device, 600.0) for device in (A, B) if device == B or at <= died), at=at)
            school.now += MINUTE
            assert not await school.tick(listening_since=begun)
        for _ in range(8):
            school.now += 5 * MINUTE
            await school.hear((B, 600))
            await school.tick(listening_since=begun)
        assert [text for (text,) in await school.alerts_now("text")] == [
            "Raum 204 (BBZ Grevenbroich): keine Daten seit 7 Stunden (zuletzt 23.11.2026, 10:00 Uhr)."
        ]
        # And what was under way longer still ends nothing.
        await school.hear((A, 600), at=died + 15 * MINUTE)
        assert await school.alerts_now("closed") == [(None,)]
        await school.hear((A, 600))
        assert await school.alerts_now("closed") == [(school.now,)]

    using(database_url, body)


def test_a_gateway_whose_clock_is_slow_makes_nobody_silent(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        for _ in range(30):
            await school.hear((A, 600), at=school.now - 5 * HOUR)
            assert not await school.tick()
            school.now += 15 * MINUTE
        heard = school.now - 15 * MINUTE
        assert await school.rows(select(thing.c.last_seen)) == [(heard,)]
        school.now = heard + 3 * HOUR
        assert await school.tick()
        await school.hear((A, 600), at=school.now - 5 * HOUR)
        assert await school.alerts_now("closed") == [(school.now,)]

    using(database_url, body)


def test_a_clock_that_is_set_makes_nobody_silent() -> None:
    wall, steady = [MONDAY], [0]
    clock = EvenClock(lambda: wall[0], lambda: steady[0] * 1_000)

    def passes(span: int, *, set_by: int = 0) -> int:
        wall[0] += span + set_by
        steady[0] += span
        return clock.even_since()

    assert passes(HOUR) == MONDAY
    assert passes(10 * SECOND, set_by=20 * SECOND) == MONDAY  # kept right, in steps
    assert passes(10 * SECOND, set_by=24 * HOUR) == wall[0]  # slept, or began in the past
    forward = wall[0]
    assert passes(HOUR) == forward
    listening = Listening({"kreis": MONDAY, "stadt": None}, MONDAY).after(forward, wall[0])
    assert listening == Listening({"kreis": forward, "stadt": None}, forward)
    assert passes(10 * SECOND, set_by=-48 * HOUR) == wall[0] < MONDAY
    back = Listening({"kreis": MONDAY}, None).after(wall[0], wall[0])
    assert back.by_source == {"kreis": wall[0]}


def test_a_school_without_network_is_told_as_one(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        rooms = [f"a81758fffe000{room}" for room in range(101, 131)]
        await school.add(*rooms)
        for number, room in enumerate(rooms):  # each at its own moment of the quarter hour
            await school.hear((room, 600.0), at=school.now)
            school.now = MONDAY + (number + 1) * 30 * SECOND
        school.now = MONDAY + 3 * HOUR
        for _ in range(100):
            await school.tick()
            school.now += 10 * SECOND
        assert len(await school.alerts_now("id")) == 30
        dues = await school.messages("recipient", "due")
        assert len(dues) == 60
        assert {due for _, due in dues} == {MONDAY + 3 * HOUR + 15 * MINUTE}
        await school.all_sent()
        school.now += 5 * HOUR
        back = school.now
        for room in rooms:
            await school.hear((room, 600.0))
            school.now += 30 * SECOND
        assert {due for event, due in await school.messages("event", "due") if event == "closed"} == {
            back + 15 * MINUTE
        }

    using(database_url, body)


def test_what_gathers_does_not_break_quiet_times(database_url: str) -> None:
    async def body(store: Store) -> None:
        evening = parse("2026-11-23T14:55:00+01:00")
        school = School(store, school_rules(quiet_from="18:00", quiet_until="07:00"), evening)
        await school.add(A, B)
        await school.hear((A, 600), (B, 600))
        school.now += 3 * HOUR
        await school.tick()  # at 17:55, due at 18:10: that is quiet
        assert {due for (due,) in await school.messages("due")} == {parse("2026-11-24T07:00:00+01:00")}

    using(database_url, body)


def test_what_gathers_joins_nothing_that_is_sent_in_its_own_quiet_times(database_url: str) -> None:
    async def body(store: Store) -> None:
        told = {"kind": "silence", "recipients": ["amt"], "after_intervals": 12.0}
        loud = RuleSettings(id="laut", **told)  # type: ignore[arg-type]
        calm = RuleSettings(id="leise", quiet_from="18:00", quiet_until="07:00", **told)  # type: ignore[arg-type]
        school = School(store, rules(loud, calm), parse("2026-11-23T14:55:00+01:00"))
        await school.add(A)
        await school.hear((A, 600))
        school.now += 3 * HOUR
        await school.tick()
        assert [due for (due,) in await school.messages("due")] == [
            parse("2026-11-23T18:10:00+01:00"),
            parse("2026-11-24T07:00:00+01:00"),
        ]

    using(database_url, body)


def escalating() -> Rules:
    return school_rules(
        recipients=["hausmeister"], escalate_after=30, escalate_to=["amt"], quiet_from="18:00", quiet_until="07:00"
    )


def test_what_nobody_acknowledges_escalates_once(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, escalating())
        await school.add(A)
        await school.course(A, 1240, 1240)
        school.now += 14 * MINUTE
        assert not await school.tick()
        school.now += MINUTE
        assert await school.tick()
        assert not await school.tick()
        told = await school.messages("event", "recipient", "text")
        text = "Raum 204 (BBZ Grevenbroich): CO2 1.240 ppm, bitte lüften."
        assert told == [
            ("opened", "hausmeister", text),
            ("escalated", "amt", f"Seit 30 Minuten nicht bestätigt: {text}"),
        ]
        await school.all_sent()
        await school.course(A, 600)  # whoever was told of it hears that it is over
        assert [who for event, who in await school.messages("event", "recipient") if event == "closed"] == [
            "amt",
            "hausmeister",
        ]

    using(database_url, body)


def test_escalation_waits_over_the_night(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, escalating(), parse("2026-11-23T17:30:00+01:00"))
        await school.add(A)
        await school.course(A, 1240, 1240)  # opened at 17:45
        for moment in ("17:59", "18:20", "23:00"):
            school.now = parse(f"2026-11-23T{moment}:00+01:00")
            assert not await school.tick(listening_since=None)
        school.now = parse("2026-11-24T07:14:00+01:00")
        await school.tick(listening_since=None)
        assert len(await school.messages("id")) == 1
        school.now = parse("2026-11-24T07:15:00+01:00")
        await school.tick(listening_since=None)
        assert [event for (event,) in await school.messages("event")] == ["opened", "escalated"]

    using(database_url, body)


def test_an_acknowledged_alert_stays_open_and_does_not_escalate(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, escalating())
        await school.add(A)
        await school.course(A, 1240, 1240)
        ((number, before),) = await school.alerts_now("id", "sequence")
        async with store.writing(school.now) as commit:
            assert await acknowledge(commit, number, CARETAKER) is Handled.DONE
            assert await acknowledge(commit, number, CARETAKER) is Handled.ALREADY
            assert await acknowledge(commit, number, NEIGHBOUR) is Handled.ABSENT
            assert await acknowledge(commit, number + 1, CARETAKER) is Handled.ABSENT
        assert await school.alerts_now("acknowledged", "acknowledged_by", "closed") == [
            (school.now, "Frau Sommer", None)
        ]
        ((after,),) = await school.alerts_now("sequence")
        assert after > before  # viewers learn of it
        school.now += 2 * HOUR
        assert not await school.tick(listening_since=None)

    using(database_url, body)


def test_what_a_person_closes_stays_closed_until_it_is_over(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.course(A, 1240, 1240)
        await school.all_sent()
        ((number,),) = await school.alerts_now("id")
        async with store.writing(school.now) as commit:
            assert await close(commit, number, NEIGHBOUR) is Handled.ABSENT
            assert await close(commit, number, CARETAKER) is Handled.DONE
            assert await close(commit, number, CARETAKER) is Handled.ALREADY
            assert await acknowledge(commit, number, CARETAKER) is Handled.ALREADY
        assert await school.alerts_now("closed_by") == [("Frau Sommer",)]
        assert [text for event, text in await school.messages("event", "text") if event == "closed"] == [
            "Geschlossen: Raum 204 (BBZ Grevenbroich): CO2 1.240 ppm, bitte lüften."
        ] * 2
        await school.course(A, 1300, 1300, 1300)
        assert len(await school.alerts_now("id")) == 1
        await school.course(A, 800, 1300, 1300)
        assert len(await school.alerts_now("id")) == 2

    using(database_url, body)


def test_a_silence_that_a_person_closed_is_told_again_only_after_the_sensor_was_heard(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.hear((A, 600))
        school.now += 3 * HOUR
        await school.tick()
        ((number,),) = await school.alerts_now("id")
        async with store.writing(school.now) as commit:
            assert await close(commit, number, CARETAKER) is Handled.DONE
        school.now += 24 * HOUR
        assert not await school.tick()
        await school.hear((A, 600))
        school.now += 3 * HOUR
        assert await school.tick()
        assert len(await school.alerts_now("id")) == 2
        assert await school.watches() == []

    using(database_url, body)


def test_alerts_of_rules_and_things_that_are_gone_end_quietly(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A, B)
        await school.course(A, 1240, 1240)
        await school.course(B, 1240, 1240)
        await school.all_sent()
        async with store.writing(school.now) as commit:
            await commit.connection.execute(update(thing).where(thing.c.key == A).values(is_registered=False))
        await school.tick(listening_since=None)
        assert await school.alerts_now("closed", "closed_by") == [(school.now, None), (None, None)]
        school.alerts = Alerts(replace(school_rules(), levels=()))
        await school.tick(listening_since=None)
        assert (await school.alerts_now("closed_by"))[1] == ("Regel entfallen",)
        assert {event for (event,) in await school.messages("event")} == {"opened"}

    using(database_url, body)


def test_what_was_on_its_way_under_a_rule_that_is_gone_is_forgotten(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.course(A, 1240)
        await settle(store, school.alerts)
        assert len(await school.watches()) == 1
        await settle(store, Alerts(replace(school_rules(), levels=())))
        assert await school.watches() == []

    using(database_url, body)


def test_keeping_watch_goes_on_when_the_database_was_away(tmp_path: object) -> None:
    class Away:
        """A store that is away twice, and then ends the test."""

        def __init__(self) -> None:
            self.asked = 0

        def reading(self) -> object:
            from sensor_overlay.store.errors import StoreUnavailableError

            self.asked += 1
            if self.asked == 3:
                raise asyncio.CancelledError
            raise StoreUnavailableError("away")

    store = Away()

    async def run() -> None:
        task = keep_watch(store, Alerts(school_rules()), Listening, lambda: None, seconds=0)  # type: ignore[arg-type]
        try:
            await task
        except asyncio.CancelledError:
            return

    asyncio.run(run())
    assert store.asked == 3
