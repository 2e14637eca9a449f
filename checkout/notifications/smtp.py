"""Mail over SMTP: one connection, reused; a mail that is sent again keeps its Message-ID, so that inboxes fold it."""

import asyncio
import hashlib
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import aiosmtplib
import msgspec

from config import limits


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file beside the text. Shape: `content_type` such as `application/pdf`."""

    filename: str
    content_type: str
    content: bytes


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail to one person. Shape: `key` is stable for one purpose (`order-id:confirmation`) and makes the
    Message-ID; `html` may be empty."""

    key: str
    to: str
    subject: str
    text: str
    html: str = ""
    to_name: str = ""
    reply_to: str = ""
    attachments: tuple[Attachment, ...] = ()


class MailRefused(Exception):
    """The mail server will never take this mail (bad address, 5xx). Sending it again is useless."""


class MailUnsent(Exception):
    """The mail server was not reached, was busy, or its answer was lost. Retry: the same mail, the same key."""


def message_id(key: str, domain: str) -> str:
    """The Message-ID of a key: the same key gives the same id, and tells nobody what the key was."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def compose(mail: Mail, mail_from: str, at: datetime) -> EmailMessage:
    """Build the message.

    Raises: MailRefused when an address or the subject holds a line break or is not an address.
    """
    name, sender = parseaddr(mail_from)
    for value in (mail.to, mail.to_name, mail.subject, mail.reply_to, name, sender):
        if any(ord(char) < 32 or ord(char) == 127 for char in value):
            raise MailRefused("a header holds a control character")
    message = EmailMessage()
    try:
        message["From"] = Address(name, addr_spec=sender)
        message["To"] = Address(mail.to_name, addr_spec=mail.to)
        if mail.reply_to:
            message["Reply-To"] = Address(addr_spec=mail.reply_to)
    except (ValueError, IndexError) as error:
        raise MailRefused("an address is malformed") from error
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id(mail.key, sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    for file in mail.attachments:
        maintype, _, subtype = file.content_type.partition("/")
        message.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=file.filename)
    return message


class SmtpSender:
    """Sends mails one after the other over one connection, opened at the first mail and again when it was lost."""

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
    ) -> None:
        self._host, self._port, self._mail_from = host, port, mail_from
        self._username, self._password, self._starttls = username, password, starttls
        self._timeout_s = timeout_s
        self._client: aiosmtplib.SMTP | None = None
        self._turn = asyncio.Lock()

    async def send(self, mail: Mail) -> str:
        """Hand one mail to the mail server; gives its Message-ID.

        Raises: MailRefused, MailUnsent. Retry: after MailUnsent, with the same key.
        Cost: one exchange on a kept connection; mails of one sender wait for each other.
        """
        message = compose(mail, self._mail_from, datetime.now(UTC))
        async with self._turn:
            try:
                await self._deliver(message)
            except (aiosmtplib.SMTPServerDisconnected, ConnectionError):
                # The kept connection had gone (servers close idle ones). Once more, on a fresh one: should the
                # first try have arrived after all, the inbox folds the two by Message-ID.
                self._drop()
                await self._deliver_fresh(message)
        return str(message["Message-ID"])

    async def close(self) -> None:
        """Say goodbye to the mail server."""
        async with self._turn:
            client, self._client = self._client, None
            if client is not None and client.is_connected:
                try:
                    await client.quit()
                except aiosmtplib.SMTPException:
                    client.close()

    async def _deliver_fresh(self, message: EmailMessage) -> None:
        try:
            await self._deliver(message)
        except (aiosmtplib.SMTPServerDisconnected, ConnectionError) as error:
            self._drop()
            raise MailUnsent(f"{type(error).__name__} from the mail server") from error

    async def _deliver(self, message: EmailMessage) -> None:
        try:
            client = await self._connected()
            await client.send_message(message)
        except aiosmtplib.SMTPServerDisconnected:
            raise
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
            if _for_good(error):
                raise MailRefused(f"the mail server refused: {error}") from error
            self._drop()
            raise MailUnsent(f"the mail server is busy: {error}") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            if isinstance(error, ConnectionError) and not isinstance(error, aiosmtplib.SMTPConnectError):
                raise
            self._drop()
            raise MailUnsent(f"{type(error).__name__} from the mail server") from error

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            timeout=self._timeout_s,
            start_tls=self._starttls,
            username=self._username or None,
            password=self._password or None,
        )
        await client.connect()
        self._client = client
        return client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _for_good(error: aiosmtplib.SMTPException) -> bool:
    """Whether sending again is useless: every answer is 5xx."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(500 <= refused.code < 600 for refused in error.recipients)
    return isinstance(error, aiosmtplib.SMTPResponseException) and 500 <= error.code < 600
