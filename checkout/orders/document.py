"""The order as JSON: what is stored when it is placed, and what its reader gets."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import orjson

from checkout.kit.db import Record
from checkout.orders.shape import (
    Head,
    OrderCoupon,
    OrderLine,
    OrderPayment,
    OrderShipping,
    Stored,
    TimelineEntry,
)
from checkout.orders.store import FollowUp
from checkout.quoting import shape
from checkout.quoting.model import Quote
from checkout.quoting.shape import tax_shares

Document = dict[str, Any]
_encode = msgspec.json.Encoder().encode


def stored_document(quote: Quote) -> bytes:
    """What an order keeps of its quote, as JSON. Cost: about 2 µs for two lines."""
    option = quote.shipping
    return _encode(
        Stored(
            [
                OrderLine(
                    line.offer.sku,
                    line.offer.title,
                    line.quantity,
                    line.offer.unit_minor,
                    line.subtotal_minor,
                    line.discount_minor,
                    line.tax_minor,
                    line.subtotal_minor
                    - line.discount_minor
                    + (0 if line.rule is None or line.rule.inclusive else line.tax_minor),
                    line.offer.product_id,
                )
                for line in quote.lines
            ],
            OrderShipping(option.code, option.title, option.amount_minor) if option else None,
            [OrderCoupon(effect.code, effect.discount_minor) for effect in quote.coupons if effect.applied],
            tax_shares(quote.taxes),
            quote.totals.tax_included_minor,
            quote.requires_shipping,
            quote.weight_g,
        )
    )


def placed_head(
    *,
    order_id: uuid.UUID,
    number: int,
    currency: str,
    totals: shape.Totals,
    provider: str,
    method: str,
    placed_at: datetime,
    payment_deadline: datetime,
) -> Head:
    """An order at the moment of its placing, but for what is stored with it."""
    return Head(
        str(order_id),
        str(number),
        currency,
        totals,
        OrderPayment("pending", provider, method, totals.total),
        [TimelineEntry(1, "placed", placed_at)],
        placed_at,
        payment_deadline,
    )


def placed_body(head: Head, document: bytes, access_token: str) -> bytes:
    """The 201: `{"order": …, "access_token": …}`; the order's document is put in as the bytes that it is."""
    return b'{"order":%b,%b,"access_token":"%b"}' % (
        _encode(head)[:-1],
        document[1:],
        access_token.encode(),
    )


def head_of(row: Mapping[str, Any]) -> Head:
    """`placed_head` again, from the order's immutable columns."""
    return placed_head(
        order_id=row["id"],
        number=row["number"],
        currency=row["currency"],
        totals=shape.Totals(
            row["subtotal_minor"],
            row["discount_minor"],
            row["shipping_minor"],
            row["tax_minor"],
            row["total_minor"],
            orjson.loads(row["document"])["tax_included"],
        ),
        provider=row["payment_provider"],
        method=row["payment_method"],
        placed_at=row["placed_at"],
        payment_deadline=row["payment_deadline"],
    )


def order_document(row: Mapping[str, Any], since: FollowUp) -> Document:
    """The order as it stands now."""
    document: Document = msgspec.to_builtins(head_of(row)) | orjson.loads(row["document"])
    document["status"] = row["status"]
    if since.payments:
        document["payment"] = _payment(since.payments[-1], document["payment"])
    document["shipments"] = [
        {
            "id": str(shipment["id"]),
            "carrier": shipment["carrier"],
            "tracking_number": shipment["tracking_number"],
            "status": shipment["status"],
            "booked_at": shipment["booked_at"],
        }
        for shipment in since.shipments
    ]
    document["timeline"] += [event_document(event) for event in since.events]
    if (invoice := since.invoice) is not None:
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
