"""What admins are answered in JSON, for the OpenAPI document; tests/api/edge holds the real answers to it."""

from datetime import datetime
from typing import Any

import msgspec


class Amount(msgspec.Struct, frozen=True):
    """Money in one currency. Units: minor."""

    currency: str
    amount: int


class OrderFigures(msgspec.Struct, frozen=True):
    """Orders of a stretch of time; `at_least` when there were too many to count."""

    placed: int
    at_least: bool
    by_status: dict[str, int]
    revenue: list[Amount]


class OrdersOverTime(msgspec.Struct, frozen=True):
    """The same figures for three stretches."""

    last_minute: OrderFigures
    last_hour: OrderFigures
    today: OrderFigures


class WorkFigures(msgspec.Struct, frozen=True):
    """What is owed and not done: open rows, the oldest, dead letters, open rows by topic."""

    open: int
    oldest_s: float
    parked: int
    topics: dict[str, int]


class GateFigures(msgspec.Struct, frozen=True):
    """The gate as this process sees it."""

    open: bool
    epoch: int
    built_at: datetime | None
    suspects: int


class StockFigures(msgspec.Struct, frozen=True):
    """Variants that are sold out, and those with `low_is_at_most` units or fewer."""

    sold_out: int
    low: int
    low_is_at_most: int


class StatsAnswer(msgspec.Struct, frozen=True):
    """The shop at a glance."""

    at: datetime
    orders: OrdersOverTime
    orders_per_s: float
    outbox: WorkFigures
    gate: GateFigures
    stock: StockFigures


class DeadLetter(msgspec.Struct, frozen=True):
    """Work that failed its last try."""

    id: str
    topic: str
    subject_id: str
    attempts: int
    error: str
    created_at: datetime
    parked_at: datetime
    payload: Any


class DeadLetters(msgspec.Struct, frozen=True):
    """One page of dead letters, newest first."""

    items: list[DeadLetter]
    next_cursor: str | None


class Replayed(msgspec.Struct, frozen=True):
    """A dead letter that is due again."""

    id: str
    replayed: bool
