"""The order as JSON: what is stored when it is placed, and what its reader gets."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import orjson

from checkout.kit.db import Record
from checkout.orders.request import Address
from checkout.quoting.model import Quote, Totals

Document = dict[str, Any]


def stored_document(quote: Quote, shipping: Address | None, billing: Address | None) -> Document:
    """What an order keeps of its quote: never changed afterwards, whatever becomes of the catalogue."""
    return {
        "lines": [
            {
                "sku": line.offer.sku,
                "title": line.offer.title,
                "quantity": line.quantity,
                "unit_price": line.offer.unit_minor,
                "subtotal": line.subtotal_minor,
                "discount": line.discount_minor,
                "tax": line.tax_minor,
                "total": line.subtotal_minor
                - line.discount_minor
                + (0 if line.rule is None or line.rule.inclusive else line.tax_minor),
                "product_id": line.offer.product_id,
            }
            for line in quote.lines
        ],
        "shipping_address": msgspec.to_builtins(shipping) if shipping else None,
        "billing_address": msgspec.to_builtins(billing) if billing else None,
        "shipping_option": (
            {
                "code": quote.shipping.code,
                "title": quote.shipping.title,
                "amount": quote.shipping.amount_minor,
            }
            if quote.shipping
            else None
        ),
        "coupons": [
            {"code": effect.code, "discount": effect.discount_minor}
            for effect in quote.coupons
            if effect.applied
        ],
        "taxes": [
            {
                "name": tax.name,
                "rate_bp": tax.rate_bp,
                "base": tax.base_minor,
                "amount": tax.amount_minor,
                "included": tax.included,
            }
            for tax in quote.taxes
        ],
        "tax_included": quote.totals.tax_included_minor,
        "requires_shipping": quote.requires_shipping,
        "weight_g": quote.weight_g,
    }


def totals_document(totals: Totals) -> Document:
    """The sums as api.md names them, plus the tax that the prices already contain."""
    return {
        "subtotal": totals.subtotal_minor,
        "discount": totals.discount_minor,
        "shipping": totals.shipping_minor,
        "tax": totals.tax_minor,
        "total": totals.total_minor,
        "tax_included": totals.tax_included_minor,
    }


def placed_head(
    *,
    order_id: uuid.UUID,
    number: int,
    currency: str,
    totals: Document,
    provider: str,
    method: str,
    placed_at: datetime,
    payment_deadline: datetime,
) -> Document:
    """An order at the moment of its placing, but for what is stored with it: the first half of its JSON."""
    return {
        "id": str(order_id),
        "number": str(number),
        "status": "placed",
        "currency": currency,
        "totals": totals,
        "payment": {"status": "pending", "provider": provider, "method": method, "amount": totals["total"]},
        "shipments": [],
        "timeline": [{"seq": 1, "status": "placed", "at": placed_at}],
        "placed_at": placed_at,
        "payment_deadline": payment_deadline,
        "invoice": None,
    }


def placed_body(head: Document, stored: bytes, access_token: str) -> bytes:
    """The 201: `{"order": …, "access_token": …}`; the stored document is put in as the bytes that it is."""
    return b'{"order":%b,%b,"access_token":"%b"}' % (
        orjson.dumps(head, option=orjson.OPT_UTC_Z)[:-1],
        stored[1:],
        access_token.encode(),
    )


def head_of(row: Record) -> Document:
    """`placed_head` again, from the order's immutable columns."""
    return placed_head(
        order_id=row["id"],
        number=row["number"],
        currency=row["currency"],
        totals={
            "subtotal": row["subtotal_minor"],
            "discount": row["discount_minor"],
            "shipping": row["shipping_minor"],
            "tax": row["tax_minor"],
            "total": row["total_minor"],
            "tax_included": orjson.loads(row["document"])["tax_included"],
        },
        provider=row["payment_provider"],
        method=row["payment_method"],
        placed_at=row["placed_at"],
        payment_deadline=row["payment_deadline"],
    )


def order_document(
    row: Record,
    payments: Sequence[Record],
    shipments: Iterable[Record],
    events: Iterable[Record],
    invoice: Record | None,
) -> Document:
    """The order as it stands now."""
    document: Document = head_of(row) | orjson.loads(row["document"])
    document["status"] = row["status"]
    if payments:
        document["payment"] = _payment(payments[-1], document["payment"])
    document["shipments"] = [
        {
            "id": str(shipment["id"]),
            "carrier": shipment["carrier"],
            "tracking_number": shipment["tracking_number"],
            "status": shipment["status"],
            "booked_at": shipment["booked_at"],
        }
        for shipment in shipments
    ]
    document["timeline"] += [event_document(event) for event in events]
    if invoice is not None:
        document["invoice"] = {
            "number": f"{invoice['series']}-{invoice['number']:06d}",
            "issued_at": invoice["issued_at"],
        }
    return document


def event_document(event: Record) -> Document:
    """One timeline entry."""
    entry: Document = {"seq": event["seq"], "status": event["status"], "at": event["at"]}
    if event["detail"]:
        entry["detail"] = orjson.loads(event["detail"])
    return entry


def _payment(payment: Record, first: Mapping[str, Any]) -> Document:
    document: Document = {
        "status": payment["status"],
        "provider": payment["provider"],
        "method": payment["method"],
        "amount": first["amount"],
        "attempt": payment["attempt"],
    }
    for name in ("client_secret", "action_url", "decline_code"):
        if payment[name] is not None:
            document[name] = payment[name]
    if payment["refunded_minor"]:
        document["refunded"] = payment["refunded_minor"]
    return document
