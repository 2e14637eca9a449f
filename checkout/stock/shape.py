"""What is answered about stock in JSON, for the OpenAPI document. Units: units; times are RFC 3339 UTC."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from checkout.stock.feed import Result


class AdjustmentAnswer(Struct, frozen=True):
    """The stock after an adjustment."""

    sku: str
    movement_id: str
    location: str
    delta: int
    on_hand: int
    reserved: int
    available: int
    location_on_hand: int


class ReceivedLine(Struct, frozen=True):
    """A SKU after it was received."""

    sku: str
    delta: int
    on_hand: int
    reserved: int
    available: int
    location_on_hand: int


class ReceiptAnswer(Struct, frozen=True):
    """What was received. `id` is the ledger's `document_id`."""

    id: str
    location: str
    lines: list[ReceivedLine]


class MovedLine(Struct, frozen=True):
    """A SKU after its transfer; `on_hand` is the total, which a transfer does not change."""

    sku: str
    quantity: int
    from_on_hand: int
    to_on_hand: int
    on_hand: int


class TransferAnswer(Struct, frozen=True, rename={"origin": "from", "destination": "to"}):
    """What was moved. `id` is the ledger's `document_id`."""

    id: str
    origin: str
    destination: str
    lines: list[MovedLine]


class CountResult(Struct, frozen=True):
    """A SKU after it was counted: what the ledger expected, what was found."""

    sku: str
    expected: int
    counted: int
    delta: int
    on_hand: int
    reserved: int
    available: int
    location_on_hand: int


class CountAnswer(Struct, frozen=True):
    """A stocktake. `id` is the ledger's `document_id`."""

    id: str
    location: str
    lines: list[CountResult]


class FedRow(Struct, frozen=True):
    """What became of one row; `ignored` rows are no newer than what was taken before."""

    sku: str
    location: str
    status: Result
    delta: int


class FeedAnswer(Struct, frozen=True):
    """One result a row, in the order of the rows."""

    results: list[FedRow]
    applied: int


class PlaceStock(Struct, frozen=True):
    """Units at a location; `allocated` ones are for booked orders that leave from here."""

    location: str
    on_hand: int
    allocated: int


class PreorderAnswer(Struct, frozen=True):
    """Units that may be sold against an expected receipt, and until when."""

    units: int
    until: datetime


class PolicyAnswer(Struct, frozen=True):
    """What may be sold beyond or short of what lies there; `low_at` null: the shop's usual threshold."""

    backorder_limit: int
    safety_stock: int
    preorder: PreorderAnswer | None
    low_at: int | None


class StockAnswer(Struct, frozen=True):
    """A SKU's stock. `available` lies there and may be sold, `orderable` counts what may be sold beyond it too, `held` is in
    carts' holds and checkouts under way (null while the gate is away); `version` is the policy's ETag."""

    sku: str
    product_id: str
    title: str
    on_hand: int
    reserved: int
    available: int
    orderable: int
    held: int | None
    low: bool
    locations: list[PlaceStock]
    policy: PolicyAnswer
    version: int


class StockItem(Struct, frozen=True):
    """A SKU in a list; `location_on_hand` when a location was asked for."""

    sku: str
    product_id: str
    title: str
    on_hand: int
    reserved: int
    available: int
    orderable: int
    safety_stock: int
    low: bool
    low_at: int
    location_on_hand: int | None


class StockList(Struct, frozen=True):
    """One page of SKUs, in order."""

    items: list[StockItem]
    next_cursor: str | None


class Movement(Struct, frozen=True):
    """A row of the ledger. `document_id` names the receipt, transfer, count or feed that it belongs to."""

    id: str
    movement_id: str
    kind: Literal[
        "receipt",
        "adjustment",
        "release",
        "reacquire",
        "shipment",
        "return",
        "transfer",
        "count",
        "feed",
        "opening",
    ]
    on_hand_delta: int
    reserved_delta: int
    order_id: str | None
    location: str
    reason: str
    actor: str
    document_id: str | None
    at: datetime


class Movements(Struct, frozen=True):
    """One page of a SKU's movements, newest first. Reservations of orders are their lines, and not among them."""

    items: list[Movement]
    next_cursor: str | None
