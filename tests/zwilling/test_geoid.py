"""The official grid comes into the user's folder whole and checked, or not at all."""

from __future__ import annotations

import http.client
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from zwilling import geoid
from zwilling.errors import SourceError


def _grid(shared_data: Path) -> Path:
    return shared_data / "geoid" / geoid.GRID


def test_default_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert geoid.default_folder() == tmp_path / "zwilling" / "proj"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for ignored in ("", "relative/path"):
        monkeypatch.setenv("XDG_DATA_HOME", ignored)
        assert geoid.default_folder() == tmp_path / "home" / ".local" / "share" / "zwilling" / "proj"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert geoid.default_folder() == tmp_path / "home" / ".local" / "share" / "zwilling" / "proj"


def test_install_copies_the_grid(tmp_path: Path, shared_data: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert not geoid.is_installed(folder=folder)
    renamed = tmp_path / "download(1).tif"
    renamed.write_bytes(_grid(shared_data).read_bytes())
    target = geoid.install(renamed, folder=folder)
    assert target == folder / geoid.GRID
    assert geoid.is_installed(folder=folder)
    assert target.read_bytes() == renamed.read_bytes()
    assert [entry.name for entry in folder.iterdir()] == [geoid.GRID]
    assert target.stat().st_mode & 0o777 == 0o644
    assert geoid.install(renamed, folder=folder) == target  # a second time is no harm


def test_install_puts_it_into_the_default_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shared_data: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert not geoid.is_installed()
    assert geoid.install(_grid(shared_data)) == tmp_path / "zwilling" / "proj" / geoid.GRID
    assert geoid.is_installed()


def test_another_file_is_refused_and_the_old_grid_stays(tmp_path: Path) -> None:
    folder = tmp_path / "proj"
    folder.mkdir()
    (folder / geoid.GRID).write_bytes(b"old")
    other = tmp_path / "other.tif"
    other.write_bytes(b"II*\0 something else")
    with pytest.raises(SourceError, match=r"other\.tif: is not the official") as caught:
        geoid.install(other, folder=folder)
    assert geoid.GRID_SHA256 in str(caught.value)
    assert (folder / geoid.GRID).read_bytes() == b"old"
    assert geoid.install(other, folder=folder, force=True).read_bytes() == b"II*\0 something else"
    assert [entry.name for entry in folder.iterdir()] == [geoid.GRID]


@pytest.mark.parametrize("size", [0, 5_000_001])
def test_a_file_of_the_wrong_size_is_refused_even_by_force(tmp_path: Path, size: int) -> None:
    file = tmp_path / "grid.tif"
    with file.open("wb") as stream:
        stream.truncate(size)
    with pytest.raises(SourceError, match=f"has {size} bytes"):
        geoid.install(file, folder=tmp_path / "proj", force=True)


@pytest.mark.parametrize("name", ["missing.tif", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="cannot be read") as caught:
        geoid.install(tmp_path / name, folder=tmp_path / "proj")
    assert caught.value.source == str(tmp_path / name)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, shared_data: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(SourceError, match="cannot be written") as caught:
        geoid.install(_grid(shared_data), folder=tmp_path / "file" / "proj")
    assert str(tmp_path / "file") in str(caught.value)


class _Plain(urllib.request.HTTPSHandler):
    """Speaks to a local server without TLS where https is asked for; all else is urllib's own."""

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(http.client.HTTPConnection, request)


class _Grids(BaseHTTPRequestHandler):
    content: bytes = b""

    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        # A truncated body announces more than it sends.
        self.send_header("Content-Length", str(len(self.content) + (100 if self.path == "/cut" else 0)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[str]:
    """Serve `_Grids.content` at the yielded https address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Grids) as http_server:
        thread = threading.Thread(target=http_server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        urllib.request.install_opener(urllib.request.build_opener(_Plain(), urllib.request.ProxyHandler({})))
        try:
            yield f"https://127.0.0.1:{http_server.server_port}"
        finally:
            urllib.request.install_opener(urllib.request.build_opener())
            http_server.shutdown()
            thread.join()


def test_download_installs_the_grid(
    server: str, tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Grids, "content", _grid(shared_data).read_bytes())
    target = geoid.download(folder=tmp_path, url=f"{server}/{geoid.GRID}")
    assert geoid.sha256_of(target) == geoid.GRID_SHA256


@pytest.mark.parametrize(
    ("path", "content", "problem"),
    [
        ("/grid", b"<html>Bitte melden Sie sich am Proxy an</html>", "is not the official"),
        ("/grid", b"\0" * 5_000_001, "larger than"),
        ("/missing", b"", "404|Not Found"),
        ("/cut", b"half", "cannot be fetched|is not the official"),
    ],
)
def test_download_of_something_else_leaves_nothing(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, content: bytes, problem: str
) -> None:
    monkeypatch.setattr(_Grids, "content", content)
    with pytest.raises(SourceError, match=problem) as caught:
        geoid.download(folder=tmp_path / "proj", url=server + path)
    assert caught.value.source == server + path
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "proj").exists()


def test_download_without_a_server_says_how_to_go_on(server: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="zwilling geoid install FILE"):
        geoid.download(folder=tmp_path, url="https://127.0.0.1:9/grid")


@pytest.mark.parametrize("url", ["http://127.0.0.1/grid", "file:///etc/passwd", "ftp://127.0.0.1/grid"])
def test_download_takes_https_alone(tmp_path: Path, url: str) -> None:
    with pytest.raises(SourceError, match="only https"):
        geoid.download(folder=tmp_path, url=url)


def test_the_checksum_is_that_of_the_official_grid(shared_data: Path) -> None:
    assert geoid.sha256_of(_grid(shared_data)) == geoid.GRID_SHA256
