"""What network servers bring by HTTP: who may, and when they are told that it is kept.  No HTTP in here."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping

from sensor_overlay import instants
from sensor_overlay.intake.delivery import WEBHOOK, Delivery
from sensor_overlay.intake.pipeline import Pipeline

PATIENCE = 0.9
"""Seconds until a caller is told to come back; network servers give up after a few."""


class Webhooks:
    """The webhooks of a twin."""

    def __init__(
        self,
        secrets: Mapping[str, Iterable[str]],
        pipeline: Pipeline,
        *,
        patience: float = PATIENCE,
        now: Callable[[], int] = instants.now,
    ) -> None:
        """Make them.

        Args:
            secrets: that callers may show, by network.
            pipeline: where messages go.
            patience: see `PATIENCE`.
            now: the clock.
        """
        self._digests = {network: [_digest(secret) for secret in known] for network, known in secrets.items()}
        self._pipeline = pipeline
        self._patience = patience
        self._now = now

    def exists(self, network: str) -> bool:
        """Return whether there is a webhook for this network server."""
        return network in self._digests

    def admits(self, network: str, authorization: str, own: str) -> bool:
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

    async def keep(self, network: str, body: bytes, event: str = "") -> bool:
        """Take a message; return whether it is kept for good, or False where the caller should bring it again.

        What waits for the database when the caller is sent away is still stored if the database comes back, and
        recognised if the message comes again.
        """
        if self._pipeline.is_full:
            return False
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def settle() -> None:
            if not kept.done():
                kept.set_result(None)

        self._pipeline.put(Delivery(WEBHOOK, network, None, body, self._now(), settle, event))
        if not self._pipeline.is_storing:
            return False
        done, _ = await asyncio.wait([kept], timeout=self._patience)
        return bool(done)


def _digest(secret: str) -> bytes:
    """Return what secrets are compared by: as long for every secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
