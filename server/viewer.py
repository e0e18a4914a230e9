"""The viewer: the folder that its build leaves, or a page that says how to build it."""

from __future__ import annotations

import re
from http import HTTPStatus
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from server.files import FileStore, needs_no_decoding
from server.tilesets import IMMUTABLE

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".glb": "model/gltf-binary",
    ".ktx2": "image/ktx2",
    ".txt": "text/plain; charset=utf-8",
}
REVALIDATE = "no-cache"
_HASHED = re.compile(r"assets/.+-[A-Za-z0-9_-]{8}\.[a-z0-9]+|cesium/Workers/chunk-[A-Z0-9]{8}\.js")
"""Names made from the content, by the viewer's build and by CesiumJS's; all others are asked for anew."""

_NOT_BUILT = """<!doctype html>
<html lang="de">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Der Viewer ist noch nicht gebaut</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:38rem;margin:15vh auto;padding:0 1.5rem;
color:#1b2733;background:#f6f8fa}code{background:#e3e9ef;padding:.15em .4em;border-radius:.25em}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#11171d}code{background:#26313b}a{color:#8ab4f8}}</style>
<h1>Der Viewer ist noch nicht gebaut</h1>
<p>Der Server läuft und liefert Daten aus. Es fehlt nur die Oberfläche. Bauen Sie sie im Projektordner mit</p>
<p><code>make viewer</code></p>
<p>und laden Sie danach diese Seite neu. Ob Daten da sind, zeigt <a href="/readyz">/readyz</a>.</p>
</html>
"""


class Viewer:
    """Serves the viewer's files; `/` is its `index.html`."""

    def __init__(self, folder: Path | None) -> None:
        """Serve `folder`; None, or a folder without `index.html` yet, gives the page that says what to do."""
        self._folder = folder
        self._files = None if folder is None else FileStore(folder, MEDIA_TYPES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request for a path that no other route has taken."""
        relative = scope["path"].removeprefix("/")
        if relative == "":
            if self._folder is None or self._files is None or not (self._folder / "index.html").is_file():
                page = HTMLResponse(_NOT_BUILT, HTTPStatus.SERVICE_UNAVAILABLE, {"cache-control": "no-store"})
                await page(scope, receive, send)
                return
            await self._files.respond("index.html", scope, send, REVALIDATE)
        elif relative == "favicon.ico":
            await self._icon(scope, receive, send)
        elif self._files is None or not needs_no_decoding(scope):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        else:
            cache_control = IMMUTABLE if _HASHED.fullmatch(relative) else REVALIDATE
            await self._files.respond(relative, scope, send, cache_control)

    async def _icon(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer browsers that ask for an icon before they have read the page: the viewer's, or none."""
        if self._folder is not None and self._files is not None:
            for name in ("favicon.ico", "favicon.svg"):
                if (self._folder / name).is_file():
                    await self._files.respond(name, scope, send, "public, max-age=86400")
                    return
        await Response(status_code=HTTPStatus.NO_CONTENT)(scope, receive, send)
