"""Rows by the million for a shop of the benchmark's own: products with SKUs by COPY, orders long gone by Postgres itself.

Held by the audit after every run that uses them: stock equals its ledger, totals equal their lines, timelines have no gap.
The orders were cancelled, so that no provider has to know them; where checkout works (orders, lines, their indexes) they
weigh what others weigh.
"""

import os
import uuid
from datetime import UTC, datetime, timedelta

import orjson

from bench.load.shapes import ADDRESS
from bench.report.progress import Say
from bench.shop.store import Bulk
from checkout.kit.db import FastUUID

VARIANTS_EACH = 4
UNITS = 10_000_000
_SKUS_A_CHUNK = 40_000
_ORDERS_A_CHUNK = 50_000
_PRICE_MINOR = 1990
_LINES = 2
_YEAR_S = 365 * 24 * 3600


def sku_of(item_id: int) -> str:
    """The SKU of a mass-made item."""
    return f"MASS-{item_id:08d}"


def slug_of(number: int) -> str:
    """The slug of a mass-made product."""
    return f"mass-{number:08d}"


class Ids:
    """Random UUIDs, a block of the kernel's bytes at a time."""

    def __init__(self) -> None:
        self._block, self._at = b"", 0

    def __call__(self) -> uuid.UUID:
        if self._at >= len(self._block):
            self._block, self._at = os.urandom(65_536), 0
        self._at += 16
        return FastUUID(self._block[self._at - 16 : self._at])


async def add_skus(bulk: Bulk, count: int, say: Say) -> range:
    """Adds so many SKUs, four to a product, each with stock; gives their items. Nobody may use the shop meanwhile."""
    ids = Ids()
    first = await bulk.highest_item() + 1
    at = datetime.now(UTC) - timedelta(days=1)
    for done in range(0, count, _SKUS_A_CHUNK):
        items = range(first + done, first + min(done + _SKUS_A_CHUNK, count))
        products = [ids() for _ in range(-(-len(items) // VARIANTS_EACH))]
        of = [products[place // VARIANTS_EACH] for place in range(len(items))]
        await bulk.copy("stock", ("item_id", "kind", "on_hand"), ((i, "variant", UNITS) for i in items))
        await bulk.copy(
            "location_stock", ("item_id", "location", "on_hand"), ((i, "main", UNITS) for i in items)
        )
        await bulk.copy(
            "stock_movements",
            ("movement_id", "item_id", "kind", "on_hand_delta", "reason"),
            ((ids(), i, "receipt", UNITS, "benchmark") for i in items),
        )
        await bulk.copy(
            "products",
            ("id", "slug", "title", "description", "vendor", "status", "tags", "published_at"),
            (
                (
                    product,
                    slug_of(items[place * VARIANTS_EACH]),
                    f"Article {items[place * VARIANTS_EACH]}",
                    "A plain article, like a million others: sturdy, useful, and always in stock.",
                    "Benchmark",
                    "published",
                    ["mass"],
                    at,
                )
                for place, product in enumerate(products)
            ),
        )
        await bulk.copy(
            "variants",
            ("item_id", "product_id", "sku", "title", "weight_g", "position"),
            ((i, of[p], sku_of(i), f"No. {i}", 200, p % VARIANTS_EACH) for p, i in enumerate(items)),
        )
        await bulk.copy(
            "prices", ("item_id", "currency", "amount_minor"), ((i, "EUR", _PRICE_MINOR) for i in items)
        )
        say.move(done + len(items), count)
    await bulk.settle()
    return range(first, first + count)


async def add_orders(bulk: Bulk, items: range, count: int, say: Say) -> None:
    """Adds so many orders of two lines over these items, spread over the last year. Nobody may use the shop meanwhile."""
    number = await bulk.highest_number() + 1
    began = datetime.now(UTC) - timedelta(seconds=_YEAR_S)
    await bulk.make_months(began)
    apart_s = _YEAR_S * 0.99 / count
    for done in range(0, count, _ORDERS_A_CHUNK):
        await bulk.make_orders(
            number + done,
            min(_ORDERS_A_CHUNK, count - done),
            at=began + timedelta(seconds=apart_s * done),
            apart_s=apart_s,
            items=items,
            unit_minor=_PRICE_MINOR,
            document=_document(list(items[:_LINES])),
        )
        say.move(min(done + _ORDERS_A_CHUNK, count), count)
    await bulk.release()
    await bulk.settle()


def _document(items: list[int]) -> str:
    """What an order keeps of its quote, as checkout/orders/document.py writes it."""
    return orjson.dumps(
        {
            "lines": [
                {
                    "sku": sku_of(item),
                    "title": f"Article {item}",
                    "quantity": 1,
                    "unit_price": _PRICE_MINOR,
                    "subtotal": _PRICE_MINOR,
                    "discount": 0,
                    "tax": 0,
                    "total": _PRICE_MINOR,
                    "product_id": "00000000-0000-7000-8000-000000000000",
                }
                for item in items
            ],
            "shipping_address": ADDRESS,
            "billing_address": None,
            "shipping_option": {"code": "standard", "title": "Standard", "amount": 0},
            "coupons": [],
            "taxes": [],
            "tax_included": 0,
            "requires_shipping": True,
            "weight_g": 400,
        }
    ).decode()
