"""A mail server that keeps everything and sends nothing on."""

import asyncio
import time
from email import message_from_bytes, policy
from email.errors import MessageError

from aiosmtpd.smtp import SMTP, Envelope, Session

from checkout.sandbox.faults import Faults
from checkout.sandbox.store import Store

_MAIL_MAX_BYTES = 10 * 1024 * 1024


class MailSink:
    """aiosmtpd on this loop; mails go to the store."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store, self._faults = store, faults
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, port: int) -> None:
        """Listen on loopback; port 0 takes a free one. Raises: OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="sandbox.localhost", data_size_limit=_MAIL_MAX_BYTES, loop=loop),
            "127.0.0.1",
            port,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the mail, or fail as the knobs say; the mail is on file before it is taken."""
        await self._faults.delay("smtp.message")
        fault = self._faults.take("smtp.message")
        if fault in ("error", "rate_limit", "reset_before"):
            return "451 4.3.0 The sandbox was told to be busy"
        raw = envelope.original_content or b""
        try:
            message = message_from_bytes(raw, policy=policy.default)
            subject, message_id = str(message["Subject"] or ""), str(message["Message-ID"] or "")
        except (MessageError, ValueError, IndexError):
            return "554 5.6.0 The message cannot be read"
        self._store.put_mail(
            sender=envelope.mail_from or "",
            recipients=", ".join(envelope.rcpt_tos),
            subject=subject,
            message_id=message_id,
            raw=raw,
            received_at=time.time(),
        )
        await self._store.committed()
        if fault in ("reset_after", "black_hole") and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        return "451 4.3.0 Broke after taking it" if fault == "error_after" else "250 OK"
