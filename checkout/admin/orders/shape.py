"""Orders in JSON for admins and vendors. What a vendor may not see is left out of its answers."""

from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from checkout.orders.shape import OrderAnswer, OrderLine, OrderShipment, Status


class FoundOrder(msgspec.Struct, frozen=True):
    """An order of a list. Shape: a vendor gets its own lines, and neither totals nor who the customer is."""

    id: str
    number: str
    status: Status
    currency: str
    placed_at: datetime
    lines: list[OrderLine]
    total: int | UnsetType = UNSET
    email: str | UnsetType = UNSET
    account_id: str | UnsetType | None = UNSET


class FoundOrders(msgspec.Struct, frozen=True):
    """One page of orders, newest first. A page may hold fewer than asked for, or none, and still have a next one."""

    items: list[FoundOrder]
    next_cursor: str | None


class Step(msgspec.Struct, frozen=True):
    """A change of the order, without what payments say about it."""

    seq: int
    status: Status
    at: datetime


class AdminOrder(FoundOrder, frozen=True, kw_only=True):
    """An order with its parcels and its timeline. Shape: `order` is the whole, for those who may see all orders."""

    shipments: list[OrderShipment]
    timeline: list[Step]
    order: OrderAnswer | UnsetType = UNSET
