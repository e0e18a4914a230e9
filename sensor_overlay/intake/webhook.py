"""What network servers bring by HTTP: who may, and when they are told that it is kept.  No HTTP in here."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Iterable, Mapping

from sensor_overlay import instants
from sensor_overlay.intake.delivery import WEBHOOK, Delivery
from sensor_overlay.intake.pipeline import Pipeline

PATIENCE = 0.9
"""Seconds until a caller is told to come back; network servers give up after a few."""


class Secrets:
    """What callers of webhooks have to show."""

    def __init__(self, secrets: Mapping[str, Iterable[str]]) -> None:
        """Keep them.

        Args:
            secrets: by network; several while one is changed.
        """
        self._digests = {network: [_digest(secret) for secret in known] for network, known in secrets.items()}

    def admit(self, network: str, authorization: str, own: str) -> bool:
        """Return whether a caller shows a secret of this webhook; how long it takes tells nothing of it.

        Args:
            network: whose webhook is called.
            authorization: header `Authorization`: `Bearer …`.
            own: header `X-Zwilling-Secret`.
        """
        scheme, _, token = authorization.partition(" ")
        shown = [_digest(token.strip()) if scheme.lower() == "bearer" else b"", _digest(own)]
        found = False
        for known in self._digests.get(network, ()):
            for digest in shown:
                found |= hmac.compare_digest(known, digest)
        return found


async def keep(pipeline: Pipeline, network: str, body: bytes, event: str = "", *, patience: float = PATIENCE) -> bool:
    """Take a message; return whether it is kept for good, or False where the caller should bring it again.

    What waits for the database when the caller is sent away is still stored when the database comes back, and
    recognised where the message comes again: not every network server tries twice.

    Args:
        pipeline: where it goes.
        network: `chirpstack` or `tts`.
        body: of the request.
        event: kind of message that the address names.
        patience: see `PATIENCE`.
    """
    if pipeline.is_full:
        return False
    kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle() -> None:
        if not kept.done():
            kept.set_result(None)

    pipeline.put(Delivery(WEBHOOK, network, None, body, instants.now(), settle, event))
    if not pipeline.is_storing:
        return False
    done, _ = await asyncio.wait([kept], timeout=patience)
    return bool(done)


def _digest(secret: str) -> bytes:
    """Return what secrets are compared by: as long for every secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
