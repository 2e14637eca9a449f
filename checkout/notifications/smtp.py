"""Mail over SMTP: a few connections, kept; a mail that is sent again keeps its Message-ID, so that inboxes fold it."""

import asyncio
from datetime import UTC, datetime

import aiosmtplib

from checkout.notifications.message import Attachment, Letter, Mail, MailRefused, compose, message_id
from config import limits

__all__ = ["Attachment", "Mail", "MailRefused", "MailUnsent", "SmtpSender", "message_id"]


class MailUnsent(Exception):
    """The mail server was not reached, was busy, or its answer was lost. Retry: the same mail, the same key."""


class SmtpSender:
    """Sends mails over a few connections, each opened when the others are busy, kept, and opened again when it was lost."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        mail_from: str,
        username: str = "",
        password: str = "",
        starttls: bool = False,
        timeout_s: float = limits.PROVIDER_TIMEOUT_S,
        connections: int = limits.SMTP_CONNECTIONS,
    ) -> None:
        self._host, self._port, self._mail_from = host, port, mail_from
        self._username, self._password, self._starttls = username, password, starttls
        self._timeout_s = timeout_s
        self._room = asyncio.Semaphore(connections)
        self._idle: list[aiosmtplib.SMTP] = []

    async def send(self, mail: Mail) -> str:
        """Hands one mail to the mail server; gives its Message-ID.

        Raises: MailRefused, MailUnsent. Retry: after MailUnsent, with the same key.
        Cost: one exchange of five answers on a kept connection; more mails than connections wait for each other.
        """
        letter = compose(mail, self._mail_from, datetime.now(UTC))
        async with self._room:
            try:
                await self._deliver(letter)
            except (aiosmtplib.SMTPServerDisconnected, ConnectionError):
                # The kept connection had gone (servers close idle ones), and others with it. Once more, on a fresh one:
                # should the first try have arrived after all, the inbox folds the two by Message-ID.
                self._drop_idle()
                await self._deliver_fresh(letter)
        return letter.message_id

    async def close(self) -> None:
        """Says goodbye to the mail server."""
        idle, self._idle = self._idle, []
        for client in idle:
            if client.is_connected:
                try:
                    await client.quit()
                except aiosmtplib.SMTPException:
                    client.close()

    async def _deliver_fresh(self, letter: Letter) -> None:
        try:
            await self._deliver(letter)
        except (aiosmtplib.SMTPServerDisconnected, ConnectionError) as error:
            raise MailUnsent(f"{type(error).__name__} from the mail server") from error

    async def _deliver(self, letter: Letter) -> None:
        client: aiosmtplib.SMTP | None = None
        kept = False
        try:
            client = await self._connected()
            await _hand_over(client, letter)
            kept = True
        except aiosmtplib.SMTPServerDisconnected:
            raise
        except aiosmtplib.SMTPResponseException as error:
            if 500 <= error.code < 600:
                kept = client is not None and await _is_reset(client)
                raise MailRefused(f"the mail server refused: {error}") from error
            raise MailUnsent(f"the mail server is busy: {error}") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            if isinstance(error, ConnectionError) and not isinstance(error, aiosmtplib.SMTPConnectError):
                raise
            raise MailUnsent(f"{type(error).__name__} from the mail server") from error
        finally:
            if client is not None:
                if kept and client.is_connected:
                    self._idle.append(client)
                else:
                    client.close()

    async def _connected(self) -> aiosmtplib.SMTP:
        while self._idle:
            client = self._idle.pop()
            if client.is_connected:
                return client
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            timeout=self._timeout_s,
            start_tls=self._starttls,
            username=self._username or None,
            password=self._password or None,
        )
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
        return client

    def _drop_idle(self) -> None:
        idle, self._idle = self._idle, []
        for client in idle:
            client.close()


async def _hand_over(client: aiosmtplib.SMTP, letter: Letter) -> None:
    """One mail transaction. The client's own `sendmail` parses each address twice more and the message once.

    Raises: aiosmtplib's errors; SMTPResponseException with the server's refusal.
    """
    for command in (
        (b"MAIL", b"FROM:<%s>" % letter.sender.encode()),
        (b"RCPT", b"TO:<%s>" % letter.to.encode()),
    ):
        answer = await client.execute_command(*command)
        if answer.code not in (aiosmtplib.SMTPStatus.completed, aiosmtplib.SMTPStatus.will_forward):
            raise aiosmtplib.SMTPResponseException(answer.code, answer.message)
    await client.data(letter.content)


async def _is_reset(client: aiosmtplib.SMTP) -> bool:
    """Whether the connection is ready for the next mail after one was refused."""
    try:
        await client.rset()
    except (aiosmtplib.SMTPException, OSError):
        return False
    return True
