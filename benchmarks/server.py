"""Requests per second and 99th percentile of the server, beside other ways to send a file.

Needs `wrk` (Debian package of that name).  Run: `python -m benchmarks.server`.
The row for aiofiles appears where that package is installed.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from server.run import listen, serve, url_of
from zwilling.layers import Extent, Layer, switch_layer

CONNECTIONS = 32
SECONDS = 5
VERSION = "0123456789abcdef"
GLB = f"tiles/buildings/{VERSION}/content/0.glb"


def write_data(data: Path) -> None:
    """Write one layer with a GLB of 50 kB and a tileset of 10 kB; noise, so nothing is encoded."""
    folder = data / "layers" / "buildings" / VERSION
    (folder / "content").mkdir(parents=True)
    (folder / "content" / "0.glb").write_bytes(b"glTF" + os.urandom(50_000))
    children = ",".join(f'{{"geometricError":0,"content":{{"uri":"content/{n}.glb"}}}}' for n in range(200))
    (folder / "tileset.json").write_text(f'{{"asset":{{"version":"1.1"}},"root":{{"children":[{children}]}}}}')
    extent = Extent(6.6, 51.1, 6.8, 51.3, 30, 150)
    layer = Layer("buildings", "Gebäude", "buildings", "public", "", (), extent, VERSION)
    switch_layer(data / "layers" / "buildings", layer)


def static_files(data: Path) -> Starlette:
    """Starlette's own StaticFiles: FileResponse over anyio."""
    return Starlette(routes=[Mount("/tiles", StaticFiles(directory=data / "layers"))])


def with_aiofiles(data: Path) -> Starlette:
    """The same file over aiofiles, in pieces of 64 kB."""
    import aiofiles
    import aiofiles.os

    async def tile(request: Request) -> Response:
        path = data / "layers" / request.path_params["path"]
        size = (await aiofiles.os.stat(path)).st_size

        async def pieces() -> AsyncIterator[bytes]:
            async with aiofiles.open(path, "rb") as body:
                while piece := await body.read(1 << 16):
                    yield piece

        return StreamingResponse(pieces(), headers={"content-length": str(size)})

    return Starlette(routes=[Route("/tiles/{path:path}", tile)])


def in_memory(data: Path) -> Starlette:
    """No file at all: the bytes are there.  What uvicorn itself costs."""
    body = (data / "layers" / "buildings" / VERSION / "content" / "0.glb").read_bytes()

    async def tile(_: Request) -> Response:
        return Response(body, media_type="model/gltf-binary")

    return Starlette(routes=[Route("/tiles/{path:path}", tile)])


VARIANTS = {"StaticFiles": static_files, "aiofiles": with_aiofiles, "in memory": in_memory}


def run_server(variant: str, data: Path) -> None:
    """Serve `data` in the way of `variant` until told to stop; prints the address first."""
    if variant == "zwilling":
        serve(data, None, port=0, on_listening=lambda url: print(url, flush=True))
        return
    with listen("127.0.0.1", 0) as listener:
        print(url_of(listener), flush=True)
        config = uvicorn.Config(VARIANTS[variant](data), http="h11", log_level="error", access_log=False)
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def running(variant: str, data: Path) -> Iterator[tuple[str, int]]:
    """Yield address and process id of a server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.server", variant, str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - PIPE was asked for
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.terminate()


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, which does not depend on what else the machine does."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(pid: int, url: str, *headers: str) -> str:
    """Return rate, 99th percentile and processor time of the requests of `CONNECTIONS` clients."""
    before = cpu_seconds(pid)
    options = [part for header in headers for part in ("-H", header)]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", *options, url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    spent = cpu_seconds(pid) - before
    count = re.search(r"(\d+) requests in", output)
    each = spent / int(count[1]) * 1e6 if count else 0
    rate = re.search(r"Requests/sec:\s+(\S+)", output)
    slowest = re.search(r"99%\s+(\S+)", output)
    failed = re.search(r"Non-2xx.*", output)
    columns = f"{rate and rate[1]:>9} req/s   p99 {slowest and slowest[1]:>9}   {each:4.0f} µs of CPU each"
    return f"{columns}   {failed[0] if failed else ''}"


def main() -> None:
    """Print one line for each way and each kind of request."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing; on Debian: apt-get install wrk")
    with tempfile.TemporaryDirectory() as place:
        data = Path(place)
        write_data(data)
        for variant in VARIANTS:
            if variant == "aiofiles" and importlib.util.find_spec(variant) is None:
                continue
            with running(variant, data) as (url, pid):
                print(f"GLB 50 kB, {variant:24} {measure(pid, url + GLB)}")
        with running("zwilling", data) as (url, pid):
            with urllib.request.urlopen(url + GLB) as response:  # noqa: S310 - our own address
                etag = response.headers["etag"]
            print(f"GLB 50 kB, {'zwilling':24} {measure(pid, url + GLB)}")
            print(f"GLB 50 kB, {'zwilling, 304':24} {measure(pid, url + GLB, f'If-None-Match: {etag}')}")
            for target in (f"tiles/buildings/{VERSION}/tileset.json", "tiles/buildings/tileset.json", "api/twin"):
                print(f"{target.replace(VERSION, '<version>'):35} {measure(pid, url + target)}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        run_server(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
