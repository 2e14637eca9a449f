"""One behavioural suite that every carrier passes."""

import asyncio
import hashlib
import hmac
import io
import json
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import unused_port
from pypdf import PdfReader

from checkout.sandbox.app import Running
from checkout.shipping.carriers.protocol import (
    Address,
    BadSignature,
    Booked,
    BookingRefused,
    Carrier,
    CarrierUnknown,
    Tracking,
)
from tests.providers.conftest import booking, dhl


async def test_a_booking_has_a_number_and_a_label(carrier: Carrier) -> None:
    """If this fails, a paid parcel cannot be handed over."""
    booked = await carrier.book(booking())
    assert isinstance(booked, Booked)
    reader = PdfReader(io.BytesIO(booked.label_pdf))
    assert len(reader.pages) == 1
    text = reader.pages[0].extract_text()
    assert "Ada Lövelace" in text
    assert "A-1001" in text
    assert booked.tracking_number[6:] in text


async def test_one_reference_is_one_shipment(carrier: Carrier, sandbox: Running) -> None:
    """If this fails, a retried booking sends two parcels."""
    first, *others = await asyncio.gather(*(carrier.book(booking()) for _ in range(5)))
    assert isinstance(first, Booked)
    assert all(isinstance(o, Booked) and o.tracking_number == first.tracking_number for o in others)
    assert sandbox.store.counts()["shipment"] == 1
    other = await carrier.book(booking(reference="01890a5d-ac96-774b-bcce-b302099a8058"))
    assert isinstance(other, Booked)
    assert other.tracking_number != first.tracking_number


@pytest.mark.parametrize(
    ("country", "service"),
    [
        ("DE", "standard"),
        ("FR", "standard"),
        ("FR", "express"),
        ("US", "express"),
        ("GB", "standard"),
        ("IN", "express"),
    ],
)
async def test_every_lane_of_the_demo_shop_is_booked(carrier: Carrier, country: str, service: str) -> None:
    """If this fails, orders to one country stay unbooked."""
    booked = await carrier.book(booking(country, service=service))
    assert isinstance(booked, Booked), booked


async def test_long_and_sparse_addresses_are_booked(carrier: Carrier) -> None:
    """If this fails, an address that the shop accepted is refused by the carrier."""
    receiver = Address(
        name="N" * 120,
        line1="A very long street name " * 4,
        line2="Floor 3",
        city="C" * 60,
        postal_code="",
        country="IE",
    )
    assert isinstance(await carrier.book(booking(receiver=receiver, order_number="", description="")), Booked)


async def test_a_bad_address_is_refused_with_its_fields(carrier: Carrier, sandbox: Running) -> None:
    """If this fails, a booking that can never work is tried for ever, and nobody learns why."""
    receiver = Address(name="Ada", line1="", city="Paris", postal_code="75002", country="FR")
    refused = await carrier.book(booking(receiver=receiver))
    assert isinstance(refused, BookingRefused)
    assert "addressLine1" in " ".join(refused.details)
    assert sandbox.store.counts().get("shipment", 0) == 0


@pytest.mark.parametrize(
    "kind", ["reset_before", "reset_after", "error", "error_after", "rate_limit", "black_hole"]
)
async def test_no_answer_is_unknown_and_asking_again_books_once(
    carrier: Carrier, sandbox: Running, kind: str
) -> None:
    """If this fails, a lost answer loses the parcel or books it twice."""
    sandbox.faults.turn({"faults": [{"operation": "dhl.shipments.create", "kind": kind}]})
    assert isinstance(await carrier.book(booking()), CarrierUnknown)
    assert isinstance(await carrier.book(booking()), Booked)
    assert sandbox.store.counts()["shipment"] == 1


async def test_a_carrier_that_is_not_there_was_not_asked(sandbox: Running) -> None:
    """If this fails, a call that never left is treated as one that may have booked."""
    away = dhl(sandbox, api_base=f"http://127.0.0.1:{unused_port()}")
    outcome = await away.book(booking())
    await away.close()
    assert isinstance(outcome, CarrierUnknown)
    assert not outcome.sent


async def test_wrong_credentials_are_no_refusal_of_the_parcel(sandbox: Running) -> None:
    """If this fails, a changed password turns every waiting parcel into a dead letter."""
    locked_out = dhl(sandbox, api_secret="old")
    outcome = await locked_out.book(booking())
    await locked_out.close()
    assert isinstance(outcome, CarrierUnknown)


async def test_rates_are_whole_minor_units(carrier: Carrier) -> None:
    """If this fails, a live rate is off by a cent."""
    rates = await carrier.rates(booking())
    assert isinstance(rates, tuple)
    assert {(rate.carrier_product, rate.price_minor, rate.currency) for rate in rates} == {
        ("P", 2490 + 2 * 450, "EUR"),
        ("W", 1490 + 2 * 250, "EUR"),
    }


async def test_scans_lead_to_delivered(carrier: Carrier, sandbox: Running) -> None:
    """If this fails, an order never shows as shipped or delivered."""
    booked = await carrier.book(booking())
    assert isinstance(booked, Booked)

    async def status() -> str:
        tracking = await carrier.track(booked.tracking_number)
        assert isinstance(tracking, Tracking)
        return tracking.status

    assert await status() == "booked"
    await scan(sandbox, booked.tracking_number, "in_transit")
    assert await status() == "in_transit"
    await scan(sandbox, booked.tracking_number, "delivered")
    assert await status() == "delivered"
    missing = await carrier.track("0000000000")
    assert isinstance(missing, BookingRefused)
    assert missing.code == "not_found"


async def test_a_booking_is_cancelled_until_it_is_picked_up(carrier: Carrier, sandbox: Running) -> None:
    """If this fails, a cancelled order is collected all the same."""
    booked = await carrier.book(booking())
    assert isinstance(booked, Booked)
    for _ in range(2):
        assert (
            await carrier.cancel(tracking_number=booked.tracking_number, cancel_ref=booked.cancel_ref) is True
        )
    other = await carrier.book(booking(reference="01890a5d-ac96-774b-bcce-b302099a8058"))
    assert isinstance(other, Booked)
    await scan(sandbox, other.tracking_number, "in_transit")
    late = await carrier.cancel(tracking_number=other.tracking_number, cancel_ref=other.cancel_ref)
    assert late is False


def push(**changes: Any) -> bytes:
    scans = [
        {
            "date": "2026-11-24",
            "time": "10:00:00",
            "GMTOffset": "+01:00",
            "typeCode": "PU",
            "description": "Picked up",
        },
        {
            "date": "2026-11-24",
            "time": "08:00:00",
            "GMTOffset": "+00:00",
            "typeCode": "SA",
            "description": "Received",
        },
        {
            "date": "2026-11-24",
            "time": "11:00:00",
            "GMTOffset": "+00:00",
            "typeCode": "ZZ",
            "description": "New code",
        },
    ]
    document = {
        "id": "dhl_1",
        "created": 1_800_000_000,
        "shipments": [{"shipmentTrackingNumber": "1234567890", "events": scans}],
    }
    return json.dumps({**document, **changes}).encode()


def signed(body: bytes, secret: str, at_s: int = 1_800_000_000) -> dict[str, str]:
    mac = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return {"dhl-signature": f"t={at_s},v1={mac}"}


@pytest.mark.parametrize("secret", ["whsec_new", "whsec_old"])
def test_a_push_is_read_and_unknown_codes_change_nothing(carrier: Carrier, secret: str) -> None:
    """If this fails, a tracking push is lost during rotation, or a new code moves a parcel to a wrong state."""
    read = carrier.verify_webhook(headers=signed(push(), secret), body=push(), now_s=1_800_000_100)
    assert (read.event_id, read.tracking.tracking_number, read.tracking.status) == (
        "dhl_1",
        "1234567890",
        "in_transit",
    )
    assert [event.code for event in read.tracking.events] == ["SA", "PU", "ZZ"]


@pytest.mark.parametrize(
    ("headers", "body", "now_s"),
    [
        (signed(push(), "stolen"), push(), 1_800_000_000),
        (signed(push(), "whsec_new"), push() + b" ", 1_800_000_000),
        (signed(push(), "whsec_new"), push(), 1_800_000_301),
        (signed(b"{}", "whsec_new"), b"{}", 1_800_000_000),
        (signed(push(shipments=[]), "whsec_new"), push(shipments=[]), 1_800_000_000),
        ({"DHL-Signature": "t=1,v1"}, push(), 1),
        ({}, push(), 1_800_000_000),
    ],
    ids=["other secret", "other body", "old", "no push", "no shipment", "no signature", "no header"],
)
def test_a_bad_push_is_refused(carrier: Carrier, headers: dict[str, str], body: bytes, now_s: int) -> None:
    """If this fails, anyone can tell the shop that a parcel was delivered."""
    with pytest.raises(BadSignature):
        carrier.verify_webhook(headers=headers, body=body, now_s=now_s)


async def scan(sandbox: Running, number: str, status: str) -> None:
    """The carrier scans the parcel."""
    async with aiohttp.ClientSession() as session:
        url = f"{sandbox.url}/_sandbox/shipments/{number}"
        async with session.post(url, json={"status": status}) as answer:
            assert answer.status == 200, await answer.text()
