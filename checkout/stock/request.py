"""What requests about stock may say."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from checkout.locations.model import MAIN
from checkout.locations.shape import LocationCode
from checkout.orders.request import Sku, Text
from config import limits

Units = Annotated[int, Meta(ge=0, le=limits.STOCK_MAX)]
Change = Annotated[int, Meta(ge=-limits.STOCK_MAX, le=limits.STOCK_MAX)]
Some = Annotated[int, Meta(ge=1, le=limits.STOCK_MAX)]
Reference = Annotated[str, Meta(max_length=limits.TEXT_MAX_CHARS)]


class AdjustmentRequest(Struct, forbid_unknown_fields=True, frozen=True):
    """Units to add (`delta`, may be negative) or what the location is found to hold (`on_hand`): exactly one of the two."""

    sku: Sku
    reason: Text
    delta: Change | None = None
    on_hand: Units | None = None
    location: LocationCode = MAIN


class Line(Struct, forbid_unknown_fields=True, frozen=True):
    """Units of a SKU."""

    sku: Sku
    quantity: Some


class CountedLine(Struct, forbid_unknown_fields=True, frozen=True):
    """What was found of a SKU."""

    sku: Sku
    counted: Units


Lines = Annotated[list[Line], Meta(min_length=1, max_length=limits.STOCK_LINES_MAX)]
CountedLines = Annotated[list[CountedLine], Meta(min_length=1, max_length=limits.STOCK_LINES_MAX)]


class ReceiptRequest(Struct, forbid_unknown_fields=True, frozen=True):
    """Goods that came in. Shape: `reason` names the delivery note or the purchase order."""

    lines: Lines
    reason: Text
    location: LocationCode = MAIN


class TransferRequest(
    Struct, forbid_unknown_fields=True, frozen=True, rename={"origin": "from", "destination": "to"}
):
    """Units to move from one location to another."""

    origin: LocationCode
    destination: LocationCode
    lines: Lines
    reason: Text


class CountRequest(Struct, forbid_unknown_fields=True, frozen=True):
    """A stocktake of some SKUs at a location."""

    lines: CountedLines
    reason: Text
    location: LocationCode = MAIN


class FeedRow(Struct, forbid_unknown_fields=True, frozen=True):
    """What an external system says lay at a location at a moment. Shape: `source_id` names the system."""

    sku: Sku
    on_hand: Units
    as_of: Annotated[datetime, Meta(tz=True)]
    source_id: Text
    location: LocationCode = MAIN


class FeedRequest(Struct, forbid_unknown_fields=True, frozen=True):
    """Figures in any order."""

    rows: Annotated[list[FeedRow], Meta(min_length=1, max_length=limits.STOCK_FEED_ROWS_MAX)]


class Preorder(Struct, forbid_unknown_fields=True, frozen=True):
    """Units that may be sold against an expected receipt, and until when."""

    units: Some
    until: Annotated[datetime, Meta(tz=True)]


class PolicyChange(Struct, forbid_unknown_fields=True, frozen=True):
    """What changes of a policy; what is left out stays, `null` ends a pre-order or goes back to the usual threshold."""

    backorder_limit: Units | UnsetType = UNSET
    safety_stock: Units | UnsetType = UNSET
    preorder: Preorder | UnsetType | None = UNSET
    low_at: Units | UnsetType | None = UNSET
