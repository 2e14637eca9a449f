"""What belongs to somebody: for each path, one of the caller's, one of somebody else's, and one that nobody has."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.api.access.conftest import Desk
from tests.shop import ADDRESS

MISSING = "01930000-0000-7000-8000-000000000000"
OWN_SKU, OTHERS_SKU, MISSING_SKU = "MUG-CLASSIC", "TEE-BLACK-M", "NO-SUCH-SKU"
Names = dict[str, str]


@dataclass(frozen=True, slots=True)
class Owned:
    """The names that a path's parameters take. `who`: the caller whose own they are."""

    who: str
    own: Names
    others: Names
    missing: Names

    def secrets(self) -> list[str]:
        """What the caller must never read anywhere."""
        return list(self.others.values())


async def share_out(desk: Desk) -> None:
    """Gives the vendor the mug, and the other vendor everything else."""
    await desk.shop.db.execute("UPDATE products SET owner_id = $1", desk.ids["other"])
    await desk.shop.db.execute(
        "UPDATE products SET owner_id = $1 WHERE id = (SELECT product_id FROM variants WHERE sku = $2)",
        desk.ids["vendor"],
        OWN_SKU,
    )


async def _product(desk: Desk, sku: str) -> str:
    return str(await desk.shop.db.fetchval("SELECT product_id FROM variants WHERE sku = $1", sku))


async def products(desk: Desk) -> Owned:
    """Products and their variants."""
    return Owned(
        "vendor",
        {"id": await _product(desk, OWN_SKU), "sku": OWN_SKU},
        {"id": await _product(desk, OTHERS_SKU), "sku": OTHERS_SKU},
        {"id": MISSING, "sku": MISSING_SKU},
    )


async def prices(desk: Desk) -> Owned:
    """Prices of a SKU."""
    return Owned(
        "vendor",
        {"sku": OWN_SKU, "currency": "EUR"},
        {"sku": OTHERS_SKU, "currency": "EUR"},
        {"sku": MISSING_SKU, "currency": "EUR"},
    )


async def skus(desk: Desk) -> Owned:
    """What is known of a SKU."""
    return Owned("vendor", {"sku": OWN_SKU}, {"sku": OTHERS_SKU}, {"sku": MISSING_SKU})


async def orders(desk: Desk) -> Owned:
    """Orders with a line of one's own, and without."""
    _, own = await desk.shop.buy((OWN_SKU, 1), (OTHERS_SKU, 1))
    _, others = await desk.shop.buy((OTHERS_SKU, 1))
    return Owned("vendor", {"id": own["order"]["id"]}, {"id": others["order"]["id"]}, {"id": MISSING})


def made_by_post(
    path: str, body: Callable[[str], Any], *, who: str = "vendor", other: str = "other"
) -> Callable[[Desk], Awaitable[Owned]]:
    """Things that each makes with this body, which may name a SKU of theirs."""

    async def make(desk: Desk) -> Owned:
        found = []
        for name, sku in ((who, OWN_SKU), (other, OTHERS_SKU)):
            status, document, _ = await desk.call(name, "POST", path, **body(sku))
            assert status in (201, 202), (path, document)
            found.append({"id": document["id"]})
        return Owned(who, found[0], found[1], {"id": MISSING})

    return make


async def own_orders(desk: Desk) -> Owned:
    """Orders of accounts."""
    found = []
    for name in ("customer", "stranger"):
        _, bought = await desk.shop.buy((OWN_SKU, 1))
        order_id = bought["order"]["id"]
        await desk.shop.db.execute(
            "UPDATE orders SET account_id = $1 WHERE id = $2", desk.ids[name], uuid.UUID(order_id)
        )
        found.append({"id": order_id})
    return Owned("customer", found[0], found[1], {"id": MISSING})


async def carts(desk: Desk) -> Owned:
    """Carts that somebody has taken."""
    found = []
    for name in ("customer", "stranger"):
        lines = [{"sku": OWN_SKU, "quantity": 1}]
        _, cart, _ = await desk.shop.call("POST", "/v1/carts", json={"currency": "EUR", "lines": lines})
        await desk.call(name, "POST", f"/v1/carts/{cart['id']}/claim", json={}, expect=200)
        found.append({"id": cart["id"]})
    return Owned("customer", found[0], found[1], {"id": "A" * 32})


KEY = {"name": "a machine", "permissions": ["own:products:read"]}


def _sheet(_sku: str) -> Any:
    return {"data": b"slug,sku\nmug,X-1\n", "headers": {"Content-Type": "text/csv"}}


def _price_list(sku: str) -> Any:
    entry = {"sku": sku, "currency": "EUR", "amount": 100}
    return {"json": {"name": "Sale", "prices": [entry], "from": "2999-01-01T00:00:00Z"}}


# By how a path begins.
OWNERS: dict[str, Callable[[Desk], Awaitable[Owned]]] = {
    "/v1/admin/products/": products,
    "/v1/admin/prices/": prices,
    "/v1/admin/price-lists/": made_by_post("/v1/admin/price-lists", _price_list),
    "/v1/admin/orders/": orders,
    "/v1/admin/api-keys/": made_by_post("/v1/admin/api-keys", lambda _: {"json": KEY}),
    "/v1/admin/imports/": made_by_post("/v1/admin/imports", _sheet),
    "/v1/admin/exports/": made_by_post("/v1/admin/exports", lambda _: {"json": {}}),
    "/v1/admin/stock/": skus,
    "/v1/me/addresses/": made_by_post(
        "/v1/me/addresses", lambda _: {"json": ADDRESS}, who="customer", other="stranger"
    ),
    "/v1/me/orders/": own_orders,
    "/v1/carts/": carts,
}

# Paths that name what everybody may see: the caller's own is what lies below them, by the account alone.
EVERYBODYS = ("/v1/products/",)

VARIANT = {"sku": "NEW-SKU-1", "prices": {"EUR": {"amount": 100}}}
# Bodies with which a call would do something, so that only whose it is can be in the way.
BODIES: dict[str, dict[str, Any]] = {
    "PATCH /v1/admin/products/{id}": {"title": "Mine now"},
    "PUT /v1/admin/products/{id}": {"title": "Mine now", "slug": "mine-now", "variants": [VARIANT]},
    "POST /v1/admin/products/{id}/publish": {},
    "POST /v1/admin/products/{id}/variants": {"variants": [VARIANT]},
    "PATCH /v1/admin/products/{id}/variants/{sku}": {"title": "Mine now"},
    "POST /v1/admin/products/{id}/images/uploads": {"content_type": "image/png", "bytes": 1000},
    "PATCH /v1/admin/price-lists/{id}": {"name": "Mine now"},
    "PATCH /v1/admin/stock/{sku}": {"low_at": 3},
    "PUT /v1/admin/api-keys/{id}": KEY,
    "PUT /v1/me/addresses/{id}": ADDRESS,
}
# Routes that name what is owned in their body: the body, by the SKU it names.
BY_BODY: dict[str, Callable[[str], Any]] = {
    "POST /v1/admin/stock/adjustments": lambda sku: {"sku": sku, "delta": 1, "reason": "counted"},
    "POST /v1/admin/stock/receipts": lambda sku: {"lines": [{"sku": sku, "quantity": 1}], "reason": "came"},
    "POST /v1/admin/stock/counts": lambda sku: {"lines": [{"sku": sku, "counted": 1}], "reason": "counted"},
    "POST /v1/admin/stock/transfers": lambda sku: {
        "from": "main",
        "to": "main-2",
        "lines": [{"sku": sku, "quantity": 1}],
        "reason": "moved",
    },
    "POST /v1/admin/stock/feed": lambda sku: {
        "rows": [{"sku": sku, "on_hand": 1, "as_of": "2026-01-01T00:00:00Z", "source_id": "wms"}]
    },
    "PUT /v1/admin/prices": lambda sku: {"prices": [{"sku": sku, "currency": "EUR", "amount": 100}]},
    "POST /v1/admin/price-lists": lambda sku: _price_list(sku)["json"],
}
# Routes that only ever make something of the caller's own, and name nothing that is there.
MAKES = frozenset(
    {
        "POST /v1/admin/products",
        "POST /v1/admin/api-keys",
        "POST /v1/admin/imports",
        "POST /v1/admin/exports",
    }
)
