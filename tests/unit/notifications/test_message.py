"""A mail's bytes, read back by Python's own parser."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, cast

import pytest

from checkout.notifications.message import Attachment, Letter, Mail, MailRefused, compose

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def letter(**changes: Any) -> Letter:
    fields: dict[str, Any] = {
        "key": "order-1:confirmation",
        "to": "ada@example.com",
        "subject": "Your order",
        "text": "Thank you!\n",
    }
    return compose(Mail(**{**fields, **changes}), "Shop <shop@example.com>", AT)


def read(content: bytes) -> EmailMessage:
    """The mail as a strict reader of today's rules finds it; no line is longer than a server takes."""
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")
    message = email.message_from_bytes(content, policy=email.policy.default.clone(raise_on_defect=True))
    return cast(EmailMessage, message)


def test_a_whole_mail_is_read_back_as_it_was() -> None:
    """If this fails, a confirmation arrives without its words, its page or its attachment."""
    html, text = "<p>" + "Größe " * 400 + "</p>", "Zeile 1\n.\n..\nFrom here = 3\tx \nEnde"
    sent = letter(
        subject="Deine Bestellung № 7 über 12,50 € bei „Söhne & Co“, mit einem sehr langen Betreff dahinter",
        to_name='Ada "die" Löw',
        reply_to="help@example.com",
        text=text,
        html=html,
        attachments=(
            Attachment(
                filename="Rechnung №.pdf", content_type="application/pdf", content=bytes(range(256)) * 20
            ),
            Attachment(filename="plain.txt", content_type="text/plain", content=b"x"),
        ),
    )
    message = read(sent.content)
    assert message["Subject"].startswith("Deine Bestellung № 7 über 12,50 € bei „Söhne & Co“, mit einem")
    assert (message["To"].addresses[0].display_name, message["To"].addresses[0].addr_spec) == (
        'Ada "die" Löw',
        "ada@example.com",
    )
    assert message["From"].addresses[0].addr_spec == "shop@example.com"
    assert message["Reply-To"].addresses[0].addr_spec == "help@example.com"
    assert message["Date"].datetime == AT
    assert message["Message-ID"] == sent.message_id
    assert message["Auto-Submitted"] == "auto-generated"
    plain, page = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert plain.get_content().replace("\r\n", "\n").rstrip("\n") == text
    assert page.get_content().rstrip("\r\n") == html
    first, second = message.iter_attachments()
    assert (first.get_filename(), first.get_content()) == ("Rechnung №.pdf", bytes(range(256)) * 20)
    assert (second.get_filename(), second.get_content_type()) == ("plain.txt", "text/plain")


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "a@example.com\r\nBcc: x@example.com"},
        {"to": "a@example.com\nb"},
        {"to": "no address"},
        {"to": "two@example.com, more@example.com"},
        {"to": "a@example.com>"},
        {"to": ""},
        {"subject": "x\r\nBcc: x@example.com"},
        {"subject": "x\x00"},
        {"to_name": "x\nBcc: x@example.com"},
        {"reply_to": "x\r\ny@example.com"},
        {"attachments": (Attachment(filename="a\r\nb", content_type="text/plain", content=b""),)},
        {"attachments": (Attachment(filename="a", content_type="text/plain\r\nX: y", content=b""),)},
    ],
)
def test_what_could_write_headers_is_refused(changes: dict[str, Any]) -> None:
    """If this fails, whoever chooses an address or a name writes headers, or sends mails to others."""
    with pytest.raises(MailRefused):
        letter(**changes)


def test_text_that_looks_like_an_encoded_word_stays_text() -> None:
    """If this fails, a name is shown as something that it is not."""
    assert read(letter(subject="=?utf-8?q?hello?=").content)["Subject"] == "=?utf-8?q?hello?="


@pytest.mark.parametrize(
    ("to", "sent"),
    [
        ("ada@exämple.com", "ada@xn--exmple-cua.com"),
        ('"ada.@x"@example.com', '"ada.@x"@example.com'),
        ("ada@[192.0.2.1]", "ada@[192.0.2.1]"),
        ("a+b=c@sub.example.com", "a+b=c@sub.example.com"),
    ],
)
def test_unusual_addresses_are_sent_as_servers_take_them(to: str, sent: str) -> None:
    """If this fails, shoppers with an unusual address are told nothing."""
    assert letter(to=to).to == sent
    assert read(letter(to=to).content)["To"].addresses[0].addr_spec == sent


def test_a_key_keeps_its_message_id() -> None:
    """If this fails, a mail that is sent again looks like a second mail."""
    assert (
        letter().message_id
        == letter(text="other").message_id
        != letter(key="order-2:confirmation").message_id
    )
