"""What a checkout refuses to store, and whom it counts when the gate does not."""

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest

from checkout.app import PARTS
from config.settings import RateLimit
from tests.conftest import Stores
from tests.shop import UNLIMITED, TestShop, running

TEE = "TEE-BLACK-M"


@pytest.mark.parametrize("method", ["4242424242424242", "pm_4242424242424242", "card:4000056655665556"])
async def test_a_card_number_is_refused_and_not_repeated(shop: TestShop, method: str) -> None:
    """If this fails, a careless storefront makes us store card numbers (PCI DSS)."""
    status, problem = await shop.buy((TEE, 1), payment={"provider": "stripe", "method": method})
    assert (status, problem["errors"][0]["field"]) == (400, "payment.method")
    assert method not in msgspec.json.encode(problem).decode()
    assert await shop.db.fetchval("SELECT count(*) FROM orders") == 0


async def _few(stores: Stores) -> Any:
    limits = UNLIMITED | {"checkout": RateLimit(requests=3, period_s=3600)}
    return await stores.fresh_settings(rate_limits=limits)


async def test_what_is_refused_before_the_gate_is_counted(stores: Stores) -> None:
    """If this fails, whoever sends bad checkouts may send as many as they like, each a query to Postgres."""
    async with running(await _few(stores)) as shop:
        statuses = Counter([(await shop.buy(("NO-SUCH-SKU", 1)))[0] for _ in range(2)])
        status, _, _ = await shop.call(
            "POST",
            "/v1/checkouts",
            data=b"{",
            headers={"Idempotency-Key": "bad", "Content-Type": "application/json"},
        )
        statuses[status] += 1
        assert statuses == {400: 3}
        status, problem = await shop.buy(("NO-SUCH-SKU", 1))
        assert (status, problem["code"]) == (429, "rate_limited")
        assert (await shop.buy((TEE, 1)))[0] == 429


async def test_checkouts_are_limited_while_the_gate_is_away(stores: Stores) -> None:
    """If this fails, losing Redis opens Postgres to everybody without a limit."""
    async with running(await _few(stores)) as shop:
        gate = shop.app[PARTS].gate
        await _opened(gate)
        for task in shop.app[PARTS].tasks:  # nobody opens it again
            task.cancel()
        gate.close()
        statuses = Counter([(await shop.buy((TEE, 1)))[0] for _ in range(6)])
        assert statuses == {201: 3, 429: 3}


async def test_a_bounded_number_of_orders_reaches_postgres_without_the_gate(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this fails, all who want what is sold out queue at Postgres while the gate is away."""
    from checkout.orders.committer import Committer
    from config import limits

    gate, committer = shop.app[PARTS].gate, shop.app[PARTS].committer
    await _opened(gate)
    for task in shop.app[PARTS].tasks:
        task.cancel()
    gate.close()
    submit, most = Committer.submit, 0
    inside = 0

    def counted(self: Committer, draft: Any) -> Any:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        decision = submit(self, draft)

        def left(_: object) -> None:
            nonlocal inside
            inside -= 1

        decision.add_done_callback(left)
        return decision

    monkeypatch.setattr(Committer, "submit", counted)
    answers = await asyncio.gather(*(shop.insist((TEE, 1)) for _ in range(3 * limits.GATELESS_CONCURRENCY)))
    assert {status for status, _ in answers} <= {201, 409}
    assert 1 < most <= limits.GATELESS_CONCURRENCY
    assert committer.waiting == 0


async def test_a_signed_in_buyer_owns_the_order_and_a_bad_token_buys_nothing(shop: TestShop) -> None:
    """If this fails, an account's orders are nobody's, or an expired session silently buys as a guest."""
    import uuid

    me = uuid.uuid4()
    token = shop.app[PARTS].auth.issue(me, "customer")
    body = shop.purchase((TEE, 1))

    async def buy(bearer: str | None, key: str) -> tuple[int, Any]:
        headers = {"Idempotency-Key": key, **({"Authorization": f"Bearer {bearer}"} if bearer else {})}
        status, document, _ = await shop.call("POST", "/v1/checkouts", json=body, headers=headers)
        return status, document

    status, mine = await buy(token, "one")
    assert status == 201
    assert await shop.db.fetchval("SELECT account_id FROM orders") == me
    status, theirs = await buy(None, "one")  # a guest's key is another key
    assert status == 201
    assert theirs["order"]["id"] != mine["order"]["id"]
    status, problem = await buy(token + "x", "two")
    assert (status, problem["code"]) == (401, "unauthenticated")
    path = f"/v1/orders/{mine['order']['id']}"
    assert (await shop.call("GET", path, headers={"Authorization": f"Bearer {token}"}))[0] == 200
    stranger = shop.app[PARTS].auth.issue(uuid.uuid4(), "customer")
    assert (await shop.call("GET", path, headers={"Authorization": f"Bearer {stranger}"}))[0] == 404


async def _opened(gate: Any) -> None:
    async with asyncio.timeout(20):
        while not gate.is_open:
            await asyncio.sleep(0.05)
