# ruff: noqa: N815 - the fields are named as MyDHL names them
"""MyDHL's requests: their shapes, and what it finds wrong with them. Pure.

Source: https://developer.dhl.com/api-reference/dhl-express-mydhl-api
"""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

PRODUCTS = {"P": "EXPRESS WORLDWIDE", "U": "EXPRESS WORLDWIDE EU", "N": "EXPRESS DOMESTIC", "W": "ECONOMY SELECT",
            "H": "ECONOMY SELECT NON-EU"}  # fmt: skip
_PLANNED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d) ?GMT([+-]\d\d):?(\d\d)")
_INCOTERMS = frozenset(re.findall(r"\w+", "EXW FCA CPT CIP DPU DAP DDP FAS FOB CFR CIF DAF DAT DDU DEQ DES"))
_EU_TEXT = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_EU = frozenset(re.findall(r"\w+", _EU_TEXT))

Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=45)]


class PostalAddress(msgspec.Struct):
    """Where a party lives, as MyDHL prints it."""

    postalCode: Annotated[str, msgspec.Meta(max_length=12)]
    cityName: Line
    countryCode: Country
    addressLine1: Line
    addressLine2: Line | None = None
    addressLine3: Line | None = None
    provinceCode: str | None = None


class Contact(msgspec.Struct):
    """Whom the courier calls; a company name is required even of a private person."""

    phone: Annotated[str, msgspec.Meta(min_length=1, max_length=70)]
    companyName: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    fullName: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    email: str | None = None


class Party(msgspec.Struct):
    """A sender or a receiver: an address and a contact."""

    postalAddress: PostalAddress
    contactInformation: Contact

    def lines(self) -> tuple[str, ...]:
        """The party as it is printed."""
        at = self.postalAddress
        lines = (self.contactInformation.fullName, at.addressLine1, at.addressLine2, f"{at.postalCode} {at.cityName}",
                 at.countryCode)  # fmt: skip
        return tuple(line for line in lines if line)


class Parties(msgspec.Struct):
    """Who sends and who receives."""

    shipperDetails: Party
    receiverDetails: Party


class Dimensions(msgspec.Struct):
    """Outer size of a package. Units: cm."""

    length: Annotated[float, msgspec.Meta(ge=1)]
    width: Annotated[float, msgspec.Meta(ge=1)]
    height: Annotated[float, msgspec.Meta(ge=1)]


class Package(msgspec.Struct):
    """One parcel. Units: weight in kg."""

    weight: Annotated[float, msgspec.Meta(ge=0.001, le=1000)]
    dimensions: Dimensions


class Content(msgspec.Struct):
    """What is sent, and what customs must know of it."""

    packages: Annotated[list[Package], msgspec.Meta(min_length=1, max_length=999)]
    isCustomsDeclarable: bool
    description: Annotated[str, msgspec.Meta(min_length=1, max_length=70)]
    incoterm: str
    unitOfMeasurement: str
    declaredValue: float | None = None
    declaredValueCurrency: str | None = None
    exportDeclaration: dict[str, Any] | None = None


class Pickup(msgspec.Struct):
    """Whether a courier is to come for it."""

    isRequested: bool


class Account(msgspec.Struct):
    """The account that pays, and for what."""

    typeCode: str
    number: str


class Reference(msgspec.Struct):
    """A text of the shipper's own, printed on the label."""

    value: Annotated[str, msgspec.Meta(min_length=1, max_length=35)]
    typeCode: str = "CU"


class Shipment(msgspec.Struct, forbid_unknown_fields=True):
    """POST /shipments."""

    plannedShippingDateAndTime: str
    pickup: Pickup
    productCode: str
    accounts: Annotated[list[Account], msgspec.Meta(min_length=1)]
    customerDetails: Parties
    content: Content
    customerReferences: list[Reference] | None = None
    outputImageProperties: dict[str, Any] | None = None
    valueAddedServices: list[dict[str, Any]] | None = None
    localProductCode: str | None = None
    getRateEstimates: bool = False
    requestOndemandDeliveryURL: bool = False
    shipmentNotification: list[dict[str, Any]] | None = None


class RatePlace(msgspec.Struct):
    """As much of an address as a price needs."""

    postalCode: Annotated[str, msgspec.Meta(max_length=12)]
    cityName: Line
    countryCode: Country
    provinceCode: str | None = None


class RateParties(msgspec.Struct):
    """From where to where a price is asked."""

    shipperDetails: RatePlace
    receiverDetails: RatePlace


class Rates(msgspec.Struct, forbid_unknown_fields=True):
    """POST /rates."""

    customerDetails: RateParties
    plannedShippingDateAndTime: str
    unitOfMeasurement: str
    isCustomsDeclarable: bool
    packages: Annotated[list[Package], msgspec.Meta(min_length=1, max_length=999)]
    accounts: Annotated[list[Account], msgspec.Meta(min_length=1)]
    productCode: str | None = None
    monetaryAmount: list[dict[str, Any]] | None = None


def problems(shipment: Shipment, *, account: str, now: datetime) -> tuple[str, ...]:
    """Everything that MyDHL would refuse of a shipment whose shape is good, one sentence each."""
    found = []
    sender = shipment.customerDetails.shipperDetails.postalAddress.countryCode
    receiver = shipment.customerDetails.receiverDetails.postalAddress.countryCode
    if not any(one.typeCode == "shipper" and one.number == account for one in shipment.accounts):
        found.append("8004: #/accounts: the shipper account is not valid for this user")
    planned = _PLANNED.fullmatch(shipment.plannedShippingDateAndTime)
    if planned is None:
        found.append("1001: #/plannedShippingDateAndTime: expected YYYY-MM-DDTHH:MM:SS GMT+HH:MM")
    else:
        at = datetime.fromisoformat(f"{planned[1]}{planned[2]}:{planned[3]}")
        if not now - timedelta(minutes=5) <= at <= now + timedelta(days=10):
            found.append("998: #/plannedShippingDateAndTime: not in the past and within 10 days")
    if shipment.productCode not in PRODUCTS:
        found.append(f"1003: #/productCode: {shipment.productCode} is not a product")
    elif (shipment.productCode == "N") != (sender == receiver):
        found.append("1004: #/productCode: product not available between origin and destination")
    content = shipment.content
    if content.unitOfMeasurement not in ("metric", "imperial"):
        found.append("1005: #/content/unitOfMeasurement: metric or imperial")
    if content.incoterm not in _INCOTERMS:
        found.append("1006: #/content/incoterm: not an incoterm")
    within = sender == receiver or (sender in _EU and receiver in _EU)
    if not within and not content.isCustomsDeclarable:
        found.append("1007: #/content/isCustomsDeclarable: this lane needs a customs declaration")
    if content.isCustomsDeclarable:
        if content.declaredValue is None or not content.declaredValueCurrency:
            found.append("1008: #/content/declaredValue: required with its currency for declarable goods")
        items = (content.exportDeclaration or {}).get("lineItems")
        if not isinstance(items, list) or not items:
            found.append("1009: #/content/exportDeclaration/lineItems: required for declarable goods")
    return tuple(found)


def rate_problems(rates: Rates, *, account: str) -> tuple[str, ...]:
    """Everything that MyDHL would refuse of a rate request whose shape is good."""
    found = []
    if not any(one.number == account for one in rates.accounts):
        found.append("8004: #/accounts: the account is not valid for this user")
    if rates.unitOfMeasurement not in ("metric", "imperial"):
        found.append("1005: #/unitOfMeasurement: metric or imperial")
    return tuple(found)


def offers(abroad: bool) -> tuple[tuple[str, str, int, int, int], ...]:
    """Products of a lane: code, name, base and per-kilogram price in EUR cents, days."""
    if abroad:
        return (("P", PRODUCTS["P"], 2490, 450, 2), ("W", PRODUCTS["W"], 1490, 250, 5))
    return (("N", PRODUCTS["N"], 990, 120, 1),)
