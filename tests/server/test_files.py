from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from starlette.types import Message

from server.files import CHUNK_BYTES, WHOLE_BYTES, FileStore

TYPES = {".bin": "application/octet-stream"}


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    rows = b"".join(hashlib.sha256(bytes([i & 255, i >> 8])).digest() for i in range(65_000))
    (tmp_path / "large.bin").write_bytes(rows)
    return FileStore(tmp_path, TYPES)


def fetch(store: FileStore, headers: dict[str, str] | None = None) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "headers": [(k.encode(), v.encode()) for k, v in (headers or {}).items()]}
    asyncio.run(store.respond("large.bin", scope, send, "no-cache"))
    return sent


def test_a_large_file_is_never_in_memory_whole(store: FileStore, tmp_path: Path) -> None:
    start, *body = fetch(store)
    data = (tmp_path / "large.bin").read_bytes()
    assert len(data) > WHOLE_BYTES
    assert b"".join(message["body"] for message in body) == data
    assert max(len(message["body"]) for message in body) <= CHUNK_BYTES
    assert dict(start["headers"])[b"content-length"] == str(len(data)).encode()


def test_large_ranges_are_streamed_too(store: FileStore, tmp_path: Path) -> None:
    data = (tmp_path / "large.bin").read_bytes()
    start, *body = fetch(store, {"range": "bytes=1-1500000,1600000-"})
    assert start["status"] == 206
    content = b"".join(message["body"] for message in body)
    assert dict(start["headers"])[b"content-length"] == str(len(content)).encode()
    assert data[1:1_500_001] in content
    assert content.rstrip(b"-\r\n0123456789abcdef").endswith(data[-1000:].rstrip(b"-\r\n0123456789abcdef"))


def test_a_file_that_shrinks_while_it_is_sent_breaks_the_answer_off(store: FileStore, tmp_path: Path) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        os.truncate(tmp_path / "large.bin", 10)

    with pytest.raises(OSError, match="shorter than it was"):
        asyncio.run(store.respond("large.bin", {"type": "http", "method": "GET", "headers": []}, send, "no-cache"))
    assert sent[-1]["type"] == "http.response.start"  # no end: the server closes, the client sees the loss


def test_open_files_are_closed_where_the_client_goes_away(store: FileStore) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            raise ConnectionResetError

    for _ in range(3):
        with pytest.raises(ConnectionResetError):
            asyncio.run(store.respond("large.bin", {"type": "http", "method": "GET", "headers": []}, send, "x"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_cleared_away_between_look_up_and_reading_is_absent(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = store.find("large.bin", None)
    (tmp_path / "large.bin").unlink()
    monkeypatch.setattr(FileStore, "find", lambda *_: found)
    assert store.answer("large.bin", "GET", Headers(), "x") is None


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.bin").touch()
    answer = FileStore(tmp_path, TYPES).answer("empty.bin", "GET", Headers(), "x")
    assert answer is not None
    assert (answer.status, answer.body, dict(answer.headers)[b"content-length"]) == (200, b"", b"0")


def test_tags_differ_wherever_bytes_do(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    store = FileStore(tmp_path, TYPES)
    tags = set()
    for content, moment in ((b"one", 10**18), (b"two", 10**18 + 1), (b"three", 10**18)):
        path.write_bytes(content)
        os.utime(path, ns=(moment, moment))
        found = store.find("a.bin", None)
        assert found is not None
        tags.add(found.etag)
    assert len(tags) == 3
