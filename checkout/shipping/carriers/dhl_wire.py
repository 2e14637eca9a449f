"""MyDHL's documents: ours into theirs, theirs into ours. Pure; prices are decimals, never floats."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from iso4217 import Currency

from checkout.shipping.carriers.protocol import (
    Address,
    Booked,
    BookingRequest,
    CarrierEvent,
    Parcel,
    Rate,
    Tracking,
    TrackingEvent,
    TrackingStatus,
)

EU = frozenset(
    ("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU",
     "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK")
)  # fmt: skip
_LINE_CHARS = 45
_ENCODER = msgspec.json.Encoder(decimal_format="number")

# Event codes of MyDHL tracking; a code that is not here is `unknown`, and the shipment stays as it was.
SCANS: dict[str, TrackingStatus] = {
    "SA": "booked",
    "PU": "in_transit",
    "PL": "in_transit",
    "DF": "in_transit",
    "AF": "in_transit",
    "AR": "in_transit",
    "CR": "in_transit",
    "WC": "in_transit",
    "OH": "exception",
    "BA": "exception",
    "NH": "exception",
    "RD": "exception",
    "RT": "exception",
    "OK": "delivered",
    "DD": "delivered",
}

_LIFE: tuple[TrackingStatus, ...] = ("unknown", "booked", "in_transit", "exception", "delivered", "cancelled")


class _Document(msgspec.Struct):
    content: bytes  # base64, which msgspec reads as it decodes
    typeCode: str = ""  # noqa: N815 - MyDHL's name


class _Booking(msgspec.Struct, rename="camel"):
    shipment_tracking_number: str
    documents: list[_Document]
    tracking_url: str = ""
    dispatch_confirmation_number: str | None = None


class _Price(msgspec.Struct, rename="camel"):
    currency_type: str
    price: Decimal
    price_currency: str = ""


class _Product(msgspec.Struct, rename="camel"):
    product_code: str
    product_name: str
    total_price: list[_Price]
    delivery_capabilities: dict[str, Any] = {}


class _Products(msgspec.Struct):
    products: list[_Product]


class _Scan(
    msgspec.Struct, rename={"offset": "GMTOffset", "type_code": "typeCode", "service_area": "serviceArea"}
):
    date: str
    time: str
    type_code: str
    description: str = ""
    offset: str = "+00:00"
    service_area: list[dict[str, Any]] = []


class _Shipment(msgspec.Struct, rename="camel"):
    shipment_tracking_number: str
    events: list[_Scan]


class _Shipments(msgspec.Struct):
    shipments: list[_Shipment]


class _Push(msgspec.Struct):
    id: str
    created: int
    shipments: list[_Shipment]


def product_code(request: BookingRequest) -> str:
    """MyDHL's product for our service on this lane."""
    sender, receiver = request.sender.country, request.receiver.country
    if sender == receiver:
        return "N"
    within = sender in EU and receiver in EU
    if request.service == "express":
        return "U" if within else "P"
    return "W" if within else "P"


def shipment_request(request: BookingRequest, *, account: str, planned: str, pickup: bool) -> bytes:
    """The body of POST /shipments."""
    declarable = needs_customs(request)
    content: dict[str, Any] = {
        "packages": [_package(parcel) for parcel in request.parcels],
        "isCustomsDeclarable": declarable,
        "description": request.description[:70] or "Goods",
        "incoterm": "DAP",
        "unitOfMeasurement": "metric",
    }
    if declarable:
        content["declaredValue"] = major(request.value_minor, request.currency)
        content["declaredValueCurrency"] = request.currency
        content["exportDeclaration"] = _declaration(request, planned)
    body = {
        "plannedShippingDateAndTime": planned,
        "pickup": {"isRequested": pickup},
        "productCode": product_code(request),
        "accounts": [{"typeCode": "shipper", "number": account}],
        "customerDetails": {
            "shipperDetails": _party(request.sender, request.sender),
            "receiverDetails": _party(request.receiver, request.sender),
        },
        "content": content,
        "customerReferences": [{"value": (request.order_number or request.reference)[:35], "typeCode": "CU"}],
        "outputImageProperties": {
            "printerDPI": 300,
            "encodingFormat": "pdf",
            "imageOptions": [{"typeCode": "label", "templateName": "ECOM26_84_001"}],
        },
    }
    return _ENCODER.encode(body)


def rate_request(request: BookingRequest, *, account: str, planned: str) -> bytes:
    """The body of POST /rates."""
    places = {"shipperDetails": request.sender, "receiverDetails": request.receiver}
    body = {
        "customerDetails": {
            name: {"postalCode": at.postal_code, "cityName": at.city[:_LINE_CHARS], "countryCode": at.country}
            for name, at in places.items()
        },
        "accounts": [{"typeCode": "shipper", "number": account}],
        "plannedShippingDateAndTime": planned,
        "unitOfMeasurement": "metric",
        "isCustomsDeclarable": needs_customs(request),
        "packages": [_package(parcel) for parcel in request.parcels],
    }
    return _ENCODER.encode(body)


def read_booking(content: bytes) -> Booked:
    """The answer to POST /shipments. Raises: msgspec.MsgspecError; ValueError without a label."""
    booking = msgspec.json.decode(content, type=_Booking)
    labels = [document for document in booking.documents if document.typeCode in ("label", "")]
    if not labels:
        raise ValueError("no label")
    return Booked(
        tracking_number=booking.shipment_tracking_number,
        tracking_url=booking.tracking_url,
        label_pdf=labels[0].content,
        cancel_ref=booking.dispatch_confirmation_number,
    )


def read_rates(content: bytes) -> tuple[Rate, ...]:
    """The answer to POST /rates, in the billing currency. Raises: msgspec.MsgspecError, ValueError."""
    rates = []
    for product in msgspec.json.decode(content, type=_Products).products:
        price = next((one for one in product.total_price if one.currency_type == "BILLC"), None)
        if price is None:
            continue
        arrives = product.delivery_capabilities.get("estimatedDeliveryDateAndTime")
        rates.append(
            Rate(
                service="standard" if product.product_code in ("W", "H", "N") else "express",
                carrier_product=product.product_code,
                name=product.product_name,
                price_minor=minor(price.price, price.price_currency),
                currency=price.price_currency,
                arrives_at=datetime.fromisoformat(arrives) if isinstance(arrives, str) else None,
            )
        )
    return tuple(rates)


def read_tracking(content: bytes) -> Tracking:
    """The answer to GET tracking. Raises: msgspec.MsgspecError, ValueError."""
    shipments = msgspec.json.decode(content, type=_Shipments).shipments
    if not shipments:
        raise ValueError("no shipment")
    return _tracking(shipments[0])


def read_push(content: bytes) -> CarrierEvent:
    """A tracking push. Raises: msgspec.MsgspecError, ValueError, IndexError."""
    push = msgspec.json.decode(content, type=_Push)
    return CarrierEvent(event_id=push.id, created_s=push.created, tracking=_tracking(push.shipments[0]))


def needs_customs(request: BookingRequest) -> bool:
    """Whether this lane leaves a customs territory."""
    sender, receiver = request.sender.country, request.receiver.country
    return sender != receiver and not (sender in EU and receiver in EU)


def major(amount_minor: int, currency: str) -> Decimal:
    """Minor units as a decimal of the currency's major unit, exactly."""
    return Decimal(amount_minor).scaleb(-(Currency(currency).exponent or 0))


def minor(amount: Decimal, currency: str) -> int:
    """A decimal as minor units. Raises: ValueError for more digits than the currency has."""
    scaled = amount.scaleb(Currency(currency).exponent or 0)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} {currency} has too many digits")
    return int(scaled)


def _tracking(shipment: _Shipment) -> Tracking:
    # Scans of one second are told in the order of a parcel's life.
    events = sorted(
        (_event(scan) for scan in shipment.events), key=lambda event: (event.at, _LIFE.index(event.status))
    )
    known = [event.status for event in events if event.status != "unknown"]
    return Tracking(
        tracking_number=shipment.shipment_tracking_number,
        status=known[-1] if known else "unknown",
        events=tuple(events),
    )


def _event(scan: _Scan) -> TrackingEvent:
    return TrackingEvent(
        code=scan.type_code,
        status=SCANS.get(scan.type_code, "unknown"),
        detail=scan.description,
        at=datetime.fromisoformat(f"{scan.date}T{scan.time}{scan.offset}"),
        place=str(scan.service_area[0].get("description", "")) if scan.service_area else "",
    )


def _package(parcel: Parcel) -> dict[str, Any]:
    centimetres = {
        name: Decimal(max(value, 10)).scaleb(-1)
        for name, value in (
            ("length", parcel.length_mm),
            ("width", parcel.width_mm),
            ("height", parcel.height_mm),
        )
    }
    return {"weight": Decimal(max(parcel.weight_g, 1)).scaleb(-3), "dimensions": centimetres}


def _party(address: Address, fallback: Address) -> dict[str, Any]:
    place: dict[str, Any] = {
        "postalCode": address.postal_code[:12],
        "cityName": address.city[:_LINE_CHARS],
        "countryCode": address.country,
    }
    # MyDHL has three lines of 45: what does not fit one flows into the next.
    text = ", ".join(line for line in (address.line1, address.line2) if line)
    for number in range(3):
        line = text[number * _LINE_CHARS : (number + 1) * _LINE_CHARS].strip()
        if line:
            place[f"addressLine{number + 1}"] = line
    contact = {
        "phone": address.phone or fallback.phone or "0000",
        "companyName": (address.company or address.name)[:100],
        "fullName": address.name[:255],
    }
    if address.email:
        contact["email"] = address.email
    return {"postalAddress": place, "contactInformation": contact}


def _declaration(request: BookingRequest, planned: str) -> dict[str, Any]:
    return {
        "lineItems": [
            {
                "number": number,
                "description": goods.description[:512],
                "price": major(goods.unit_minor, request.currency),
                "quantity": {"value": goods.quantity, "unitOfMeasurement": "PCS"},
                "manufacturerCountry": goods.country_of_origin or request.sender.country,
                "weight": {
                    "netValue": Decimal(max(goods.weight_g, 1)).scaleb(-3),
                    "grossValue": Decimal(max(goods.weight_g, 1)).scaleb(-3),
                },
                "commodityCodes": [{"typeCode": "outbound", "value": goods.commodity_code}]
                if goods.commodity_code
                else [],
            }
            for number, goods in enumerate(request.goods, 1)
        ],
        "invoice": {"number": (request.order_number or request.reference)[:35], "date": planned[:10]},
        "exportReason": "sale",
        "exportReasonType": "permanent",
    }
