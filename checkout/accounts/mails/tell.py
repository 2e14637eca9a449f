"""Answer who gave an address: by mail alone, so that only its reader learns whether it has an account."""

import uuid
from collections.abc import Callable
from html import escape
from typing import Any

from checkout.accounts.mails.store import AccountMailStore
from checkout.notifications.confirm import Sender
from checkout.notifications.smtp import Mail, MailUnsent
from checkout.outbox.model import Later, Row

LinkOf = Callable[[str, uuid.UUID], str]
"""The link that finishes a request: of its kind, by its id."""


async def tell_account(
    row: Row, *, store: AccountMailStore, sender: Sender, shop_name: str, link_of: LinkOf
) -> None:
    """Sends the mail once in effect, or none where there is nothing to say. Raises: Later, MailRefused. Retry: always."""
    asked = await store.request(row.subject_id)
    if asked is None or asked["is_told"] or asked["is_over"]:
        await store.finish(row.id)
        return
    mail = compose_answer(asked, shop_name=shop_name, link_of=link_of)
    if mail is not None:
        try:
            await sender.send(mail)
        except MailUnsent as error:
            raise Later(str(error)) from error
    # A request that no link was sent for can never be finished: it goes.
    await store.told(asked["id"], row.id, keep=mail is not None and _has_link(asked))


def _has_link(asked: Any) -> bool:
    return asked["kind"] in ("registration", "password_reset") and (
        asked["has_account"] == (asked["kind"] == "password_reset")
    )


def compose_answer(asked: Any, *, shop_name: str, link_of: LinkOf) -> Mail | None:
    """What the address's reader is told; None: nothing. A stranger's address is not written to for a reset."""
    kind, link = asked["kind"], ""
    if _has_link(asked):
        link = link_of(kind, asked["id"])
    if kind == "registration" and not asked["has_account"]:
        subject = f"Your account at {shop_name}"
        before = "Somebody, probably you, registered with this address. Open this link to finish; it works once, for a day."
        after = "If it was not you, do nothing: then there is no account."
    elif kind == "registration":
        subject = f"You have an account at {shop_name}"
        before = "Somebody, probably you, registered with this address, which has an account already. Sign in with it."
        after = "If you forgot the password, ask for a new one on the sign-in page. If it was not you, do nothing."
    elif kind == "password_reset" and asked["has_account"]:
        subject = f"A new password for {shop_name}"
        before = "Open this link to set a new password; it works once, for half an hour. You will be signed out everywhere."
        after = "If it was not you who asked, do nothing: the password stays as it is."
    elif kind == "password_changed" and asked["has_account"]:
        subject = f"Your password at {shop_name} was changed"
        before = "The password of your account was changed just now, and other sessions were signed out."
        after = "If it was not you, ask for a new password at once: that ends every session."
    else:
        return None
    parts = [before, *([link] if link else []), after]
    return Mail(
        key=f"{asked['id']}:{kind}",
        to=asked["email"],
        subject=subject,
        text="\n\n".join([*parts, shop_name]),
        html=_html(parts, link, shop_name),
    )


def _html(parts: list[str], link: str, shop_name: str) -> str:
    paragraphs = "".join(
        f'<p><a href="{escape(part)}">{escape(part)}</a></p>' if part == link else f"<p>{escape(part)}</p>"
        for part in parts
    )
    return (
        '<!doctype html><html><body style="font-family:sans-serif;max-width:36em;margin:auto">'
        f"<h1>{escape(shop_name)}</h1>{paragraphs}</body></html>"
    )
