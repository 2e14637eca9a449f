"""Claiming: a guest's cart becomes the account's, or goes into it; racing logins lose nothing."""

import asyncio
import os
import random
import uuid
from collections import Counter
from typing import Any

from checkout.app import PARTS
from config import limits
from tests.api.accounts.conftest import People, bearer
from tests.shop import ADDRESS, TestShop

SKUS = ("MUG-CLASSIC", "TEE-BLACK-M", "TEE-BLACK-L", "TEE-BLACK-S")
RACES = int(os.environ.get("RACES", "150"))


async def cart_of(shop: TestShop, *lines: tuple[str, int], currency: str = "EUR") -> str:
    """A guest's cart with these lines."""
    body = {"currency": currency, "lines": [{"sku": sku, "quantity": units} for sku, units in lines]}
    status, cart, _ = await shop.call("POST", "/v1/carts", json=body)
    assert status == 201, cart
    return str(cart["id"])


async def claim(shop: TestShop, cart_id: str, who: dict[str, str]) -> tuple[int, Any]:
    """(status, document) of claiming a cart."""
    return (await shop.call("POST", f"/v1/carts/{cart_id}/claim", headers=who))[:2]


def units(cart: Any) -> dict[str, int]:
    """Units by SKU."""
    return {line["sku"]: line["quantity"] for line in cart["lines"]}


async def test_the_first_cart_becomes_the_accounts_and_the_next_goes_into_it(people: People) -> None:
    """If this fails, signing in empties the cart, or doubles it when the claim is sent twice."""
    shop, mine = people.shop, await people.token("customer")
    first = await cart_of(shop, ("MUG-CLASSIC", 2))
    status, cart = await claim(shop, first, mine)
    assert (status, cart["id"], cart["status"]) == (200, first, "open")
    assert cart["claimed"] == {"capped": [], "coupons_left_out": []}
    second = await cart_of(shop, ("MUG-CLASSIC", 1), ("TEE-BLACK-M", 3))
    await shop.call("POST", f"/v1/carts/{second}/coupons", json={"code": "WELCOME10"})
    await shop.call("PUT", f"/v1/carts/{second}/address", json=ADDRESS)
    for _ in range(3):
        status, cart = await claim(shop, second, mine)
        assert (status, cart["id"]) == (200, first)
        assert units(cart) == {"MUG-CLASSIC": 3, "TEE-BLACK-M": 3}
        assert [coupon["code"] for coupon in cart["coupons"]] == ["WELCOME10"]
        assert cart["address"]["city"] == ADDRESS["city"]
    status, again = await claim(shop, first, mine)
    assert (status, again["version"]) == (200, cart["version"]), "claiming one's own cart changes nothing"
    _, gone, _ = await shop.call("GET", f"/v1/carts/{second}", headers=mine)
    assert (gone["status"], gone["merged_into"], gone["lines"]) == ("merged", first, [])
    line = f"/v1/carts/{second}/lines/MUG-CLASSIC"
    status, problem, _ = await shop.call("PUT", line, json={"quantity": 1}, headers=mine)
    assert (status, problem["code"]) == (409, "cart_merged")
    dollars = await cart_of(shop, ("MUG-CLASSIC", 1), currency="USD")
    assert (await claim(shop, dollars, mine))[1]["id"] == dollars, "one open cart a currency"
    _, listed, _ = await shop.call("GET", "/v1/me/carts", headers=mine)
    assert {one["currency"]: one["id"] for one in listed["items"]} == {"EUR": first, "USD": dollars}


async def test_a_claimed_cart_is_there_for_its_account_alone(people: People) -> None:
    """If this fails, whoever saw the cart's link before it was claimed goes on reading and ordering it."""
    shop, mine = people.shop, await people.token("customer")
    cart = await cart_of(shop, ("MUG-CLASSIC", 1))
    assert (await claim(shop, cart, {}))[0] == 401
    for never in ("%00" * 30, "%C3%A9" * 30, "x" * 21, "x" * 65, "x" * 32):
        status, problem, _ = await shop.call("POST", f"/v1/carts/{never}/claim", headers=mine)
        assert (status, problem["code"]) == (404, "unknown_cart"), never
    assert (await claim(shop, cart, bearer(people.auth.issue(uuid.uuid4(), "customer"))))[0] == 401
    assert (await claim(shop, cart, mine))[0] == 200
    at = f"/v1/carts/{cart}"
    asks: list[tuple[str, str, Any]] = [
        ("GET", "", None), ("PUT", "/lines/MUG-CLASSIC", {"quantity": 2}), ("DELETE", "/lines/MUG-CLASSIC", None),
        ("POST", "/coupons", {"code": "WELCOME10"}), ("DELETE", "/coupons/WELCOME10", None), ("PUT", "/address", ADDRESS),
        ("GET", "/shipping-options", None), ("PUT", "/shipping", {"option": "standard"}), ("POST", "/hold", None),
        ("DELETE", "/hold", None), ("POST", "/claim", None),
    ]  # fmt: skip
    for who in ({}, await people.token("vendor"), await people.token("admin")):
        for method, path, body in asks:
            if path == "/claim" and not who:
                continue
            status, problem, _ = await shop.call(method, at + path, json=body, headers=who)
            assert (status, problem["code"]) == (404, "unknown_cart"), (method, path, who)
    order = shop.purchase(cart_id=cart, lines=None, currency=None)
    status, problem = await _order(shop, order, {})
    assert (status, problem["code"]) == (404, "unknown_cart")
    for method, path, body in asks:
        assert (await shop.call(method, at + path, json=body, headers=mine))[0] in (200, 409), (method, path)
    await shop.call("PUT", f"{at}/lines/MUG-CLASSIC", json={"quantity": 1}, headers=mine)
    status, placed = await _order(shop, order, mine)
    assert status == 201, placed
    following = await cart_of(shop, ("TEE-BLACK-M", 1))
    status, cart_now = await claim(shop, following, mine)
    assert (status, cart_now["id"]) == (200, following), "an ordered cart takes nothing in any more"
    status, problem = await claim(shop, cart, mine)
    assert (status, problem["code"]) == (409, "cart_ordered")


async def _order(shop: TestShop, body: Any, who: dict[str, str]) -> tuple[int, Any]:
    headers = who | {"Idempotency-Key": f"key-{next(shop.keys)}"}
    status, document, _ = await shop.call("POST", "/v1/checkouts", json=body, headers=headers)
    async with asyncio.timeout(2):
        while status == 201 and shop.app[PARTS].passing:
            await asyncio.sleep(0.01)
    return status, document


async def test_what_does_not_fit_is_said_and_nothing_is_lost(people: People) -> None:
    """If this fails, units or articles vanish at a login without a word."""
    shop, mine = people.shop, await people.token("customer")
    most = limits.LINE_QUANTITY_MAX
    own = await cart_of(shop, ("MUG-CLASSIC", most - 1))
    await claim(shop, own, mine)
    status, cart = await claim(shop, await cart_of(shop, ("MUG-CLASSIC", 5)), mine)
    assert (status, units(cart)) == (200, {"MUG-CLASSIC": most})
    assert cart["claimed"]["capped"] == [{"sku": "MUG-CLASSIC", "wanted": most + 4, "quantity": most}]
    skus = [row["sku"] for row in await shop.db.fetch(
        "SELECT v.sku FROM variants v JOIN prices p ON p.item_id = v.item_id AND p.currency = 'EUR' "
        "JOIN products o ON o.id = v.product_id AND o.status = 'published' WHERE v.sku <> 'MUG-CLASSIC' ORDER BY 1 LIMIT 101"
    )]  # fmt: skip
    full = await cart_of(shop, *[(sku, 1) for sku in skus[:100]])
    status, problem = await claim(shop, full, mine)
    assert (status, problem["code"]) == (409, "cart_full")
    _, kept, _ = await shop.call("GET", f"/v1/carts/{full}")
    assert len(kept["lines"]) == 100
    _, kept, _ = await shop.call("GET", f"/v1/carts/{own}", headers=mine)
    assert units(kept) == {"MUG-CLASSIC": most}
    for sku in skus[:1]:
        await shop.call("DELETE", f"/v1/carts/{full}/lines/{sku}")
    assert (await claim(shop, full, mine))[0] == 200


async def test_a_hold_goes_along(people: People) -> None:
    """If this fails, who signs in to pay loses the units held, or they stay held for a cart that is empty."""
    shop, mine = people.shop, await people.token("customer")
    await shop.set_stock("MUG-CLASSIC", 5)
    await claim(shop, await cart_of(shop, ("TEE-BLACK-M", 1)), mine)
    guest = await cart_of(shop, ("MUG-CLASSIC", 5))
    assert (await shop.call("POST", f"/v1/carts/{guest}/hold"))[0] == 200
    status, cart = await claim(shop, guest, mine)
    assert status == 200
    assert cart["hold_expires_in_s"] > 0
    other = await cart_of(shop, ("MUG-CLASSIC", 1))
    assert (await shop.call("POST", f"/v1/carts/{other}/hold"))[0] == 409, "the units were let go"
    at = f"/v1/carts/{cart['id']}/hold"
    assert (await shop.call("DELETE", at, headers=mine))[0] == 200
    assert (await shop.call("POST", f"/v1/carts/{other}/hold"))[0] == 200, "the units stayed held for nobody"


async def test_racing_logins_lose_nothing(people: People) -> None:
    """If this fails, a telephone and a laptop that sign in at once leave one cart's lines behind (RACES=1000 for the whole)."""
    shop = people.shop
    rng = random.Random(20260101)
    for number in range(RACES):
        account = uuid.uuid4()
        await shop.db.execute(
            "INSERT INTO accounts (id, email, password_hash, role) VALUES ($1, $2, 'x', 'customer')",
            account,
            f"{number}@race.example.com",
        )
        who, wanted = bearer(people.auth.issue(account, "customer")), Counter[str]()
        carts = []
        for _ in range(rng.choice((2, 2, 3))):
            lines = {sku: rng.randint(1, 5) for sku in rng.sample(SKUS, rng.randint(1, 3))}
            wanted.update(lines)
            carts.append(await cart_of(shop, *lines.items()))
        late = "POSTER-LAUNCH" if number % 3 == 0 else None

        async def edit(cart: str, sku: str, who: dict[str, str]) -> int:
            line = f"/v1/carts/{cart}/lines/{sku}"
            return (await shop.call("PUT", line, json={"quantity": 1}, headers=who))[0]

        claims = [claim(shop, cart, who) for cart in carts for _ in range(rng.choice((1, 2)))]
        edits = [edit(carts[0], late, who)] if late else []
        rng.shuffle(claims)
        answers = await asyncio.gather(*claims, *edits)
        assert {status for status, _ in answers[: len(claims)]} == {200}
        if late and answers[-1] == 200:
            wanted[late] += 1
        ids = {document["id"] for _, document in answers[: len(claims)]}
        assert len(ids) == 1, "two open carts of one account"
        _, cart, _ = await shop.call("GET", f"/v1/carts/{ids.pop()}", headers=who)
        assert units(cart) == dict(wanted), number


async def test_races_lose_nothing_without_the_gate_either(people: People) -> None:
    """If this fails, lines vanish at the logins of the minutes while Redis is away."""
    shop, mine = people.shop, await people.token("customer")
    carts = [await cart_of(shop, ("MUG-CLASSIC", n), ("TEE-BLACK-M", 1)) for n in (1, 2, 3)]
    parts = shop.app[PARTS]
    await parts.persister.flush()
    other = await people.token("vendor")
    theirs = await cart_of(shop, ("MUG-CLASSIC", 9))
    await claim(shop, theirs, other)
    address = parts.gate.lane
    try:
        parts.gate.close()
        refresh, parts.gate.refresh = parts.gate.refresh, _never  # type: ignore[method-assign]
        answers = await asyncio.gather(*(claim(shop, cart, mine) for cart in carts for _ in range(2)))
        assert {status for status, _ in answers} == {200}, answers
        assert (await claim(shop, theirs, mine))[0] == 404
        own = {document["id"] for _, document in answers}
        assert len(own) == 1
        at = f"/v1/carts/{own.pop()}"
        _, cart, _ = await shop.call("GET", at, headers=mine)
        assert units(cart) == {"MUG-CLASSIC": 6, "TEE-BLACK-M": 3}
        assert (await shop.call("GET", at))[0] == 404
    finally:
        parts.gate.refresh = refresh  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        while not parts.gate.is_open:
            await asyncio.sleep(0.05)
    assert address is parts.gate.lane
    _, cart, _ = await shop.call("GET", at, headers=mine)
    assert units(cart) == {"MUG-CLASSIC": 6, "TEE-BLACK-M": 3}, "the gate's older copies won"
    status, again = await claim(shop, carts[0], mine)
    assert (status, units(again)) == (200, {"MUG-CLASSIC": 6, "TEE-BLACK-M": 3})


async def _never() -> bool:
    return False


async def test_a_claim_survives_the_loss_of_the_gate(people: People) -> None:
    """If this fails, a merge that was answered is undone when Redis dies."""
    shop, mine = people.shop, await people.token("customer")
    own = await cart_of(shop, ("TEE-BLACK-M", 1))
    await claim(shop, own, mine)
    guest = await cart_of(shop, ("MUG-CLASSIC", 2))
    assert (await claim(shop, guest, mine))[0] == 200
    parts = shop.app[PARTS]
    await parts.gate.lane.call("FLUSHDB")
    async with asyncio.timeout(5):
        while (await shop.call("GET", f"/v1/carts/{own}", headers=mine))[0] != 200 or not parts.gate.is_open:
            await asyncio.sleep(0.05)
    _, cart, _ = await shop.call("GET", f"/v1/carts/{own}", headers=mine)
    assert units(cart) == {"TEE-BLACK-M": 1, "MUG-CLASSIC": 2}
    status, again = await claim(shop, guest, mine)
    assert (status, units(again)) == (200, {"TEE-BLACK-M": 1, "MUG-CLASSIC": 2})
