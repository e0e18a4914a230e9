from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.lines import Lines
from tests.sensor_overlay.brokers import WAIT, Broker, broker
from tests.sensor_overlay.faults.instance import write_settings
from tests.sensor_overlay.faults.running import kept
from tests.sensor_overlay.network_server import network_server, topic_of, uplinks
from zwilling.cli import main


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Give a running `zwilling`."""
    command = [sys.executable, "-m", "zwilling", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def until_it_says(process: subprocess.Popen[str], words: str) -> str:
    """Return the line of its log that has these words."""
    lines = Lines(process.stderr, WAIT)
    said = []
    while line := lines.next():
        said.append(line)
        if words in line:
            return line
    pytest.fail("\n".join(said))


def until_connected(broker_: Broker, times: int = 1) -> None:
    """Return when the twin has connected so often, as the broker's log has it."""
    while broker_.log().count(" as zwilling-cs ") < times:
        time.sleep(0.02)


def test_run_takes_in_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with broker(tmp_path / "broker") as broker_:
        settings = write_settings(tmp_path / "twin", broker_.port)
        with started("sensors", "run", "--settings", str(settings)) as process:
            until_connected(broker_)
            broker_.save()
            with network_server(broker_.port) as server:
                server.publish_all(uplinks(500))
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT) == 0
        with started("sensors", "run", "--settings", str(settings)) as process:
            # What it had not fetched by then waits for the next.
            until_connected(broker_, 2)
            while kept(tmp_path / "twin" / "data").uplinks < 500:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            assert process.wait(WAIT) == 0
    assert kept(tmp_path / "twin" / "data").is_each_once


def test_serve_takes_in_tells_viewers_and_stops_with_all_of_it_stored(tmp_path: Path) -> None:
    with broker(tmp_path / "broker") as broker_:
        settings = write_settings(tmp_path / "twin", broker_.port)
        with started("serve", str(settings), "--port", "0") as process:
            url = until_it_says(process, "serving").split()[-1]
            until_connected(broker_)
            with connect(f"{url.replace('http', 'ws')}live") as live:
                assert json.loads(live.recv(timeout=WAIT))["type"] == "snapshot"
                stream = urllib.request.urlopen(f"{url}live/events", timeout=WAIT)  # noqa: S310 - http, on this machine
                with stream, network_server(broker_.port) as server:
                    server.publish_all(uplinks(300))
                    process.send_signal(signal.SIGTERM)
                    with pytest.raises(ConnectionClosed) as caught:
                        while True:
                            live.recv(timeout=WAIT)
                    assert caught.value.rcvd is not None
                    assert caught.value.rcvd.code in (1001, 1012)
                    stream.read()  # to its end
            assert process.wait(10) == 0  # seconds: what is promised to whoever stops it
        with started("sensors", "run", "--settings", str(settings)) as process:
            while kept(tmp_path / "twin" / "data").uplinks < 300:
                time.sleep(0.02)
    assert kept(tmp_path / "twin" / "data").is_each_once


def test_letters_and_replay(tmp_path: Path) -> None:
    with broker(tmp_path / "broker") as broker_:
        settings = write_settings(tmp_path / "twin", broker_.port)
        with started("sensors", "run", "--settings", str(settings)) as process:
            until_connected(broker_)
            with network_server(broker_.port) as server:
                server.publish_all([(topic_of(1), b"{\x1b[31m"), *uplinks(1)])
            while kept_uplinks(tmp_path) < 1:
                time.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT) == 0
    at = ["--settings", str(settings)]
    listed = CliRunner().invoke(main, ["sensors", "letters", *at])
    assert listed.exit_code == 0
    assert "not-json" in listed.output
    assert "\x1b" not in listed.output
    (as_json,) = json.loads(CliRunner().invoke(main, ["sensors", "letters", "--json", *at]).output)
    assert (as_json["source"], as_json["topic"], as_json["body"]) == ("cs", topic_of(1), "extbMzFt")
    assert CliRunner().invoke(main, ["sensors", "letters", "--cause", "topic", *at]).output == "no dead letters\n"
    replayed = CliRunner().invoke(main, ["sensors", "replay", *at])
    assert replayed.output == "0 of 1 dead letters became readings (0 values); the others stay: 1 not-json\n"
    wrong = CliRunner().invoke(main, ["sensors", "replay", "--cause", "nocodec", *at])
    assert wrong.exit_code == 1
    assert "there is no cause 'nocodec'" in wrong.output
    when = CliRunner().invoke(main, ["sensors", "replay", "--since", "yesterday", *at])
    assert when.exit_code == 1
    assert "2026-11-20" in when.output


def kept_uplinks(folder: Path) -> int:
    path = folder / "twin" / "data" / "zwilling.db"
    if not path.exists():
        return 0
    try:
        return kept(path.parent).uplinks
    except Exception:  # noqa: BLE001 - its tables are being made
        return 0


def test_run_without_a_broker_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "zwilling.toml").write_text("")
    done = CliRunner().invoke(main, ["sensors", "run", "--settings", str(tmp_path / "zwilling.toml")])
    assert done.exit_code == 1
    assert "[[sensors.broker]]" in done.output
