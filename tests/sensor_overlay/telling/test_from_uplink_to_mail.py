"""The whole way as a county runs it: a list, `zwilling serve`, an uplink, an e-mail and a signed webhook, a click."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from sensor_overlay.instants import now, text
from tests.sensor_overlay.telling.servers import http, smtp

PROJECT = Path(__file__).resolve().parents[3]
SETTINGS = """
[[sensors.webhook]]
network = "chirpstack"
secret = {{ env = "ZWILLING_TEST_HOOK" }}

[[sensors.rule]]
id = "co2"
observed_property = "co2"
recipients = ["hausmeister", "amt"]

[[sensors.rule.level]]
name = "lüften"
above = 1000
text = "{{room}} ({{site}}): {{property}} {{value}} {{unit}}, bitte lüften."

[[sensors.recipient]]
id = "hausmeister"
mail = "hausmeister@schule.example.de"
sites = ["S07"]

[[sensors.recipient]]
id = "amt"
webhook = "{hook}"
secret = {{ env = "ZWILLING_TEST_HOOK" }}

[sensors.mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "zwilling@example.de"
"""
LIST = (
    "Kennung;DevEUI;Raum;Standort;Standortname;Zugang\nS07-R204;a81758fffe0abcde;204;S07;BBZ Grevenbroich;öffentlich\n"
)
SECRET = "nur zum Testen"  # noqa: S105 - of nothing


def uplink(number: int, co2: float) -> bytes:
    """Return an uplink as ChirpStack v4 sends it, with the object that its codec made."""
    device = {"applicationId": "b0e1", "deviceProfileName": "ERS", "deviceName": "r204", "devEui": "a81758fffe0abcde"}
    message = {
        "deduplicationId": f"{number}",
        "time": text(now()),
        "deviceInfo": device,
        "devAddr": "01020304",
        "fCnt": number,
        "fPort": 5,
        "data": "AA==",
        "object": {"co2": co2},
    }
    return json.dumps(message).encode()


def call(url: str, body: bytes | None = None, bearer: str = "") -> bytes:
    """Return what the twin answers."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        content: bytes = answer.read()
        return content


def test_from_an_uplink_to_a_caretaker(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "ZWILLING_TEST_HOOK": SECRET}
    zwilling = [sys.executable, "-m", "zwilling"]

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [*zwilling, "sensors", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    with smtp() as postbox, http() as hook:
        (tmp_path / "zwilling.toml").write_text(SETTINGS.format(hook=hook.url, port=postbox.port), encoding="utf-8")
        (tmp_path / "liste.csv").write_text(LIST, encoding="utf-8")
        assert run("import", "liste.csv") == "imported: 1 new"
        token = run("token", "Frau Sommer", "--right", "alerts", "--group", "staff", "--site", "S07")
        serve = [*zwilling, "serve", "--port", "0", "--quiet"]
        with subprocess.Popen(serve, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as server:
            try:
                assert server.stderr is not None
                url = next(line for line in server.stderr if line.startswith("serving")).split()[1].rstrip("/")
                call(f"{url}/ingest/chirpstack?event=up", uplink(1, 1240), SECRET)
                hook.wait_for(1)
                postbox.wait_for(1)
                (alert,) = json.loads(call(f"{url}/api/alerts"))["alerts"]
                assert alert["text"] == "Raum 204 (BBZ Grevenbroich): CO2 1.240 ppm, bitte lüften."
                assert json.loads(call(f"{url}/api/alerts/{alert['id']}/acknowledge", b"", token)) == {"result": "done"}
                call(f"{url}/ingest/chirpstack?event=up", uplink(2, 640), SECRET)
                hook.wait_for(2)
                (alert,) = json.loads(call(f"{url}/api/alerts"))["alerts"]
                assert alert["closed"] is not None
            finally:
                server.terminate()
                server.communicate(timeout=60)
    (message,) = postbox.inbox
    assert message["Subject"] == "Raum 204 (BBZ Grevenbroich): CO2 1.240 ppm, bitte lüften."
    assert message["X-Test-To"] == "hausmeister@schule.example.de"
    events = [json.loads(body)["messages"][0]["event"] for _, body in hook.requests]
    assert events == ["opened", "closed"]
    assert all(headers["X-Zwilling-Signature"].startswith("sha256=") for headers, _ in hook.requests)
