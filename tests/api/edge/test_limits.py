"""Rate limits as a client sees them: how much is left, when it is back, and a refusal that says so."""

import asyncio
import re
from typing import Any

from config import settings as configuration
from tests.api.edge.wire import Answer, exchange
from tests.shop import Stores, TestShop, running

RATES = '{"browse":"5/minute","cart":"4/minute","checkout":"3/second","login":"2/minute","admin":"3/minute"}'
CALLS: dict[str, tuple[str, str, Any, int]] = {
    "browse": ("GET", "/v1/categories", None, 200),
    "cart": ("POST", "/v1/carts", {"currency": "EUR"}, 201),
    "login": ("POST", "/v1/sessions", {"email": "a@example.com", "password": "not this one"}, 401),
    "admin": ("GET", "/v1/admin/stats", None, 401),
}


def rates(text: str = RATES) -> Any:
    """The setting's value as the environment gives it."""
    return configuration.load({"CHECKOUT_ENV": "test", "CHECKOUT_RATE_LIMITS": text}).rate_limits


def standing(headers: Any, policy: str) -> tuple[int, int]:
    """(left, seconds until all is back) by the RateLimit field of this policy."""
    found = re.fullmatch(rf'"{policy}";r=(\d+);t=(\d+)', headers["RateLimit"])
    assert found, headers["RateLimit"]
    return int(found[1]), int(found[2])


async def test_each_policy_counts_down_and_refuses(stores: Stores) -> None:
    """If this fails, a limit of CHECKOUT_RATE_LIMITS is not held, or a client cannot know that it nears one."""
    async with running(await stores.fresh_settings(rate_limits=rates())) as shop:
        for policy, (method, path, document, expected) in CALLS.items():
            rate = shop.settings.rate_limits[policy]
            most, period_s = rate.requests, rate.period_s
            for left in reversed(range(most)):
                status, _, headers = await shop.call(method, path, json=document)
                assert status == expected, policy
                assert headers["RateLimit-Policy"] == f'"{policy}";q={most};w={period_s}'
                r, t = standing(headers, policy)
                assert r == left
                assert period_s / most * (most - left) - 2 <= t <= period_s
            for _ in range(3):
                status, problem, headers = await shop.call(method, path, json=document)
                assert (status, problem["code"]) == (429, "rate_limited"), policy
                assert headers["Content-Type"] == "application/problem+json"
                assert standing(headers, policy)[0] == 0
                pause_ms = problem["retry_after_ms"]
                assert 0 < pause_ms <= period_s / most * 1000
                assert int(headers["Retry-After"]) == max(1, -(-pause_ms // 1000))
        status, document, _ = await shop.call("GET", "/healthz")
        assert (status, document) == (200, {"status": "ok"})
        assert (await shop.call("GET", "/metrics"))[0] == 200


async def test_the_checkout_counts_in_its_own_call_and_says_the_same(stores: Stores) -> None:
    """If this fails, a bot can buy as fast as it likes, or a refused buyer is not told when to come back."""
    async with running(await stores.fresh_settings(rate_limits=rates())) as shop:
        await gate_open(shop)
        left = []
        for number in range(3):
            status, _, headers = await buy(shop, f"k{number}")
            assert status == 201
            assert headers["RateLimit-Policy"] == '"checkout";q=3;w=1'
            left.append(standing(headers, "checkout")[0])
        status, problem, headers = await buy(shop, "k3")
        while status == 201:  # a slow machine: the limit came back meanwhile
            status, problem, headers = await buy(shop, f"more{len(left)}")
            left.append(-1)
            assert len(left) < 200
        assert left[:3] == sorted(left[:3], reverse=True)
        assert (status, problem["code"], headers["RateLimit-Policy"]) == (
            429,
            "rate_limited",
            '"checkout";q=3;w=1',
        )
        assert headers["Retry-After"] == "1"
        await asyncio.sleep(problem["retry_after_ms"] / 1000)
        assert (await buy(shop, "k4"))[0] == 201
        placed = await shop.db.fetchval("SELECT count(*) FROM orders")
        assert placed == len(left) + 1, "a refused purchase was placed"


async def buy(shop: TestShop, key: str) -> tuple[int, Any, Any]:
    """A purchase of one mug; (status, document, header fields)."""
    body = shop.purchase(("MUG-CLASSIC", 1))
    return await shop.call("POST", "/v1/checkouts", json=body, headers={"Idempotency-Key": key})


async def gate_open(shop: TestShop) -> None:
    """Waits until the gate counts: while it is away, checkouts are let in by another bound."""
    async with asyncio.timeout(10):
        while (await shop.call("GET", "/readyz"))[1]["parts"]["gate"] != "up":
            await asyncio.sleep(0.02)


async def test_one_client_is_one_address_whatever_it_claims(stores: Stores) -> None:
    """If this fails, a client escapes its limit with a header of its own, or all behind a proxy share one."""

    async def ask(shop: TestShop, **fields: str) -> int:
        headers = {name.replace("_", "-"): text for name, text in fields.items()}
        return (await shop.call("GET", "/v1/categories", headers=headers))[0]

    few = rates('{"browse":"2/hour"}')
    async with running(await stores.fresh_settings(rate_limits=few)) as shop:
        found = [
            await ask(shop, X_Forwarded_For=f"10.0.0.{n}", Forwarded=f"for=10.0.0.{n}") for n in range(4)
        ]
        assert found == [200, 200, 429, 429]
    behind = await stores.fresh_settings(rate_limits=few, trusted_proxies=("127.0.0.1/32", "10.9.0.0/16"))
    async with running(behind) as shop:
        assert [await ask(shop, X_Forwarded_For="10.0.0.1") for _ in range(3)] == [200, 200, 429]
        assert await ask(shop, X_Forwarded_For="10.0.0.2") == 200
        assert await ask(shop, X_Forwarded_For="10.0.0.9, 10.0.0.1") == 429, (
            "only the proxy's own entry counts"
        )
        assert await ask(shop, X_Forwarded_For="10.0.0.1, 10.9.3.3") == 429, "an inner proxy is no client"
        assert [await ask(shop, X_Forwarded_For=f"2001:db8::{n}") for n in range(1, 4)] == [200, 200, 429]
        assert await ask(shop, X_Forwarded_For="2001:db8:0:1::1") == 200
        assert await ask(shop, X_Forwarded_For="nonsense, 10.0.0.1;") == 200  # counted as the proxy itself


async def test_unknown_addresses_are_limited_too(stores: Stores) -> None:
    """If this fails, a scanner may guess paths without any limit."""
    async with running(await stores.fresh_settings(rate_limits=rates('{"browse":"3/hour"}'))) as shop:
        found = [(await shop.call("GET", f"/v1/nothing/{n}"))[0] for n in range(5)]
        assert found == [404, 404, 404, 429, 429]


async def test_processes_count_together(stores: Stores) -> None:
    """If this fails, a limit is multiplied by the number of processes or nodes."""
    first = await stores.fresh_settings(rate_limits=rates('{"cart":"6/hour"}'))
    async with running(first) as one, running(first) as other:
        found = [
            (await shop.call("POST", "/v1/carts", json={"currency": "EUR"}))[0] for shop in (one, other) * 5
        ]
        assert found == [201] * 6 + [429] * 4


async def test_streams_are_limited_too(stores: Stores) -> None:
    """If this fails, opening event streams is a way around the limit, each costing a question to Postgres."""
    async with running(await stores.fresh_settings(rate_limits=rates('{"cart":"3/hour"}'))) as shop:
        raw = b"GET /v1/orders/01930000-0000-7000-8000-000000000000/events HTTP/1.1\r\nHost: shop\r\n\r\n"
        answers: list[Answer | None] = [await exchange(shop.url, raw) for _ in range(5)]
        assert [a and a.status for a in answers] == [404, 404, 404, 429, 429]
        last = answers[-1]
        assert last is not None
        assert last.problem["code"] == "rate_limited"
        assert int(last.headers["retry-after"]) >= 1
