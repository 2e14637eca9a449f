"""A mail as the bytes of a MIME message, written directly: `email`'s own classes parse what they build, at 5 ms a mail.

Source: RFC 5322 (headers), 2045–2047 (MIME, encoded words), 2231 (file names), 3490 (domains beyond ASCII), 3834
"""

import base64
import binascii
import functools
import hashlib
import re
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime, parseaddr
from urllib.parse import quote

import msgspec

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", re.I)
_HEADER_CHARS = 76


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


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A mail ready to be sent. Shape: both addresses are ASCII."""

    message_id: str
    sender: str
    to: str
    content: bytes


def message_id(key: str, domain: str) -> str:
    """The Message-ID of a key: the same key gives the same id, and tells nobody what the key was."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def compose(mail: Mail, mail_from: str, at: datetime) -> Letter:
    """Builds the message.

    Raises: MailRefused when an address or the subject holds a line break or is not an address. Cost: 0.1 ms.
    """
    sender, sender_header = _sender(mail_from)
    for value in (mail.to, mail.to_name, mail.subject, mail.reply_to):
        _no_control(value)
    to = _plain_address(mail.to)
    name = message_id(mail.key, sender.rpartition("@")[2])
    headers = [
        f"From: {sender_header}",
        f"To: {_mailbox(mail.to_name, to, 'To')}",
        f"Subject: {_text(mail.subject, 'Subject')}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: {name}",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ]
    if mail.reply_to:
        headers.insert(2, f"Reply-To: {_plain_address(mail.reply_to)}")
    body = _text_part("plain", mail.text)
    if mail.html:
        body = _multipart("alternative", name, [body, _text_part("html", mail.html)])
    if mail.attachments:
        body = _multipart("mixed", name, [body, *(_attachment(file) for file in mail.attachments)])
    content = "\r\n".join(headers).encode() + b"\r\n" + body
    return Letter(message_id=name, sender=sender, to=to, content=content)


@functools.lru_cache(maxsize=16)
def _sender(mail_from: str) -> tuple[str, str]:
    """(address, From header) of the shop's own mailbox."""
    name, address = parseaddr(mail_from)
    _no_control(mail_from)
    address = _plain_address(address)
    return address, _mailbox(name, address, "From")


def _no_control(value: str) -> None:
    if _CONTROL.search(value):
        raise MailRefused("a header holds a control character")


def _plain_address(address: str) -> str:
    """The address, its domain as the DNS has it. Raises: MailRefused."""
    if _PLAIN_ADDRESS.fullmatch(address):
        return address
    try:
        parsed = Address(addr_spec=address)
        domain = parsed.domain if parsed.domain.startswith("[") else parsed.domain.encode("idna").decode()
        return Address(username=parsed.username, domain=domain).addr_spec
    except (ValueError, IndexError) as error:
        raise MailRefused("an address is malformed") from error


def _mailbox(name: str, address: str, header: str) -> str:
    if not name:
        return address
    if name.isascii() and len(name) <= _HEADER_CHARS:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>'
    return f"{_text(name, header)} <{address}>"


def _text(text: str, header: str) -> str:
    """A header's text: as it is when it is short and ASCII, else in encoded words, folded."""
    if text.isascii() and len(text) + len(header) + 2 <= _HEADER_CHARS and "=?" not in text:
        return text
    return Header(text, "utf-8", header_name=header).encode(linesep="\r\n")


def _text_part(subtype: str, text: str) -> bytes:
    """A part of text, with its headers. Shape: quoted-printable, which keeps lines short whatever the text's are."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    encoded = binascii.b2a_qp(plain, istext=True).replace(b"\n", b"\r\n")
    return (
        b'Content-Type: text/%s; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n%s\r\n'
        % (subtype.encode(), encoded)
    )


def _multipart(subtype: str, name: str, parts: list[bytes]) -> bytes:
    # "=_" comes in no quoted-printable and no base64 text, so the boundary cannot be in a part.
    boundary = f"=_{subtype[0]}{name[1:25]}".encode()
    joined = b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts)
    return b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n%s--%s--\r\n' % (
        subtype.encode(),
        boundary,
        joined,
        boundary,
    )


def _attachment(file: Attachment) -> bytes:
    if not _MEDIA_TYPE.fullmatch(file.content_type):
        raise MailRefused("an attachment's type is malformed")
    _no_control(file.filename)
    filename = (
        f'filename="{file.filename}"'
        if file.filename.isascii() and not set(file.filename) & set('"\\')
        else f"filename*=utf-8''{quote(file.filename, safe='')}"
    )
    return (
        f"Content-Type: {file.content_type}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment; {filename}\r\n\r\n"
    ).encode() + base64.encodebytes(file.content).replace(b"\n", b"\r\n")
