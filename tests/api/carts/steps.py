"""Steps that tests of carts share."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from checkout.app import PARTS
from tests.shop import TestShop

TEE, MUG = "TEE-BLACK-M", "MUG-CLASSIC"


async def until(check: Callable[[], bool | Awaitable[bool]], *, wait_s: float = 5.0) -> None:
    """Waits until the check holds; fails when it does not within `wait_s`."""
    end = asyncio.get_running_loop().time() + wait_s
    while asyncio.get_running_loop().time() < end:
        found = check()
        if await found if inspect.isawaitable(found) else found:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"not within {wait_s} s")


async def gate_open(shop: TestShop) -> None:
    """Waits until the shop's gate is built and open."""
    await until(lambda: shop.app[PARTS].gate.is_open)


async def begin(shop: TestShop, *lines: tuple[str, int], **more: Any) -> dict[str, Any]:
    """A new cart with these lines, in an open gate."""
    await gate_open(shop)
    body = {"currency": "EUR", "lines": [{"sku": sku, "quantity": units} for sku, units in lines], **more}
    status, cart, headers = await shop.call("POST", "/v1/carts", json=body)
    assert status == 201, cart
    assert headers["Location"] == f"/v1/carts/{cart['id']}"
    found: dict[str, Any] = cart
    return found


async def left(shop: TestShop, sku: str) -> int:
    """Units that the gate would still give."""
    item = await shop.db.fetchval("SELECT item_id FROM variants WHERE sku = $1", sku)
    available = await shop.app[PARTS].gate.available([item])
    assert available is not None
    return available[0]
