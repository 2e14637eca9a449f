"""A cart's request and its rate limit: one call of the gate for both, one count a request, nothing done over the limit."""

from collections import Counter
from typing import Any

import pytest

from checkout.app import PARTS
from checkout.carts.live import EDIT
from checkout.errors import OutcomeUnknown
from checkout.kit.lane import Lane
from tests.api.edge.test_limits import rates, standing
from tests.shop import ADDRESS, Stores, TestShop, running

from .steps import MUG, TEE, begin, gate_open

POLICY = '"cart";q=60;w=3600'
SIXTY = '{"cart":"60/hour"}'


async def test_an_edit_is_one_call(shop: TestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, a cart's edit and its rate limit cost more than one call of the gate together."""
    at = f"/v1/carts/{(await begin(shop, (TEE, 1)))['id']}"
    await shop.call("PUT", f"{at}/lines/{MUG}", json={"quantity": 1})
    sent: Counter[str] = Counter()
    script = Lane.script

    def counted(lane: Lane, which: Any, *args: Any) -> Any:
        sent[which.name] += 1
        return script(lane, which, *args)

    monkeypatch.setattr(Lane, "script", counted)
    for method, path, body, calls in (
        ("PUT", f"{at}/lines/{MUG}", {"quantity": 2}, {"edit": 1}),
        ("PUT", f"{at}/lines/{MUG}", {"quantity": 0}, {"edit": 1}),
        ("DELETE", f"{at}/lines/{MUG}", None, {"edit": 1}),
        ("GET", at, None, {"edit": 1}),
        ("PUT", f"{at}/address", ADDRESS, {"edit": 1}),
        ("POST", f"{at}/coupons", {"code": "WELCOME10"}, {"edit": 2}),
        ("DELETE", f"{at}/coupons/WELCOME10", None, {"edit": 1}),
        ("POST", "/v1/carts", {"currency": "EUR"}, {"restore": 1}),
    ):
        sent.clear()
        status, document, _ = await shop.call(method, path, json=body)
        assert status in (200, 201), document
        # The reconciler looks at the gate on its own time.
        assert {name: n for name, n in sent.items() if name not in ("snapshot", "shift")} == calls, path


async def test_a_request_is_counted_once(stores: Stores) -> None:
    """If this fails, a request that takes several calls uses up more of its client's limit, or a refused one none."""
    async with running(await stores.fresh_settings(rate_limits=rates(SIXTY))) as shop:
        at = f"/v1/carts/{(await begin(shop, (TEE, 1)))['id']}"
        line, left = f"{at}/lines/{TEE}", 59
        gate = shop.app[PARTS].gate
        key = b"{0}:cart:%d:%b" % (gate.epoch, at.rpartition("/")[2].encode())
        stale = {"If-Match": '"77"'}
        for method, path, more, expected in (
            ("GET", at, {}, 200),
            ("PUT", line, {"json": {"quantity": 2}}, 200),
            ("POST", f"{at}/hold", {}, 200),
            ("PUT", line, {"json": {"quantity": 3}}, 200),
            ("PUT", line, {"json": {"quantity": 3}}, 200),
            ("DELETE", f"{at}/hold", {}, 200),
            ("PUT", line, {"json": {"quantity": 1}, "headers": stale}, 412),
            ("PUT", line, {"json": {"quantity": 1}, "headers": {"If-Match": "nonsense"}}, 412),
            ("PUT", line, {"json": {"quantity": "much"}}, 400),
            ("PUT", line, {"data": b"a=b", "headers": {"Content-Type": "text/plain"}}, 415),
            ("PUT", f"{at}/lines/NOT-SOLD", {"json": {"quantity": 1}}, 404),
            ("PUT", f"/v1/carts/{'x' * 32}/lines/{TEE}", {"json": {"quantity": 1}}, 404),
            ("GET", "/v1/carts/short", {}, 404),
            ("POST", f"{at}/coupons", {"json": {"code": "WELCOME10"}}, 200),
            ("POST", f"{at}/coupons", {"json": {"code": "NO-SUCH"}}, 400),
            ("PUT", f"{at}/address", {"json": ADDRESS}, 200),
            ("PUT", f"{at}/shipping", {"json": {"option": "standard"}}, 200),
            ("GET", f"{at}/shipping-options", {}, 200),
            ("POST", f"{at}/claim", {}, 401),
            (
                "POST",
                "/v1/carts",
                {"json": {"currency": "EUR", "lines": [{"sku": "NO", "quantity": 1}]}},
                400,
            ),
        ):
            for gone in (False, True):
                if gone:
                    await gate.lane.call(b"DEL", key)
                status, document, headers = await shop.call(method, path, **more)
                left -= 1
                told = (expected, POLICY, left)
                assert (status, headers["RateLimit-Policy"], standing(headers, "cart")[0]) == told, document


async def test_over_the_limit_nothing_is_done(stores: Stores) -> None:
    """If this fails, a client over its limit still edits carts, or has Postgres asked, or is not told when to come back."""
    async with running(await stores.fresh_settings(rate_limits=rates('{"cart":"2/hour"}'))) as shop:
        cart = await begin(shop, (TEE, 1))
        at, parts = f"/v1/carts/{cart['id']}", shop.app[PARTS]
        assert (await shop.call("GET", at))[0] == 200
        await parts.persister.flush()
        loads = parts.offers.loads
        for method, path, more in (
            ("PUT", f"{at}/lines/{TEE}", {"json": {"quantity": 5}}),
            ("PUT", f"{at}/lines/{MUG}", {"json": {"quantity": 1}}),
            ("PUT", f"{at}/lines/NOT-SOLD", {"json": {"quantity": 1}}),
            ("PUT", f"{at}/lines/{TEE}", {"json": {"quantity": "much"}}),
            ("DELETE", f"{at}/lines/{TEE}", {}),
            ("POST", f"{at}/coupons", {"json": {"code": "WELCOME10"}}),
            ("PUT", f"{at}/address", {"json": ADDRESS}),
            ("POST", f"{at}/hold", {}),
            ("POST", f"{at}/claim", {}),
            ("POST", "/v1/carts", {"json": {"currency": "EUR"}}),
            ("POST", "/v1/carts", {"json": {"currency": "EUR", "lines": [{"sku": MUG, "quantity": 1}]}}),
            ("GET", at, {}),
        ):
            status, problem, headers = await shop.call(method, path, **more)
            assert (status, problem["code"]) == (429, "rate_limited"), path
            assert problem["detail"] == "The limit of the policy 'cart' is used up."
            assert headers["RateLimit-Policy"] == '"cart";q=2;w=3600'
            left, reset_s = standing(headers, "cart")
            assert (left, 3590 <= reset_s <= 3600) == (0, True)
            assert 0 < problem["retry_after_ms"] <= 1_800_000
            assert int(headers["Retry-After"]) == -(-problem["retry_after_ms"] // 1000)
        assert (await parts.carts.read(cart["id"])).version == cart["version"]
        await parts.persister.flush()
        assert await shop.db.fetchval("SELECT count(*) FROM carts") == 1
        assert parts.offers.loads == loads


async def test_without_the_gate_the_process_counts(stores: Stores) -> None:
    """If this fails, losing Redis lifts the limit of carts, or refuses everybody."""
    away = await stores.fresh_settings(
        rate_limits=rates('{"cart":"4/hour"}'), gate_url="unix:///nowhere/gate.sock?db=0"
    )
    async with running(away) as shop:
        status, cart, headers = await shop.call("POST", "/v1/carts", json={"currency": "EUR"})
        assert (status, standing(headers, "cart")[0]) == (201, 3)
        at = f"/v1/carts/{cart['id']}/lines/{TEE}"
        found = [await shop.call("PUT", at, json={"quantity": n}) for n in range(1, 6)]
        assert [status for status, _, _ in found] == [200, 200, 200, 429, 429]
        assert [standing(headers, "cart")[0] for _, _, headers in found] == [2, 1, 0, 0, 0]
        kept = await shop.app[PARTS].carts.read(cart["id"])
        assert kept.lines == ((TEE, 3),)


async def test_a_closed_gate_still_counts_and_a_lost_answer_counts_here(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this fails, a gate that is being rebuilt or that leaves a call unanswered lifts the limit, or counts twice."""
    async with running(await stores.fresh_settings(rate_limits=rates(SIXTY))) as shop:
        parts = shop.app[PARTS]
        at = f"/v1/carts/{(await begin(shop, (TEE, 1)))['id']}/lines/{TEE}"
        parts.gate.close()
        status, _, headers = await shop.call("PUT", at, json={"quantity": 2})
        assert (status, standing(headers, "cart")[0]) == (200, 58)
        await gate_open(shop)
        epoch = parts.gate.epoch
        await parts.gate.lane.call(b"SET", b"{0}:epoch", epoch + 7)
        status, _, headers = await shop.call("PUT", at, json={"quantity": 3})
        assert (status, standing(headers, "cart")[0]) == (200, 57)
        await parts.gate.lane.call(b"SET", b"{0}:epoch", epoch)
        await gate_open(shop)
        await parts.carts.hand_over_all()
        run = Lane.run

        async def lost(lane: Lane, script: Any, *args: Any) -> Any:
            if script is EDIT:
                raise OutcomeUnknown("lost")
            return await run(lane, script, *args)

        monkeypatch.setattr(Lane, "run", lost)
        status, document, headers = await shop.call("PUT", at, json={"quantity": 4})
        assert (status, standing(headers, "cart")[0]) == (200, 59), "by the process's own count"
        assert document["lines"][0]["quantity"] == 4
        assert parts.edge.shared.fell_back == 1
