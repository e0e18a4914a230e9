from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.access_log import LOGGER, JsonLines
from server.app import create_app
from tests.server.asgi import Client
from tests.server.conftest import CURRENT, GLB


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, LOGGER)
    caplog.handler.setFormatter(JsonLines())
    return caplog


def fields(lines: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(JsonLines().format(record)) for record in lines.records if record.name == LOGGER]


def test_a_line_says_what_was_answered(client: Client, lines: pytest.LogCaptureFixture) -> None:
    client.get(f"/tiles/buildings/{CURRENT}/content/0.glb")
    (line,) = fields(lines)
    assert line["method"] == "GET"
    assert line["path"] == f"/tiles/buildings/{CURRENT}/content/0.glb"
    assert line["status"] == 200
    assert line["bytes"] == len(GLB)
    assert isinstance(line["ms"], float)
    assert str(line["time"]).endswith("Z")


def test_nothing_personal_is_written(client: Client, lines: pytest.LogCaptureFixture) -> None:
    headers = {"cookie": "session=geheim", "authorization": "Bearer geheim", "user-agent": "Somebody/1"}
    client.get("/?gebaeude=DENW43AL00001j2W&name=geheim", headers=headers)
    text = json.dumps(fields(lines))
    for word in ("geheim", "DENW43", "127.0.0.1", "Somebody"):
        assert word not in text


def test_a_request_cannot_forge_or_colour_a_line(client: Client, lines: pytest.LogCaptureFixture) -> None:
    client.get('/a%0a{"status":200}%1b[31m%00%e2%80%ae%c2%85"')
    (record,) = [record for record in lines.records if record.name == LOGGER]
    line = JsonLines().format(record)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["path"] == '/a\n{"status":200}\x1b[31m\0\u202e\x85"'
    assert json.loads(line)["status"] == 404


def test_long_paths_are_cut(client: Client, lines: pytest.LogCaptureFixture) -> None:
    client.get("/" + "a" * 8000)
    assert len(str(fields(lines)[0]["path"])) == 512


def test_refusals_and_failures_are_logged_too(data: Path, lines: pytest.LogCaptureFixture) -> None:
    app = create_app(data, None, title="T")

    async def fails(_: Request) -> Response:
        raise RuntimeError("no")

    app.router.routes.insert(0, Route("/fails", fails))
    client = Client(app)
    client.request("DELETE", "/")
    client.get("/fails")
    assert [line["status"] for line in fields(lines)] == [405, 500]


def test_a_traceback_stays_on_its_line() -> None:
    try:
        raise ValueError("a\nb")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "m\n%s", ("n",), (type(error), error, None))
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "m\nn"
    assert "ValueError" in json.loads(line)["traceback"]
