"""What happens when we are killed: published is stored, each once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.sensor_overlay.brokers import broker
from tests.sensor_overlay.faults.instance import instance, write_settings
from tests.sensor_overlay.faults.running import kept
from tests.sensor_overlay.network_server import network_server, uplinks


@pytest.mark.parametrize(
    ("when", "protocol"), [("before", "5"), ("within", "5"), ("after", "5"), ("within", "3.1.1"), ("after", "3.1.1")]
)
def test_killed_at_each_point_of_a_batch(tmp_path: Path, when: str, protocol: str) -> None:
    with broker(tmp_path / "broker") as broker_:
        settings = write_settings(tmp_path / "twin", broker_.port, protocol)
        with instance(settings) as first, network_server(broker_.port) as server:
            first.stored(0)
            server.publish_all(uplinks(100))
            first.stored(100)
            first.stop()
        with instance(settings, f"{when}=2") as second, network_server(broker_.port) as server:
            server.publish_all(uplinks(1500)[100:])
            second.died()
        assert 100 <= kept(tmp_path / "twin" / "data").uplinks < 1500
        with instance(settings) as third:
            third.stored(1500)
            third.stop()
    assert kept(tmp_path / "twin" / "data").uplinks == 1500
    assert kept(tmp_path / "twin" / "data").is_each_once


def test_killed_at_any_moment(tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311 - the same in every run
    with broker(tmp_path / "broker") as broker_:
        settings = write_settings(tmp_path / "twin", broker_.port)
        with instance(settings) as first:
            first.stored(0)
        with network_server(broker_.port) as server:
            server.publish(uplinks(6000))
            for share in sorted(chance.sample(range(1, 60), 4)):
                with instance(settings) as killed:
                    # Lines come after commits, and what is killed is somewhere behind them.
                    killed.stored(share * 100)
                    killed.kill()
            with instance(settings) as last:
                last.stored(6000)
                last.stop()
    assert kept(tmp_path / "twin" / "data").uplinks == 6000
    assert kept(tmp_path / "twin" / "data").is_each_once


def test_these_tests_would_notice_acknowledgements_before_the_commit(tmp_path: Path) -> None:
    with broker(tmp_path / "broker") as broker_:
        settings = write_settings(tmp_path / "twin", broker_.port)
        with instance(settings) as first:
            first.stored(0)
        with network_server(broker_.port) as server:
            server.publish_all(uplinks(500))
        with instance(settings, "early", "within=1") as second:
            second.died()
        with network_server(broker_.port) as server, instance(settings) as third:
            third.stored(0)
            server.publish_all(uplinks(501)[500:])
            third.stored(1)
    assert kept(tmp_path / "twin" / "data").uplinks < 501


def test_told_to_leave_it_stores_and_acknowledges_what_has_come(tmp_path: Path) -> None:
    with broker(tmp_path / "broker") as broker_:
        settings = write_settings(tmp_path / "twin", broker_.port)
        with instance(settings) as first, network_server(broker_.port) as server:
            first.stored(0)
            server.publish_all(uplinks(3000))
            first.stop()
        with instance(settings) as second:
            second.stored(3000)
            second.stop()
    assert kept(tmp_path / "twin" / "data").uplinks == 3000
    assert kept(tmp_path / "twin" / "data").is_each_once
