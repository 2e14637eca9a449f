"""An order's timeline as server-sent events: complete, in order, resumable, for those who may see it."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from checkout.app import PARTS
from checkout.kit.routes import Route
from checkout.payments.model import Fact, apply
from checkout.payments.store import PaymentStore
from ratelimit.inflight import InFlight
from tests.api.edge.layer import layer
from tests.api.edge.wire import wire
from tests.shop import Stores, TestShop, running


class Stream:
    """An open event stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def event(self, *, wait_s: float = 10.0) -> dict[str, Any] | None:
        """The next event's data, or None when the stream has ended; fails when its id is not its number."""
        fields: dict[bytes, bytes] = {}
        async with asyncio.timeout(wait_s):
            while line := await self._line():
                if line == b"\n" and b"data" in fields:
                    data: dict[str, Any] = orjson.loads(fields[b"data"])
                    assert int(fields[b"id"]) == data["seq"]
                    assert fields[b"event"].decode() == data["status"]
                    return data
                name, _, text = line.rstrip(b"\n").partition(b": ")
                fields[name] = text
        return None

    async def _line(self) -> bytes:
        try:
            return await self.response.content.readline()
        except aiohttp.ClientPayloadError:  # cut off without a last chunk
            return b""

    async def statuses(self, number: int) -> list[tuple[int, str]]:
        """(number, status) of the next events; fewer when the stream ends."""
        found = []
        while len(found) < number and (event := await self.event()) is not None:
            found.append((event["seq"], event["status"]))
        return found


@asynccontextmanager
async def stream(shop: TestShop, bought: Any, last: int | None = None) -> AsyncIterator[Stream]:
    """Follows the order; `last` is the number of the last event that is known."""
    headers = {"Authorization": f"Bearer {bought['access_token']}"}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    async with shop.client.get(
        f"{shop.url}/v1/orders/{bought['order']['id']}/events", headers=headers
    ) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        yield Stream(response)


async def tell(shop: TestShop, bought: Any, *statuses: str) -> None:
    """Commits timeline entries, as webhooks would."""
    store = PaymentStore(shop.app[PARTS].pool, shop.cipher)
    for status in statuses:
        state = await store.load(uuid.UUID(bought["order"]["id"]))
        assert state is not None
        amount = state.amount_minor if status == "succeeded" else None
        fact = Fact(1, status, "pi_1", client_secret="s", amount_minor=amount)  # type: ignore[arg-type]
        await store.settle(state, lambda now, fact=fact: apply(now, fact))  # type: ignore[misc]


async def test_a_timeline_is_told_as_it_happens_and_resumed_where_it_broke_off(shop: TestShop) -> None:
    """If this fails, a shopper's page misses that the payment went through, or shows it twice."""
    _, bought = await shop.buy(("MUG-CLASSIC", 1))
    async with stream(shop, bought) as first:
        assert await first.statuses(1) == [(1, "placed")]
        began = time.monotonic()
        await tell(shop, bought, "action_required")
        assert await first.statuses(1) == [(2, "action_required")]
        assert time.monotonic() - began < 3
    await tell(shop, bought, "declined")  # nobody follows now
    async with stream(shop, bought, last=2) as again, stream(shop, bought) as newcomer:
        assert await again.statuses(1) == [(3, "payment_failed")]
        assert await newcomer.statuses(3) == [(1, "placed"), (2, "action_required"), (3, "payment_failed")]
        await tell(shop, bought, "succeeded")
        assert await again.statuses(1) == [(4, "paid")]
        assert await newcomer.statuses(1) == [(4, "paid")]
        async with stream(shop, bought, last=4) as waiting:
            with_nothing = asyncio.create_task(waiting.event())
            await asyncio.sleep(0.6)
            assert not with_nothing.done(), "an event was told again"
            with_nothing.cancel()
            await asyncio.gather(with_nothing, return_exceptions=True)
    await all_gone(shop)


async def all_gone(shop: TestShop) -> None:
    """Waits until no stream has a place any more."""
    async with asyncio.timeout(5):
        while shop.app[PARTS].follower.streams:
            await asyncio.sleep(0.02)


async def test_a_stream_ends_with_the_order(shop: TestShop) -> None:
    """If this fails, every finished order leaves a connection open for as long as a browser tab."""
    _, bought = await shop.buy(("MUG-CLASSIC", 1))
    token = {"Authorization": f"Bearer {bought['access_token']}"}
    async with stream(shop, bought) as live:
        assert await live.statuses(1) == [(1, "placed")]
        status, _, _ = await shop.call("POST", f"/v1/orders/{bought['order']['id']}/cancel", headers=token)
        assert status == 200
        assert await live.statuses(9) == [(2, "cancelled")]
    async with stream(shop, bought) as late:
        assert await late.statuses(9) == [(1, "placed"), (2, "cancelled")]
    async with stream(shop, bought, last=2) as done:
        assert await done.event() is None


async def test_only_who_may_see_the_order_may_follow_it(shop: TestShop) -> None:
    """If this fails, strangers can watch orders, or tell which order ids exist."""
    _, bought = await shop.buy(("MUG-CLASSIC", 1))
    _, other = await shop.buy(("MUG-CLASSIC", 1))
    missing = "/v1/orders/01930000-0000-7000-8000-000000000000/events"
    path = f"/v1/orders/{bought['order']['id']}/events"
    stranger = {"Authorization": f"Bearer {other['access_token']}"}
    answers = [await shop.call("GET", at, headers=h) for at in (path, missing) for h in ({}, stranger)]
    assert {(status, document["code"]) for status, document, _ in answers} == {(404, "not_found")}
    assert len({document["detail"] for _, document, _ in answers}) == 1
    own = {"Authorization": f"Bearer {bought['access_token']}"}
    for last in ("x", "-1", "1.5", "9999999999", "١"):
        status, problem, _ = await shop.call("GET", path, headers=own | {"Last-Event-ID": last})
        assert (status, problem["errors"][0]["field"]) == (400, "Last-Event-ID"), last


async def test_a_stream_carries_the_fields_of_every_answer(shop: TestShop) -> None:
    """If this fails, a stream cannot be found in the log, a proxy buffers it, or a HEAD request never ends."""
    _, bought = await shop.buy(("MUG-CLASSIC", 1))
    async with stream(shop, bought) as live:
        headers = live.response.headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["Server"] == "checkout"
        assert headers["X-Request-Id"]
    head = f"HEAD /v1/orders/{bought['order']['id']}/events HTTP/1.1\r\nHost: shop\r\n"
    async with wire(shop.url) as connection:
        await connection.send(f"{head}Authorization: Bearer {bought['access_token']}\r\n\r\n".encode())
        for _ in range(2):
            answer = await connection.answer(wait_s=5)
            assert answer is not None
            assert answer.status == 200
            await connection.send(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
    await all_gone(shop)


async def test_a_stream_that_breaks_is_cut_off() -> None:
    """If this fails, a bug in the middle of a stream sends a second answer into it as if it were an event."""

    async def breaks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        raise RuntimeError("a bug")

    routes = [Route("GET", "/stream", breaks, "Breaks", content_type="text/event-stream", policy=None)]
    async with layer(routes, InFlight()) as url, wire(url) as connection:
        await connection.send(b"GET /stream HTTP/1.1\r\nHost: shop\r\n\r\n")
        text = await asyncio.wait_for(connection.reader.read(), 10)
    assert text.endswith(b"data: 1\n\n\r\n")
    assert text.count(b"HTTP/1.1") == 1


async def test_open_streams_do_not_hold_up_the_end(stores: Stores) -> None:
    """If this fails, a deployment waits ten seconds for every browser tab that is open."""
    async with running(await stores.fresh_settings()) as shop:
        _, bought = await shop.buy(("MUG-CLASSIC", 1))
        response = await shop.client.get(
            f"{shop.url}/v1/orders/{bought['order']['id']}/events",
            headers={"Authorization": f"Bearer {bought['access_token']}"},
        )
        live = Stream(response)
        assert await live.statuses(1) == [(1, "placed")]
        began = time.monotonic()
        await shop.app.shutdown()
        assert await live.event() is None
        assert time.monotonic() - began < 3
        response.close()
