"""What a load balancer is told, with every store there and with each of them away."""

import asyncio
from typing import Any

from msgspec.structs import replace

from tests.api.edge.cable import cable
from tests.shop import Stores, TestShop, running


async def ready(shop: TestShop, **wanted: str) -> tuple[int, Any, Any]:
    """The answer of /readyz once these parts are as wanted."""
    async with asyncio.timeout(15):
        while True:
            status, document, headers = await shop.call("GET", "/readyz")
            if all(document["parts"][name] == state for name, state in wanted.items()):
                return status, document, headers
            await asyncio.sleep(0.05)


async def test_a_process_without_its_gate_serves_and_says_so(stores: Stores) -> None:
    """If this fails, losing Redis takes every process out of the load balancer, though the shop could sell on."""
    settings = await stores.fresh_settings()
    async with cable(settings.gate_url) as (wire, url), running(replace(settings, gate_url=url)) as shop:
        status, document, _ = await ready(shop, gate="up")
        assert (status, document) == (200, {"status": "ready", "parts": {"database": "up", "gate": "up"}})
        await wire.cut()
        status, document, _ = await ready(shop, gate="down")
        assert (status, document["status"], document["parts"]["database"]) == (200, "ready", "up")
        assert (await shop.call("GET", "/v1/products/tee-black"))[0] == 200
        status, bought = await shop.buy(("MUG-CLASSIC", 1))
        assert status == 201, bought
        await wire.mend()
        await ready(shop, gate="up")
        assert (await shop.buy(("MUG-CLASSIC", 1)))[0] == 201
        await shop.quiet()


async def test_a_process_without_postgres_is_not_ready_and_not_dead(stores: Stores) -> None:
    """If this fails, orders are sent to a process that cannot take them, or it is restarted for another's fault."""
    settings = await stores.fresh_settings()
    async with (
        cable(settings.database_url) as (wire, url),
        running(replace(settings, database_url=url)) as shop,
    ):
        await ready(shop, database="up", gate="up")
        known = await shop.call("GET", "/v1/products/tee-black")
        assert known[0] == 200
        await wire.cut()
        status, problem, headers = await ready(shop, database="down")
        assert (status, problem["code"]) == (503, "not_ready")
        assert headers["Content-Type"] == "application/problem+json"
        assert headers["Retry-After"] == "1"
        assert "database" in problem["detail"]
        assert (await shop.call("GET", "/healthz"))[:2] == (200, {"status": "ok"})
        status, problem = await shop.buy(("MUG-CLASSIC", 1), key="patient")
        assert status == 503, problem
        assert problem["retry_after_ms"] > 0
        assert (await shop.call("GET", "/v1/products/tee-black"))[:2] == known[:2], (
            "known documents are served"
        )
        assert (await shop.call("GET", "/metrics"))[0] == 200
        await wire.mend()
        await ready(shop, database="up")
        async with asyncio.timeout(15):
            while (await shop.buy(("MUG-CLASSIC", 1), key="patient"))[0] != 201:
                await asyncio.sleep(0.1)
        assert await shop.db.fetchval("SELECT count(*) FROM orders") == 1
