"""The sender: looks for what is due, sends it, and notes what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from sensor_overlay.instants import now as present
from sensor_overlay.rules.rule import Recipient
from sensor_overlay.store.errors import StoreError, StoreUnavailableError
from sensor_overlay.store.opening import Store
from sensor_overlay.telling.bundle import Bundle, Channel, Fate, Outcome
from sensor_overlay.telling.mail import Mail
from sensor_overlay.telling.outbox import PAUSE, claim, due, last_sent, note
from sensor_overlay.telling.webhook import Address, Webhook
from zwilling.sensor_settings import SensorSettings, secret

LOOK_SECONDS: Final = 2.0
AT_ONCE: Final = 8
"""Bundles that are sent at the same time; when the process is killed, no more than these can come a second time."""

logger = logging.getLogger(__name__)


class Sender:
    """Sends what is to be told by one channel; several processes may do so on one store.

    Args:
        store: the database.
        recipients: of the settings.
        name: of the channel, as messages have it.
        channel: the way itself.
        clock: tells the instant.
    """

    def __init__(
        self,
        store: Store,
        recipients: Mapping[str, Recipient],
        name: str,
        channel: Channel,
        *,
        clock: Callable[[], int] = present,
    ) -> None:
        self._store = store
        self._recipients = recipients
        self._name = name
        self._channel = channel
        self._clock = clock
        self._sent: dict[str, int] | None = None
        self._unnoted: list[tuple[Bundle, Outcome]] = []

    async def once(self) -> int:
        """Send what is due now, `AT_ONCE` bundles at most, and return how many were tried.

        Raises:
            StoreUnavailableError: the database is away; what was sent is noted when it is back.
        """
        for bundle, outcome in tuple(self._unnoted):
            await self._note(bundle, outcome)
        now = self._clock()
        async with self._store.reading() as connection:
            if self._sent is None:
                self._sent = await last_sent(connection, self._name, now - PAUSE)
            if not await due(connection, self._name, self._recipients, self._sent, now):
                return 0
        async with self._store.writing(now) as commit:
            found = (await due(commit.connection, self._name, self._recipients, self._sent, now)).first(AT_ONCE)
            await claim(commit, found)
        done = await asyncio.gather(*map(self._send, found.bundles), return_exceptions=True)
        for failure in done:
            if isinstance(failure, BaseException):
                raise failure
        return len(found.bundles)

    async def run(self) -> None:
        """Look every two seconds, until cancelled; a database that is away is tried again."""
        while True:
            try:
                while await self.once():
                    pass
            except (StoreError, StoreUnavailableError) as error:
                logger.warning("messages: %s", error)
            except Exception:  # nobody would be told anything any more
                logger.exception("messages: fault in the program")
            await asyncio.sleep(LOOK_SECONDS)

    async def _send(self, bundle: Bundle) -> None:
        try:
            outcome = await self._channel.send(bundle)
        except Exception as error:  # a fault of ours may not keep the others from being told
            logger.exception("a message could not be sent")
            outcome = Outcome(Fate.FAILED, f"fault in the program ({type(error).__name__})")
        if outcome.fate is not Fate.SENT:
            logger.warning("%s to %s: %s (attempt %d)", self._name, bundle.recipient, outcome.reason, bundle.attempt)
        self._unnoted.append((bundle, outcome))
        await self._note(bundle, outcome)

    async def _note(self, bundle: Bundle, outcome: Outcome) -> None:
        """Write what became of a bundle, at once and by itself: the less lies between the two, the better."""
        async with self._store.writing(self._clock()) as commit:
            await note(commit, bundle, outcome)
        self._unnoted.remove((bundle, outcome))
        if outcome.fate is Fate.SENT and self._sent is not None:
            self._sent[bundle.recipient] = self._clock()


def senders_of(
    store: Store, settings: SensorSettings, recipients: Mapping[str, Recipient], base: Path, title: str
) -> tuple[Sender, ...]:
    """Return a sender for each channel, so that a mail server that hangs keeps no webhook waiting.

    Args:
        store: the database.
        settings: `[sensors]`.
        recipients: see `sensor_overlay.rules.rule.Rules`.
        base: folder of `zwilling.toml`.
        title: of the twin.

    Raises:
        SettingsError: a password or secret cannot be found.
    """
    password = secret(settings.mail.password, base, where="sensors.mail.password")
    addresses = {recipient.id: recipient.mail for recipient in settings.recipient if recipient.mail}
    hooks = {
        recipient.id: Address(
            recipient.webhook, secret(recipient.secret, base, where=f"sensors.recipient '{recipient.id}'.secret")
        )
        for recipient in settings.recipient
        if recipient.webhook
    }
    return (
        Sender(store, recipients, "mail", Mail(settings.mail, password, addresses, title)),
        Sender(store, recipients, "webhook", Webhook(hooks, title)),
    )
