"""The mail sink keeps what comes, and shows it to a person."""

import asyncio

import aiohttp
import pytest

from checkout.notifications.smtp import Attachment, Mail, MailRefused, MailUnsent, SmtpSender
from checkout.sandbox.app import Running


def mail(**changes: object) -> Mail:
    fields: dict[str, object] = {
        "key": "order-1:confirmation",
        "to": "ada@example.com",
        "to_name": "Ada Lövelace",
        "subject": "Your order € 12.50",
        "text": "Thank you!\n",
        "html": "<p>Thank <b>you</b>!</p>",
        "attachments": (
            Attachment(filename="invoice.pdf", content_type="application/pdf", content=b"%PDF-1.4 x"),
        ),
    }
    return Mail(**{**fields, **changes})


@pytest.fixture
async def sender(sandbox: Running):
    sender = SmtpSender(
        host="127.0.0.1", port=sandbox.smtp_port, mail_from="Shop <shop@example.com>", timeout_s=2
    )
    yield sender
    await sender.close()


async def test_a_mail_arrives_whole_and_can_be_read(sender: SmtpSender, http: aiohttp.ClientSession) -> None:
    """If this fails, confirmations are lost or unreadable in the sink."""
    message_id = await sender.send(mail())
    async with http.get("/_sandbox/mails?text") as answer:
        (item,) = (await answer.json())["items"]
    assert (item["from"], item["to"], item["subject"]) == (
        "shop@example.com",
        ["ada@example.com"],
        "Your order € 12.50",
    )
    assert item["message_id"] == message_id
    assert item["text"].strip() == "Thank you!"
    async with http.get(f"/_sandbox/mails/{item['id']}") as page:
        assert "Thank &lt;b&gt;you" in await page.text()
    async with http.get(f"/_sandbox/mails/{item['id']}/attachments/0") as file:
        assert (file.content_type, await file.read()) == ("application/pdf", b"%PDF-1.4 x")
    async with http.get("/") as page:
        assert "Your order € 12.50" in await page.text()


async def test_a_repeated_mail_keeps_its_message_id(sender: SmtpSender, sandbox: Running) -> None:
    """If this fails, a mail that is sent again after a crash looks like a second mail."""
    assert await sender.send(mail()) == await sender.send(mail())
    assert len({row["message_id"] for row in sandbox.store.mails(10)}) == 1
    assert await sender.send(mail(key="order-2:confirmation")) != await sender.send(mail())


@pytest.mark.parametrize(
    "bad",
    [
        {"to": "ada@example.com\r\nBcc: all@example.com"},
        {"subject": "Hello\nBcc: all@example.com"},
        {"to_name": "Ada\r\nX: y"},
        {"reply_to": "a@b.c\n"},
        {"to": "not an address"},
        {"to": ""},
    ],
)
async def test_headers_cannot_be_injected(
    sender: SmtpSender, sandbox: Running, bad: dict[str, object]
) -> None:
    """If this fails, a shopper's name sends mail to strangers."""
    with pytest.raises(MailRefused):
        await sender.send(mail(**bad))
    assert sandbox.store.counts()["mails"] == 0


async def test_a_busy_server_is_not_a_refusal(sender: SmtpSender, sandbox: Running) -> None:
    """If this fails, a mail is given up because the server was busy once."""
    sandbox.faults.turn({"faults": [{"operation": "smtp.message", "kind": "error"}]})
    with pytest.raises(MailUnsent):
        await sender.send(mail())
    await sender.send(mail())
    assert sandbox.store.counts()["mails"] == 1


async def test_a_lost_connection_is_opened_again(sender: SmtpSender, sandbox: Running) -> None:
    """If this fails, one idle connection that the server closed stops all mail."""
    await sender.send(mail(key="a"))
    sandbox.faults.turn({"faults": [{"operation": "smtp.message", "kind": "reset_after"}]})
    await sender.send(mail(key="b"))
    keys = [row["message_id"] for row in sandbox.store.mails(10)]
    assert len(keys) == 3
    assert len(set(keys)) == 2


async def test_no_server_is_unsent(sandbox: Running) -> None:
    """If this fails, a mail is thought sent while the server was down."""
    sender = SmtpSender(host="127.0.0.1", port=1, mail_from="shop@example.com", timeout_s=1)
    with pytest.raises(MailUnsent):
        await sender.send(mail())


async def test_many_mails_share_one_connection(sender: SmtpSender, sandbox: Running) -> None:
    """If this fails, a burst of confirmations opens a connection each, and the mail server refuses them."""
    await asyncio.gather(*(sender.send(mail(key=str(n), attachments=())) for n in range(50)))
    assert sandbox.store.counts()["mails"] == 50
