"""Tell the shopper that the order is paid: text and HTML, with the lines and a link to follow it."""

from collections.abc import Callable
from html import escape
from typing import Any, Protocol

import orjson

from checkout.invoices.model import money_text
from checkout.notifications.smtp import Mail, MailUnsent
from checkout.notifications.store import NotificationStore, Sent
from checkout.outbox.model import Later, Row

KIND = "order.confirm"


class Sender(Protocol):
    """Hands a mail over; gives its Message-ID. Raises: MailRefused, MailUnsent."""

    async def send(self, mail: Mail) -> str: ...


async def confirm(
    row: Row, *, store: NotificationStore, sender: Sender, shop_name: str, link_of: Callable[[Any], str]
) -> None:
    """Sends the confirmation once in effect: a mail that is sent again keeps its Message-ID, and inboxes fold the two.

    Raises: Later, MailRefused. Retry: always.
    """
    order = await store.order(row.subject_id, KIND)
    if order is None or order["is_sent"] or order["paid_at"] is None:
        await store.finish(row.id)
        return
    try:
        message_id = await sender.send(compose(order, shop_name=shop_name, link=link_of(order["id"])))
    except MailUnsent as error:
        raise Later(str(error)) from error
    await store.sent(Sent(order["id"], KIND, message_id, row.id))


def compose(order: Any, *, shop_name: str, link: str) -> Mail:
    """The confirmation of this order."""
    document, currency = orjson.loads(order["document"]), order["currency"]
    to = document.get("shipping_address") or {}
    lines = [
        (
            f"{line['quantity']} x {line['title']}",
            money_text(line["unit_price"] * line["quantity"] - line["discount"], currency),
        )
        for line in document["lines"]
    ]
    sums = [("Subtotal", order["subtotal_minor"])]
    if order["discount_minor"]:
        sums.append(("Discount", -order["discount_minor"]))
    sums.append(("Shipping", order["shipping_minor"]))
    if order["tax_minor"]:
        sums.append(("Tax", order["tax_minor"]))
    sums.append(("Total", order["total_minor"]))
    totals = [(name, money_text(minor, currency)) for name, minor in sums]
    note = (
        f"The total contains {money_text(document['tax_included'], currency)} tax."
        if document["tax_included"]
        else ""
    )
    place = [
        str(to[name]) for name in ("name", "line1", "line2", "postal_code", "city", "country") if to.get(name)
    ]
    return Mail(
        key=f"{order['id']}:confirmation",
        to=order["email"],
        subject=f"Your order {order['number']} at {shop_name}",
        text=_text(order, shop_name, link, lines, totals, note, place),
        html=_html(order, shop_name, link, lines, totals, note, place),
    )


Pairs = list[tuple[str, str]]


def _text(
    order: Any, shop_name: str, link: str, lines: Pairs, totals: Pairs, note: str, place: list[str]
) -> str:
    parts = [f"Thank you for your order {order['number']}. It is paid and on its way to being shipped.", ""]
    parts += [f"  {name}  {amount}" for name, amount in lines]
    parts.append("")
    parts += [f"  {name}: {amount}" for name, amount in totals]
    if note:
        parts += ["", note]
    if place:
        parts += ["", "It goes to:", *(f"  {part}" for part in place)]
    parts += ["", "Follow it here:", link, "", shop_name]
    return "\n".join(parts)


def _html(
    order: Any, shop_name: str, link: str, lines: Pairs, totals: Pairs, note: str, place: list[str]
) -> str:
    cell = '<td style="padding:4px 0;text-align:right">'
    rows = "".join(f"<tr><td>{escape(name)}</td>{cell}{escape(amount)}</td></tr>" for name, amount in lines)
    sums = "".join(
        f"<tr><td><b>{escape(name)}</b></td>{cell}<b>{escape(amount)}</b></td></tr>"
        for name, amount in totals
    )
    where = f"<p>It goes to:<br>{'<br>'.join(escape(part) for part in place)}</p>" if place else ""
    return (
        '<!doctype html><html><body style="font-family:sans-serif;max-width:36em;margin:auto">'
        f"<h1>{escape(shop_name)}</h1><p>Thank you for your order <b>{order['number']}</b>. "
        "It is paid and on its way to being shipped.</p>"
        f'<table style="width:100%;border-collapse:collapse">{rows}<tr><td colspan="2"><hr></td></tr>{sums}</table>'
        f'<p>{escape(note)}</p>{where}<p><a href="{escape(link)}">Follow your order</a></p></body></html>'
    )
