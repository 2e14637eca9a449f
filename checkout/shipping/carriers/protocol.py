"""What every carrier does for us, in words that no carrier owns.

Guarantees (held by tests/providers, which every carrier passes):
- Booking twice under one reference gives one shipment.
- A call that was sent and not answered is `CarrierUnknown`, never a failed booking; ask again under the same reference.
- A refusal that would be repeated for ever (a bad address) is `BookingRefused` and names the fields.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol

import msgspec


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """One end of a shipment. Shape: `country` ISO 3166 alpha-2; `phone` may be empty, the carrier then gets the shop's."""

    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    region: str = ""
    phone: str = ""
    email: str = ""
    company: str = ""


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One box. Units: grams and millimetres."""

    weight_g: int
    length_mm: int = 300
    width_mm: int = 200
    height_mm: int = 100


class Goods(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the customs declaration. Units: `unit_minor` in the shipment's currency, `weight_g` of all units."""

    description: str
    quantity: int
    unit_minor: int
    weight_g: int
    country_of_origin: str = ""
    commodity_code: str = ""


class BookingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One shipment to book. Shape: `reference` is ours, unique and stable (the order id); `service` is ours too
    (`standard`, `express`). Units: `value_minor` of the goods in `currency`."""

    reference: str
    service: str
    sender: Address
    receiver: Address
    parcels: tuple[Parcel, ...]
    goods: tuple[Goods, ...]
    value_minor: int
    currency: str
    description: str
    order_number: str = ""


class Booked(msgspec.Struct, frozen=True, kw_only=True, tag="booked"):
    """The carrier has the shipment. `label_pdf` is what goes on the box; `cancel_ref` is what `cancel` wants."""

    tracking_number: str
    tracking_url: str
    label_pdf: bytes
    cancel_ref: str | None = None


class BookingRefused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """The carrier will not take this shipment as it stands. `details` are the carrier's own words, one a problem."""

    code: str
    message: str
    details: tuple[str, ...] = ()


class CarrierUnknown(msgspec.Struct, frozen=True, kw_only=True, tag="unknown"):
    """No usable answer. `sent` false: surely nothing happened. Retry: the same call under the same reference."""

    reason: str
    sent: bool = True


BookingOutcome = Booked | BookingRefused | CarrierUnknown


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One offer of a carrier. Units: `price_minor` in `currency`."""

    service: str
    carrier_product: str
    name: str
    price_minor: int
    currency: str
    arrives_at: datetime | None = None


TrackingStatus = Literal["booked", "in_transit", "delivered", "exception", "cancelled", "unknown"]


class TrackingEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One scan. `code` and `detail` are the carrier's; `status` is ours, `unknown` for codes we do not know."""

    code: str
    status: TrackingStatus
    detail: str
    at: datetime
    place: str = ""


class Tracking(msgspec.Struct, frozen=True, kw_only=True):
    """All scans so far, oldest first, and where that leaves the shipment."""

    tracking_number: str
    status: TrackingStatus
    events: tuple[TrackingEvent, ...]


class CarrierEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A tracking push whose signature is good; `event_id` drops duplicates."""

    event_id: str
    created_s: int
    tracking: Tracking


class BadSignature(Exception):
    """The push is not from the carrier, or too old. Nothing of it may be stored."""


class Carrier(Protocol):
    """A carrier. No method raises for what a carrier may answer; outcomes tell everything."""

    name: str

    async def rates(self, request: BookingRequest) -> tuple[Rate, ...] | CarrierUnknown | BookingRefused:
        """Offers for this shipment now. Callers fall back to the zone table on anything but rates."""
        ...

    async def book(self, request: BookingRequest) -> BookingOutcome:
        """Book and get the label. Retry: always, with the same request: one reference, one shipment."""
        ...

    async def track(self, tracking_number: str) -> Tracking | CarrierUnknown | BookingRefused:
        """All scans so far; `BookingRefused` with code `not_found` for a number the carrier does not know."""
        ...

    async def cancel(self, *, tracking_number: str, cancel_ref: str | None) -> bool | CarrierUnknown:
        """Take a booking back: True when the carrier agreed, False when it is too late. Retry: always."""
        ...

    def verify_webhook(self, *, headers: Mapping[str, str], body: bytes, now_s: int) -> CarrierEvent:
        """Check a push's signature (any accepted secret, at most five minutes old) and read it.

        Raises: BadSignature.
        """
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...
