"""A shop, whoever moves its stock, and the audit's word on the stock afterwards."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from checkout.accounts import store
from checkout.app import PARTS
from checkout.audit.model import Charge
from checkout.audit.prove import audit
from tests.shop import TestShop

MUG = "MUG-CLASSIC"
STOCK_LAWS = {
    "oversold_units", "reserved_ledger", "reserved_orders", "on_hand_ledger", "location_total", "locations", "transfers",
    "policies", "gate_counters",
}  # fmt: skip


async def _no_charges() -> AsyncIterator[Charge]:
    """The provider's ledger of a shop whose payments never ran."""
    for charge in ():
        yield charge


@dataclass(slots=True)
class Desk:
    """The shop and the header fields of an admin, a vendor and another vendor."""

    shop: TestShop
    admin: dict[str, str]
    vendor: dict[str, str]
    other: dict[str, str]
    keys: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def ask(
        self,
        method: str,
        path: str,
        *,
        by: str = "admin",
        key: str | None = None,
        headers: Any = None,
        **body: Any,
    ) -> tuple[int, Any, Any]:
        """(status, document, header fields) of a call below /v1/admin; a POST has a key of its own unless one is given."""
        sent = dict(getattr(self, by)) | (headers or {})
        if method == "POST":
            sent["Idempotency-Key"] = key or f"desk-{next(self.keys)}"
        extra = {"json": body} if body else {}
        for _ in range(20):
            answer = await self.shop.call(method, f"/v1/admin/{path}", headers=sent, **extra)
            if answer[0] != 503:  # busy: nothing was done, and the same request may be sent again
                break
            await asyncio.sleep(0.2)
        return answer

    async def place(self, code: str, **changes: Any) -> None:
        """Opens a location."""
        wanted = {"code": code, "name": code.title(), "country": "DE"} | changes
        assert (await self.ask("POST", "locations", **wanted))[0] == 201

    async def at(self, sku: str = MUG) -> dict[str, int]:
        """Units by location."""
        _, document, _ = await self.ask("GET", f"stock/{sku}")
        return {place["location"]: place["on_hand"] for place in document["locations"]}

    async def broken(self) -> set[str]:
        """Laws of stock that do not hold, by the audit, once the gate has had its time."""
        for _ in range(3):
            await self.shop.quiet(wait_s=10.0)
            report = await audit(self.shop.settings, wait_s=0.0, ledger=_no_charges)
            failed = set(report.failed) & STOCK_LAWS
            if failed != {"gate_counters"}:
                break
            await asyncio.sleep(2.0)
        return failed


async def _account(shop: TestShop, email: str, role: str) -> dict[str, str]:
    async with shop.db.acquire() as connection:
        account = await store.add_account(
            connection, shop.cipher, email=email, password_hash="none", role=role
        )
    assert account is not None
    return {"Authorization": f"Bearer {shop.app[PARTS].auth.issue(account, role)}"}


@pytest.fixture
async def desk(shop: TestShop) -> Desk:
    """The shop with its people; the mug belongs to `vendor`."""
    made = Desk(
        shop,
        await _account(shop, "admin@example.com", "admin"),
        await _account(shop, "vendor@example.com", "vendor"),
        await _account(shop, "other@example.com", "vendor"),
    )
    await shop.db.execute(
        """UPDATE products SET owner_id = $2 WHERE id = (SELECT product_id FROM variants WHERE sku = $1)""",
        MUG,
        await shop.account_id("vendor@example.com"),
    )
    return made
