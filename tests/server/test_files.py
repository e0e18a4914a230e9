from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message

from server.files import CHUNK_BYTES, WHOLE_BYTES, FileStore
from server.recent import LASTS_SECONDS, RecentFiles

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


def test_a_file_cleared_away_since_it_was_looked_up_is_absent(store: FileStore, tmp_path: Path) -> None:
    fetch(store)
    (tmp_path / "large.bin").unlink()
    with pytest.raises(HTTPException) as caught:
        fetch(store)
    assert caught.value.status_code == 404


def test_a_file_replaced_since_it_was_looked_up_is_sent_as_it_is_now(store: FileStore, tmp_path: Path) -> None:
    before = fetch(store)
    for content in (b"a" * 2_000_000, b"b" * 2_000_001, b"c" * 10):
        (tmp_path / "next").write_bytes(content)
        (tmp_path / "next").replace(tmp_path / "large.bin")
        start, *body = fetch(store)
        assert b"".join(message["body"] for message in body) == content
        assert dict(start["headers"])[b"content-length"] == str(len(content)).encode()
        assert dict(start["headers"])[b"etag"] != dict(before[0]["headers"])[b"etag"]


def test_small_files_are_answered_from_memory_for_a_second(tmp_path: Path) -> None:
    now = [0.0]
    store = FileStore(tmp_path, TYPES, recent=RecentFiles(clock=lambda: now[0]))
    path = tmp_path / "large.bin"
    path.write_bytes(b"one")
    assert fetch(store)[1]["body"] == b"one"
    path.write_bytes(b"three")
    assert fetch(store)[1]["body"] == b"one"  # and its own length and tag with it
    assert dict(fetch(store)[0]["headers"])[b"content-length"] == b"3"
    now[0] += LASTS_SECONDS
    assert fetch(store)[1]["body"] == b"three"
    path.unlink()
    now[0] += LASTS_SECONDS
    with pytest.raises(HTTPException):
        fetch(store)


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    store = FileStore(tmp_path, TYPES, recent=RecentFiles(clock=lambda: now[0]))
    (tmp_path / "large.bin").write_bytes(b"one")
    fetch(store)
    now[0] += LASTS_SECONDS
    monkeypatch.setattr(os, "pread", lambda *_: pytest.fail("read again"))
    assert fetch(store)[1]["body"] == b"one"
    assert fetch(store, {"range": "bytes=1-"})[1]["body"] == b"ne"


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "large.bin").touch()
    start, body = fetch(FileStore(tmp_path, TYPES))
    assert (start["status"], body["body"]) == (200, b"")
    assert dict(start["headers"])[b"content-length"] == b"0"


def test_encodings_of_one_size_and_time_have_tags_of_their_own(tmp_path: Path) -> None:
    for name in ("a.bin", "a.bin.br", "a.bin.gz"):
        (tmp_path / name).write_bytes(b"same size")
        os.utime(tmp_path / name, ns=(10**18, 10**18))
    assert len({found.etag for found in FileStore(tmp_path, TYPES).look_up("a.bin").values()}) == 3


def test_tags_differ_wherever_bytes_do(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    store = FileStore(tmp_path, TYPES)
    tags = set()
    for content, moment in ((b"one", 10**18), (b"two", 10**18 + 1), (b"three", 10**18)):
        path.write_bytes(content)
        os.utime(path, ns=(moment, moment))
        tags.add(store.look_up("a.bin")["identity"].etag)
    assert len(tags) == 3
