"""A drop's buyers against a small server: they come back with the same key, and every one of them is counted once."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bench.load.rush import Asked, Seen, _run
from bench.scenarios.sale import Sale, units_apart

UNITS = 3


class Shop:
    """Sheds each key once, cuts off every fifth buyer once, then sells three units to whoever comes first."""

    def __init__(self) -> None:
        self.keys: Counter[str] = Counter()
        self.numbers = itertools.count()
        self.sold: list[str] = []
        self.silent = False

    async def page(self, _request: web.Request) -> web.Response:
        """What people look at before."""
        return web.Response(text="a poster")

    async def buy(self, request: web.Request) -> web.Response:
        """One purchase."""
        body, key = await request.json(), request.headers["Idempotency-Key"]
        assert body["lines"] == [{"sku": "POSTER", "quantity": 1}]
        self.keys[key] += 1
        if self.silent:
            await asyncio.sleep(30)
        if self.keys[key] == 1:
            if next(self.numbers) % 5 == 0:
                assert request.transport is not None
                request.transport.abort()
            return web.json_response({"code": "overloaded", "retry_after_ms": 20}, status=503)
        if len(self.sold) < UNITS:
            self.sold.append(f"order-{len(self.sold)}")
            return web.json_response({"order": {"id": self.sold[-1]}}, status=201)
        return web.json_response({"code": "out_of_stock"}, status=409)


@pytest.fixture
async def shop() -> AsyncIterator[tuple[Shop, str]]:
    """The server and its address."""
    made = Shop()
    app = web.Application()
    app.add_routes([web.get("/v1/products/poster", made.page), web.post("/v1/checkouts", made.buy)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield made, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def asked(url: str, **changes: float) -> Asked:
    """A small drop."""
    return Asked(
        url=url,
        sku="POSTER",
        slug="poster",
        users=20,
        stragglers=5,
        rush_s=0.2,
        tail_s=0.5,
        gather_s=0.05,
        patience_s=changes.get("patience_s", 30.0),
    )


async def test_buyers_come_back_until_they_are_answered(shop: tuple[Shop, str]) -> None:
    """A failure means that a sale is judged by buyers who give up at once, or that one buyer counts as two."""
    made, url = shop
    seen: Seen = await _run(asked(url))
    assert (seen.buyers, seen.sold, seen.refused, seen.unanswered) == (25, UNITS, 22, 0)
    assert sorted(seen.orders) == made.sold
    assert seen.unexpected == {}
    assert len(made.keys) == 25
    assert set(made.keys.values()) == {2}
    assert seen.requests == 50
    assert seen.cut_off == 5
    assert seen.repeated == 20
    assert seen.tries_most == 2
    assert sum(tick.arrived for tick in seen.ticks) == 25
    assert sum(tick.sold for tick in seen.ticks) == UNITS
    assert seen.ticks[-1].waiting == 0
    assert set(seen.distribution) == {"sold", "refused"}


async def test_whoever_is_never_answered_is_told(shop: tuple[Shop, str]) -> None:
    """A failure means that a shop which hangs passes a sale."""
    made, url = shop
    made.silent = True
    seen = await _run(asked(url, patience_s=0.5))
    assert (seen.sold, seen.refused, seen.unanswered) == (0, 0, 25)
    assert seen.took_s < 10


@pytest.mark.parametrize(
    ("sold", "acknowledged", "apart"),
    [(100, 100, 0), (101, 101, 1), (99, 99, 1), (100, 99, 1), (0, 0, 100)],
)
def test_exactly_so_many_are_sold(sold: int, acknowledged: int, apart: int) -> None:
    """A failure means that an oversold drop passes, or one that left units over."""
    assert units_apart(Sale(users=500, units=100), sold=sold, acknowledged=acknowledged) == apart


def test_fewer_buyers_than_units_leave_some_over() -> None:
    """A failure means that a drop nobody wanted is told as wrong."""
    assert units_apart(Sale(users=20, stragglers=0, units=100), sold=20, acknowledged=20) == 0
