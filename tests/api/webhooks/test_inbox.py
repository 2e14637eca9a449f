"""`POST /v1/webhooks/stripe` as anybody on the internet can call it (T8)."""

import asyncio
import uuid
from typing import Any

from config import limits
from tests.shop import Stores, TestShop, running
from tests.workers.stripe_events import event, forgeries, signed

PATH = "/v1/webhooks/stripe"


async def kept(shop: TestShop) -> tuple[int, int]:
    """(webhooks kept, webhooks owed to an actor)."""
    row = await shop.db.fetchrow(
        "SELECT (SELECT count(*) FROM webhook_inbox), (SELECT count(*) FROM outbox WHERE topic = 'webhook.apply')"
    )
    return tuple(row)


async def test_only_what_the_provider_signed_is_kept_and_once(stores: Stores) -> None:
    """If this fails, a stranger can mark orders as paid, fill the inbox, or make the shop answer with a 500 (T8)."""
    settings = await stores.fresh_settings(stripe_webhook_secret="whsec_new,whsec_old")
    async with running(settings) as shop:
        _, bought = await shop.buy(("MUG-CLASSIC", 1))
        order = uuid.UUID(bought["order"]["id"])

        async def send(body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
            fields = {
                name: text for name, text in headers.items() if "\udcff" not in text
            }  # aiohttp sends UTF-8
            status, answer, _ = await shop.call("POST", PATH, data=body, headers=fields)
            return status, answer

        body = event(order, "succeeded")
        for how, headers in forgeries(body, event(order, "declined"), secret="whsec_new").items():
            status, problem = await send(body, headers)
            assert (status, problem["code"]) == (400, "bad_signature"), how
            assert problem["errors"][0]["field"] == "Stripe-Signature"
        for odd in (
            b"{}",
            b"[" * 5000,
            body.replace(b'"payment_intent.succeeded"', b'"a\\u0000"'),
            body.replace(b'"metadata":{', b'"metadata":{"deep":[{"a\\u0000":1}],'),
            body.replace(b'"evt_', b'"' + bytes(range(65, 91)) * 200),
        ):
            status, problem = await send(odd, signed(odd, secret="whsec_new"))
            assert (status, problem["code"]) == (400, "bad_signature"), odd[:40]
        assert await kept(shop) == (0, 0)

        good = signed(body, secret="whsec_old")
        answers = await asyncio.gather(*(send(body, good) for _ in range(20)))
        assert answers == [(200, {"received": True})] * 20
        assert await kept(shop) == (1, 1)
        assert await send(body, signed(body, secret="whsec_new")) == (200, {"received": True})
        assert await kept(shop) == (1, 1)
        second = event(order, "pending")
        assert await send(second, signed(second, secret="whsec_new")) == (200, {"received": True})
        assert await kept(shop) == (2, 2)
        stranger = event(uuid.uuid4(), "succeeded").replace(b'"order_id":"', b'"order_id":7,"or":"')
        assert await send(stranger, signed(stranger, secret="whsec_new")) == (200, {"received": True})

        status, problem = await send(b" " * (limits.WEBHOOK_BODY_MAX_BYTES + 1), good)
        assert (status, problem["code"]) == (413, "too_large")
        assert await kept(shop) == (3, 3)
