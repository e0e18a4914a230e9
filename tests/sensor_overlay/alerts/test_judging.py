"""Values in a real store, and the alerts and messages that follow from them; on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from sensor_overlay.alerts import Alerts
from sensor_overlay.alerts.messages import SETTLING
from sensor_overlay.instants import DAY, HOUR, MINUTE, SECOND, parse
from sensor_overlay.store.opening import Store
from sensor_overlay.store.schema import message, thing
from sensor_overlay.store.writing import write
from tests.sensor_overlay.alerts.school import MONDAY, School, school_rules
from tests.sensor_overlay.rules.making import rules
from tests.sensor_overlay.store.stores import using
from tests.sensor_overlay.store.uplinks import arrival
from zwilling.sensor_settings import LevelSettings, RuleSettings

A, B = "a81758fffe000204", "a81758fffe000205"


def test_an_alert_opens_and_is_told_in_plain_german(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.course(A, 1240, 1240)
        assert await school.alerts_now(
            "rule", "kind", "level", "rank", "value", "peak", "text", "opened", "closed"
        ) == [
            (
                "co2",
                "level",
                "lüften",
                0,
                1240.0,
                1240.0,
                "Raum 204 (BBZ Grevenbroich): CO2 1.240 ppm, bitte lüften.",
                MONDAY + 15 * MINUTE,
                None,
            )
        ]
        opened = MONDAY + 15 * MINUTE + 5 * SECOND
        assert await school.messages("event", "channel", "recipient", "text", "due", "sent") == [
            ("opened", "webhook", "amt", "Raum 204 (BBZ Grevenbroich): CO2 1.240 ppm, bitte lüften.", opened, None),
            (
                "opened",
                "mail",
                "hausmeister",
                "Raum 204 (BBZ Grevenbroich): CO2 1.240 ppm, bitte lüften.",
                opened,
                None,
            ),
        ]

    using(database_url, body)


def test_a_caretaker_hears_of_his_school_only(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A, site="S08", site_name="Gymnasium Korschenbroich")
        await school.course(A, 1240, 1240)
        assert await school.messages("recipient") == [("amt",)]

    using(database_url, body)


def test_a_whole_morning(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.course(A, 600, 1100, 1200)
        await school.all_sent()
        await school.course(A, 1300, 2100, 2200)
        await school.all_sent()
        await school.course(A, 1700, 2100, 2100)  # lowered, and raised again: told once
        await school.course(A, 950, 880)
        assert await school.alerts_now("rank", "peak", "closed_by") == [(0, 2200.0, None)]
        assert [event for (event, who) in await school.messages("event", "recipient") if who == "amt"] == [
            "opened",
            "raised-1",
            "closed",
        ]
        texts = await school.messages("text")
        assert texts[-1] == ("Raum 204 (BBZ Grevenbroich): CO2 wieder bei 880 ppm, die Meldung ist beendet.",)
        assert await school.watches() == []
        ((closed,),) = await school.alerts_now("closed")
        assert closed == school.now - 15 * MINUTE

    using(database_url, body)


def test_a_restart_between_two_values_loses_and_repeats_nothing(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        for value in (1100, 1200, 1300, 2100, 2200, 2300, 800):
            school.alerts = Alerts(school_rules())  # a new process
            store.memory.clear()
            await school.course(A, value)
        assert await school.alerts_now("rank", "value", "peak") == [(1, 1200.0, 2300.0)]
        assert await school.messages("event") == []  # nobody had been told before it was over

    using(database_url, body)


def test_the_same_uplinks_again_change_nothing(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        uplinks = [
            arrival(number, at=MONDAY + number * 15 * MINUTE, dev_eui=A, readings={"co2": 1200}) for number in range(3)
        ]
        now = MONDAY + HOUR
        for _ in range(3):
            await write(store, uplinks, judge=school.alerts, now=now)
        assert len(await school.alerts_now("id")) == 1
        assert len(await school.messages("id")) == 2

    using(database_url, body)


def test_an_alert_that_is_over_before_anybody_was_told_is_told_to_nobody(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.course(A, 1240, 1240)
        assert len(await school.messages("id")) == 2
        await school.course(A, 600)
        assert await school.messages("id") == []

    using(database_url, body)


def test_what_opens_and_ends_in_one_batch_is_kept_and_not_told(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        values = (1200, 1300, 800, 1100, 1150, 850, 1500, 1600)
        uplinks = [
            arrival(number, at=MONDAY + number * 15 * MINUTE, dev_eui=A, readings={"co2": value})
            for number, value in enumerate(values)
        ]
        await write(store, uplinks, judge=school.alerts, now=MONDAY + 2 * HOUR)
        assert await school.alerts_now("value", "peak", "closed") == [
            (1300.0, 1300.0, MONDAY + 2 * HOUR),
            (1150.0, 1150.0, MONDAY + 2 * HOUR),
            (1600.0, 1600.0, None),
        ]
        assert await school.messages("event", "recipient") == [("opened", "amt"), ("opened", "hausmeister")]

    using(database_url, body)


def test_an_open_alert_ends_and_another_opens_in_one_batch(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.course(A, 1240, 1240)
        await school.all_sent()
        uplinks = [
            arrival(100 + number, at=school.now + number * 15 * MINUTE, dev_eui=A, readings={"co2": value})
            for number, value in enumerate((800, 1400, 1500))
        ]
        await write(store, uplinks, judge=school.alerts, now=school.now + 30 * MINUTE)
        assert [closed is None for (closed,) in await school.alerts_now("closed")] == [False, True]
        assert [event for event, who in await school.messages("event", "recipient") if who == "amt"] == [
            "opened",
            "closed",
            "opened",
        ]

    using(database_url, body)


@pytest.mark.parametrize(
    ("more", "key", "value"),
    [
        ({"is_test": True}, "co2", 1500),
        ({"is_registered": False}, "co2", 1500),
        ({}, "co2", 12_000),
        ({}, "temperature", 50),
    ],
)
def test_what_raises_no_alert(database_url: str, more: dict[str, Any], key: str, value: float) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A, **more)
        for _ in range(3):
            await school.hear((A, value), key=key)
            school.now += 15 * MINUTE
        assert await school.alerts_now("id") == []
        assert await school.watches() == []

    using(database_url, body)


def test_late_values_and_broken_clocks_neither_raise_nor_end(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.course(A, 700)
        for back in (60, 45, 30):
            await school.hear((A, 1500), at=school.now - back * MINUTE)  # older than what is there
        await school.hear((A, 1500), at=parse("2099-01-01T00:00:00Z"))
        await school.hear((A, 1500), at=parse("1970-01-01T00:00:00Z"))
        assert await school.alerts_now("id") == []
        await school.course(A, 1100, 1100)
        await school.hear((A, 500), at=school.now - HOUR)
        await school.hear((A, 11_000))
        assert await school.alerts_now("closed", "peak") == [(None, 1100.0)]

    using(database_url, body)


def test_what_is_urgent_is_told_in_quiet_times_and_so_is_its_end(database_url: str) -> None:
    night = parse("2026-11-23T22:00:00+01:00")
    morning = parse("2026-11-24T07:00:00+01:00")

    async def body(store: Store) -> None:
        flood = (LevelSettings(name="hoch", above=2), LevelSettings(name="Hochwasser", above=2.6, urgent=True))
        told = {"recipients": ["amt"], "escalate_after": 30, "escalate_to": ["hausmeister"]}
        quiet = {"quiet_from": "18:00", "quiet_until": "07:00"}
        gauge = RuleSettings(id="pegel", observed_property="water_level", level=list(flood), **told, **quiet)  # type: ignore[arg-type]
        school = School(store, rules(gauge), night)
        await school.add(A)
        await school.hear((A, 2.1), key="water_level")
        assert await school.messages("event", "due") == [("opened", morning)]
        school.now += 15 * MINUTE
        await school.hear((A, 2.7), key="water_level")
        assert await school.messages("event", "due") == [("raised-1", school.now + SETTLING)]
        await school.all_sent()
        school.now += 30 * MINUTE
        assert await school.tick()
        assert (await school.messages("event", "due"))[-1] == ("escalated", school.now + SETTLING)
        await school.all_sent()
        await school.hear((A, 2.2), key="water_level")  # not urgent any more, and told to nobody
        school.now += 15 * MINUTE
        await school.hear((A, 1.9), key="water_level")
        assert (await school.messages("event", "recipient", "due"))[-2:] == [
            ("closed", "amt", school.now + SETTLING),
            ("closed", "hausmeister", school.now + SETTLING),
        ]

    using(database_url, body)


def test_quiet_times_delay_and_what_is_over_by_then_is_not_told(database_url: str) -> None:
    async def body(store: Store) -> None:
        night = parse("2026-11-23T19:00:00+01:00")
        school = School(store, school_rules(quiet_from="18:00", quiet_until="07:00"), night)
        await school.add(A, B)
        for value in (1200, 1200):
            await school.hear((A, value), (B, value))
            school.now += 15 * MINUTE
        assert {due for (due,) in await school.messages("due")} == {parse("2026-11-24T07:00:00+01:00")}
        await school.hear((A, 600), (B, 1200))
        assert (
            await school.messages("text")
            == [
                ("Raum 205 (BBZ Grevenbroich): CO2 1.200 ppm, bitte lüften.",),
            ]
            * 2
        )

    using(database_url, body)


def test_raised_before_anybody_was_told_is_told_as_one(database_url: str) -> None:
    async def body(store: Store) -> None:
        night = parse("2026-11-23T19:00:00+01:00")
        school = School(store, school_rules(quiet_from="18:00", quiet_until="07:00"), night)
        await school.add(A)
        await school.course(A, 1200, 1200, 2200, 2200)
        assert await school.messages("event", "recipient") == [("raised-1", "amt"), ("raised-1", "hausmeister")]
        await school.course(A, 1500)  # lowered: what waits says so
        assert {text for (text,) in await school.messages("text")} == {
            "Raum 204 (BBZ Grevenbroich): CO2 1.500 ppm, bitte lüften."
        }

    using(database_url, body)


def test_a_rule_without_an_end_does_not_tell_it(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules(tell_end=False))
        await school.add(A)
        await school.course(A, 1240, 1240)
        await school.all_sent()
        await school.course(A, 600)
        assert {event for (event,) in await school.messages("event")} == {"opened"}

    using(database_url, body)


def test_whoever_could_not_be_reached_yet_hears_of_the_end(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.course(A, 1240, 1240)
        async with store.writing(school.now) as commit:  # one sending was tried, and may have arrived
            await commit.connection.execute(
                update(message).where(message.c.channel == "mail").values(attempts=1, due=school.now + DAY)
            )
        await school.course(A, 600)
        assert await school.messages("event", "channel") == [("opened", "mail"), ("closed", "mail")]

    using(database_url, body)


def test_values_that_come_late_wait_before_they_are_told(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        uplinks = [
            arrival(
                number, at=MONDAY + number * 15 * MINUTE, received=MONDAY + 3 * HOUR, dev_eui=A, readings={"co2": 1200}
            )
            for number in range(3)
        ]
        await write(store, uplinks, judge=school.alerts, now=MONDAY + 3 * HOUR)
        assert {due for (due,) in await school.messages("due")} == {MONDAY + 3 * HOUR + 2 * MINUTE}

    using(database_url, body)


def test_a_rule_with_another_limit_goes_on_with_the_open_alert(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.course(A, 2500, 2500)
        await school.all_sent()
        before = school_rules()
        mild = replace(before.levels[0], levels=before.levels[0].levels[:1])
        school.alerts = Alerts(replace(before, levels=(mild,)))
        await school.course(A, 2500)
        assert await school.alerts_now("rank", "level", "closed") == [(0, "lüften", None)]
        assert {event for (event,) in await school.messages("event")} == {"opened"}
        await school.course(A, 400)
        assert [closed is None for (closed,) in await school.alerts_now("closed")] == [False]

    using(database_url, body)


def test_an_error_after_the_alert_undoes_it_with_the_values(database_url: str) -> None:
    class Failing(Alerts):
        async def judge(self, commit, changes):  # type: ignore[no-untyped-def]
            await super().judge(commit, changes)
            raise RuntimeError("killed")

    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.course(A, 1240)
        whole, school.alerts = school.alerts, Failing(school_rules())
        with pytest.raises(RuntimeError):
            await school.hear((A, 1240))
        assert (await school.alerts_now("id"), await school.messages("id")) == ([], [])
        assert len(await school.watches()) == 1
        school.alerts = whole
        await school.hear((A, 1240))
        assert len(await school.alerts_now("id")) == 1

    using(database_url, body)


def test_without_rules_nothing_is_asked(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, rules())
        await school.add(A)
        await school.course(A, 1240, 1240)
        assert await school.alerts_now("id") == []
        assert not await school.tick()

    using(database_url, body)


def test_a_thing_that_was_renamed_is_told_by_its_new_name(database_url: str) -> None:
    async def body(store: Store) -> None:
        school = School(store, school_rules())
        await school.add(A)
        await school.course(A, 1240)
        async with store.writing(school.now) as commit:
            await commit.connection.execute(update(thing).values(room="Aula", site="S08", site_name="Gymnasium"))
            await commit.registry_changed()
        await school.course(A, 1240)
        assert await school.messages("recipient", "text") == [("amt", "Aula (Gymnasium): CO2 1.240 ppm, bitte lüften.")]

    using(database_url, body)
