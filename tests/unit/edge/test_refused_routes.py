"""The routes of the contract, asked by their request lines: each is refused unread just when its priority has no room."""

import asyncio
import re
from pathlib import Path

import msgspec

from checkout.app import ROUTES, build
from checkout.edge.middleware import STREAM
from checkout.edge.refuse import REFUSALS
from config import settings as configuration
from ratelimit.inflight import HEALTH

WITHOUT_A_ROUTER = re.compile(r"/v1/.*|[^{]*")


async def test_every_route_is_refused_by_its_priority(tmp_path: Path) -> None:
    """If this fails, a payment is refused where browsing has room, or a probe, a stream, a scrape are refused at all."""
    settings = configuration.load({"CHECKOUT_ENV": "test", "CHECKOUT_DATA_DIR": str(tmp_path)})
    nowhere = msgspec.structs.replace(
        settings, database_url="postgresql://127.0.0.1:1/none", gate_url="redis://127.0.0.1:1"
    )
    app = build(nowhere)
    refusals, wrong = app[REFUSALS], []
    limit = refusals.room.limit
    places = {0: limit // 2, 1: limit * 3 // 4, 2: limit}
    for route in app[ROUTES]:
        line = f"{route.method} {re.sub(r'{[^}]*}', 'x1', route.path)}?a=b"
        data = f"{line} HTTP/1.1\r\nHost: shop\r\n\r\n".encode()
        never = (
            route.priority == HEALTH
            or route.content_type == STREAM
            or not WITHOUT_A_ROUTER.fullmatch(route.path)
        )
        for inside in (*(place - 1 for place in places.values()), *places.values(), 10 * limit):
            refusals.room.count = inside
            refused = refusals.answer(data) is not None
            await asyncio.sleep(0)
            if refused is not (not never and inside >= places[route.priority]):
                wrong.append((line, inside))
    refusals.room.count = 0
    assert wrong == []
    assert {route.priority for route in app[ROUTES]} == {0, 1, 2, 3}
