"""Book a paid order with the carrier: label, tracking number, and the order is `booked`."""

from typing import Any

import orjson

from checkout.outbox.model import Later, Row
from checkout.shipments.store import Booking, ShipmentStore
from checkout.shipping.carriers.protocol import (
    Address,
    BookingRefused,
    BookingRequest,
    Carrier,
    CarrierUnknown,
    Goods,
    Parcel,
)

_MIN_WEIGHT_G = 100
_DESCRIPTION_MAX_CHARS = 60


class BookingImpossible(Exception):
    """The carrier refuses this shipment as it stands: a person must look at it."""


async def book(row: Row, *, store: ShipmentStore, carrier: Carrier, sender: Address) -> None:
    """Books the order's shipment; an order with nothing to ship is booked without one.

    Raises: Later, BookingImpossible. Retry: always: one reference (the order's id) is one shipment.
    Cost: one call of the carrier, shares of a read and of a commit.
    """
    order = await store.order(row.subject_id)
    if order is None or order["status"] != "paid" or order["is_booked"]:
        await store.finish(row.id)
        return
    document = orjson.loads(order["document"])
    at: dict[str, Any] = {"order_id": order["id"], "version": order["timeline_seq"], "row_id": row.id}
    if not document["requires_shipping"] or not document["shipping_address"]:
        booked = await store.book(Booking(**at, detail={"shipment": "nothing to ship"}))
    else:
        outcome = await carrier.book(booking_request(order, document, sender))
        if isinstance(outcome, CarrierUnknown):
            raise Later(outcome.reason)
        if isinstance(outcome, BookingRefused):
            raise BookingImpossible("; ".join((f"{outcome.code}: {outcome.message}", *outcome.details)))
        detail = {
            "carrier": carrier.name,
            "tracking_number": outcome.tracking_number,
            "tracking_url": outcome.tracking_url,
        }
        booked = await store.book(
            Booking(
                **at,
                detail=detail,
                carrier=carrier.name,
                tracking_number=outcome.tracking_number,
                label_pdf=outcome.label_pdf,
            )
        )
    if not booked:
        raise Later("the order was changed meanwhile", delay_s=0.2)


def booking_request(order: Any, document: dict[str, Any], sender: Address) -> BookingRequest:
    """The order as a carrier wants it: one parcel, its goods declared by line."""
    to = document["shipping_address"]
    option = document.get("shipping_option") or {}
    weight_g = max(_MIN_WEIGHT_G, document["weight_g"])
    lines = document["lines"]
    units = sum(line["quantity"] for line in lines) or 1
    goods = tuple(
        Goods(
            description=str(line["title"])[:_DESCRIPTION_MAX_CHARS],
            quantity=line["quantity"],
            unit_minor=line["unit_price"],
            weight_g=max(1, weight_g * line["quantity"] // units),
        )
        for line in lines
    )
    return BookingRequest(
        reference=str(order["id"]),
        service=str(option.get("code", "standard")),
        sender=sender,
        receiver=Address(
            name=to["name"],
            line1=to["line1"],
            line2=to.get("line2") or "",
            city=to["city"],
            region=to.get("region") or "",
            postal_code=to["postal_code"],
            country=to["country"],
            phone=to.get("phone") or "",
            email=order["email"],
        ),
        parcels=(Parcel(weight_g=weight_g),),
        goods=goods,
        value_minor=sum(line["unit_price"] * line["quantity"] - line["discount"] for line in lines),
        currency=order["currency"],
        description=", ".join(str(line["title"]) for line in lines)[:_DESCRIPTION_MAX_CHARS],
        order_number=str(order["number"]),
    )
