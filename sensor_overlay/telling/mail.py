"""E-mail by SMTP (RFC 5321): UTF-8, TLS, and a Message-ID that stays the same when it must be sent again."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Final

import aiosmtplib

from sensor_overlay.telling.bundle import Bundle, Fate, Outcome
from sensor_overlay.telling.digest import body_of, one_line, subject_of
from zwilling.sensor_settings import MailSettings

TIMEOUT_SECONDS: Final = 20.0
"""For each answer of the server."""
WHOLE_SECONDS: Final = 60.0
"""For all of it; shorter than a claim."""
GOODBYE_SECONDS: Final = 5.0


class _Connection(aiosmtplib.SMTP):
    """A connection that its other side cannot keep half closed, as TLS lets it for half a minute.

    A refused login ends within `connect`, which closes and forgets the transport: so it is aborted here.
    """

    def close(self) -> None:
        transport = self.transport
        super().close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()


class Mail:
    """Sends bundles as e-mail.

    Args:
        settings: the server.
        password: of its user; empty for none.
        addresses: by recipient.
        title: of the twin, below each text.
        tls: what certificates are checked against; None for the system's.
    """

    def __init__(
        self,
        settings: MailSettings,
        password: str,
        addresses: Mapping[str, str],
        title: str,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings
        self._password = password
        self._addresses = addresses
        self._title = title
        self._tls = tls

    async def send(self, bundle: Bundle) -> Outcome:
        """Send a bundle; see `Channel`."""
        address = self._addresses.get(bundle.recipient)
        if address is None:
            return Outcome(Fate.REFUSED, "the settings name no address")
        try:
            await self._deliver(self.message(bundle, address), address)
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refusal.code for refusal in error.recipients]
            reason = "; ".join(f"{refusal.code} {one_line(refusal.message)}" for refusal in error.recipients)
            is_final = all(500 <= code < 600 for code in codes)
            return Outcome(Fate.REFUSED if is_final else Fate.FAILED, f"the server refuses the recipient: {reason}")
        except aiosmtplib.SMTPResponseException as error:
            return Outcome(Fate.FAILED, f"the server answers {error.code} {one_line(error.message)}")
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            return Outcome(Fate.FAILED, one_line(f"{type(error).__name__}: {error}"))
        return Outcome(Fate.SENT)

    async def _deliver(self, message: EmailMessage, address: str) -> None:
        settings = self._settings
        client = _Connection(
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=self._password or None,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            timeout=TIMEOUT_SECONDS,
            tls_context=self._tls,
        )
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                await client.connect()
                await client.send_message(message, sender=settings.sender, recipients=[address])
            # It is taken: whatever happens now, it is not sent again.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await client.quit()
        finally:
            client.close()
            await asyncio.sleep(0)  # now the event loop has closed what was aborted

    def message(self, bundle: Bundle, address: str) -> EmailMessage:
        """Return the e-mail, the same at each attempt save for its date."""
        message = EmailMessage(policy=SMTP)
        message["From"] = self._settings.sender
        message["To"] = address
        message["Subject"] = subject_of(bundle)
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = f"<{bundle.identity}.{bundle.recipient}@{self._settings.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
        message["X-Auto-Response-Suppress"] = "All"
        message.set_content(body_of(bundle, self._title), charset="utf-8", cte="quoted-printable")
        return message
