"""Webhooks: JSON by HTTPS, signed, to addresses that the settings name."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from sensor_overlay.instants import SECOND, text
from sensor_overlay.instants import now as present
from sensor_overlay.telling.bundle import Bundle, Fate, Line, Outcome
from zwilling.sensor_checks import is_loopback

TIMEOUT_SECONDS: Final = 10.0
"""For all of it, however it comes: an address that answers byte by byte may not outlast a claim."""
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Address:
    """Where a recipient's messages go.

    Attributes:
        url: `https://…`, or `http://…` on this machine.
        secret: signs them; empty for none.
    """

    url: str
    secret: str = ""


class Webhook:
    """Sends bundles as JSON.

    Args:
        addresses: by recipient.
        title: of the twin.
    """

    def __init__(self, addresses: Mapping[str, Address], title: str) -> None:
        self._addresses = addresses
        self._title = title

    async def send(self, bundle: Bundle) -> Outcome:
        """Send a bundle; see `Channel`."""
        address = self._addresses.get(bundle.recipient)
        if address is None:
            return Outcome(Fate.REFUSED, "the settings name no address")
        content = msgspec.json.encode(document(bundle, self._title))
        headers = signed(content, address.secret, present()) | {
            "Content-Type": "application/json",
            "User-Agent": "Zwilling",
            "X-Zwilling-Delivery": bundle.identity,
        }
        # A proxy of the environment is for the way out, not for this machine.
        is_here = is_loopback(urlsplit(address.url).hostname or "")
        status: int | None = None
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                httpx.AsyncClient(timeout=None, follow_redirects=False, trust_env=not is_here) as client,  # noqa: S113 - all of it has one
                client.stream("POST", address.url, content=content, headers=headers) as response,
            ):
                status = response.status_code  # what else it says is not read: it may be without end
        except TimeoutError:
            if status is None:  # else it is answered, and only saying goodbye took long
                return Outcome(Fate.FAILED, f"no answer within {TIMEOUT_SECONDS:g} seconds")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            if status is None:
                return Outcome(Fate.FAILED, f"{type(error).__name__}: {error}".rstrip(": "))
        if 200 <= status < 300:
            return Outcome(Fate.SENT)
        if status == _GONE:
            return Outcome(Fate.REFUSED, "the address answers 410: it is gone for good")
        more = ", and redirects are not followed" if 300 <= status < 400 else ""
        return Outcome(Fate.FAILED, f"the address answers {status}{more}")


def document(bundle: Bundle, title: str) -> dict[str, Any]:
    """Return what is sent; the same at each attempt."""
    return {"id": bundle.identity, "twin": title, "messages": [_message(line) for line in bundle.lines]}


def _message(line: Line) -> dict[str, Any]:
    return {
        "event": line.event.partition("-")[0],
        "text": line.text,
        "alert": {
            "id": str(line.alert_id),
            "rule": line.rule,
            "kind": line.kind,
            "level": line.level,
            "rank": line.rank,
            "opened": text(line.opened),
        },
        "thing": {
            "key": line.thing_key,
            "name": line.thing_name,
            "site": line.site,
            "site_name": line.site_name,
            "room": line.room,
        },
    }


def signed(content: bytes, secret: str, now: int) -> dict[str, str]:
    """Return the headers that prove where `content` comes from, and when it was sent; none without a secret.

    The signature is HMAC-SHA256 over the time, a point, and the body as it is sent, so that an old message cannot be
    sent again by somebody else.

    Example:
        >>> signed(b"{}", "geheim", 1_000_000)["X-Zwilling-Timestamp"]
        '1'
    """
    if not secret:
        return {}
    time = str(now // SECOND)
    digest = hmac.new(secret.encode(), time.encode() + b"." + content, hashlib.sha256).hexdigest()
    return {"X-Zwilling-Timestamp": time, "X-Zwilling-Signature": f"sha256={digest}"}
