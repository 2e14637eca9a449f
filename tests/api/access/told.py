"""What roles, keys, accounts, coupons, rules and orders answer to their admins, for the API document to be held to it."""

from typing import Any, Protocol

from checkout.accounts.store import add_account
from checkout.app import PARTS
from tests.api.accounts.conftest import bearer, password_hash
from tests.shop import TestShop


class Ask(Protocol):
    """Calls the shop and holds the answer to the document."""

    shop: TestShop

    async def __call__(self, method: str, path: str, expected: int, at: str = "", **kwargs: Any) -> Any: ...


async def tell_admins(ask: Ask) -> None:
    """Every route of these, once at least as it is meant to be called."""
    async with ask.shop.db.acquire() as connection:
        boss = await add_account(
            connection,
            ask.shop.cipher,
            email="boss@example.com",
            password_hash=password_hash(),
            role="admin",
        )
    assert boss is not None
    headers = bearer(ask.shop.app[PARTS].auth.issue(boss, "admin"))

    async def tell(method: str, path: str, expected: int, at: str = "", **kwargs: Any) -> Any:
        kwargs["headers"] = headers | kwargs.get("headers", {})
        return await ask(method, f"/v1/admin/{path}", expected, f"/v1/admin/{at}" if at else "", **kwargs)

    old = {"If-Match": '"99"'}
    await _roles(tell, old)
    await _keys(tell, old)
    await _users(tell, old)
    await _coupons(tell, old)
    await _rules(tell, old)
    await _orders(tell, ask.shop)
    entry = (await tell("GET", "audit-log", 200, "audit-log?limit=1"))["items"][0]
    assert entry["actor"] == str(boss)
    await tell("GET", "audit-log", 400, "audit-log?from=never")
    await tell("GET", "invariants", 200)


async def _roles(tell: Any, old: dict[str, str]) -> None:
    role = {"name": "clerk", "permissions": ["all:stats:read"]}
    await tell("GET", "permissions", 200)
    await tell("POST", "roles", 201, json=role)
    await tell("POST", "roles", 409, json=role)
    await tell("POST", "roles", 400, json=role | {"permissions": ["all"]})
    await tell("GET", "roles", 200)
    await tell("GET", "roles", 400, "roles?limit=0")
    one, terms = "roles/{name}", {"permissions": []}
    await tell("GET", one, 200, "roles/clerk")
    await tell("GET", one, 404, "roles/nobody")
    await tell("PUT", one, 200, "roles/clerk", json=terms)
    await tell("PUT", one, 412, "roles/clerk", json=terms, headers=old)
    await tell("PUT", one, 409, "roles/admin", json=terms)
    await tell("DELETE", one, 412, "roles/clerk", headers=old)
    await tell("DELETE", one, 409, "roles/admin")
    await tell("DELETE", one, 204, "roles/clerk")


async def _keys(tell: Any, old: dict[str, str]) -> None:
    terms = {"name": "erp", "permissions": ["all:stats:read"]}
    made = await tell("POST", "api-keys", 201, json=terms)
    await tell("POST", "api-keys", 400, json=terms | {"permissions": []})
    await tell("GET", "api-keys", 200)
    await tell("GET", "api-keys", 400, "api-keys?cursor=x")
    one, at = "api-keys/{id}", f"api-keys/{made['id']}"
    await tell("GET", one, 200, at)
    await tell("PUT", one, 200, at, json=terms)
    await tell("PUT", one, 412, at, json=terms, headers=old)
    await tell("DELETE", one, 412, at, headers=old)
    await tell("DELETE", one, 204, at)
    await tell("PUT", one, 409, at, json=terms)
    await tell("GET", one, 404, "api-keys/none")


async def _users(tell: Any, old: dict[str, str]) -> None:
    user = {"email": "grace@example.com", "role": "support"}
    made = await tell("POST", "users", 201, json=user)
    await tell("POST", "users", 409, json=user)
    await tell("POST", "users", 400, json=user | {"role": "owner"})
    await tell("GET", "users", 200)
    await tell("GET", "users", 400, "users?email=%00")
    await tell("GET", "vendors", 200)
    one, at = "users/{id}", f"users/{made['id']}"
    await tell("GET", one, 200, at)
    await tell("GET", one, 404, "users/none")
    await tell("PATCH", one, 200, at, json={"disabled": True})
    await tell("PATCH", one, 412, at, json={"disabled": True}, headers=old)
    await tell("PATCH", one, 400, at, json={"disabled": "yes"})


async def _coupons(tell: Any, old: dict[str, str]) -> None:
    terms = {"kind": "percent", "percent_bp": 500, "max_uses": 5}
    await tell("POST", "coupons", 201, json=terms | {"code": "told"})
    await tell("POST", "coupons", 409, json=terms | {"code": "told"})
    await tell("POST", "coupons", 400, json=terms | {"code": "told", "kind": "amount"})
    await tell("GET", "coupons", 200)
    await tell("GET", "coupons", 400, "coupons?limit=0")
    one, at = "coupons/{code}", "coupons/told"
    await tell("GET", one, 200, at)
    await tell("GET", one, 404, "coupons/nothing")
    await tell("PUT", one, 200, at, json=terms | {"max_uses": 3})
    await tell("PUT", one, 412, at, json=terms, headers=old)
    await tell("DELETE", one, 412, at, headers=old)
    await tell("DELETE", one, 204, at)


async def _rules(tell: Any, old: dict[str, str]) -> None:
    rate = {"option": "standard", "title": "Post", "currency": "EUR", "up_to_weight_g": 2000, "amount": 490}
    zone = {"name": "Iceland", "countries": ["IS"], "rates": [rate]}
    tax = {"country": "IS", "name": "VSK", "rate_bp": 2400, "inclusive": True}
    terms = {name: tax[name] for name in ("name", "rate_bp", "inclusive")}
    for noun, new, changed, wrong in (
        ("shipping-zones", zone, zone, zone | {"countries": ["Iceland"]}),
        ("tax-rates", tax, terms, tax | {"rate_bp": 10_001}),
    ):
        made = await tell("POST", noun, 201, json=new)
        await tell("POST", noun, 409, json=new)
        await tell("POST", noun, 400, json=wrong)
        await tell("GET", noun, 200)
        await tell("GET", noun, 400, f"{noun}?limit=0")
        one, at = f"{noun}/{{id}}", f"{noun}/{made['id']}"
        await tell("GET", one, 200, at)
        await tell("GET", one, 404, f"{noun}/none")
        await tell("PUT", one, 200, at, json=changed)
        await tell("PUT", one, 412, at, json=changed, headers=old)
        await tell("DELETE", one, 412, at, headers=old)
        await tell("DELETE", one, 204, at)


async def _orders(tell: Any, shop: TestShop) -> None:
    _, bought = await shop.buy(("MUG-CLASSIC", 1))
    one, at = "orders/{id}", f"orders/{bought['order']['id']}"
    await tell("GET", "orders", 200)
    await tell("GET", "orders", 400, "orders?status=lost")
    await tell("GET", one, 200, at)
    await tell("GET", one, 404, "orders/none")
    await tell("POST", "orders/{id}/cancel", 200, f"{at}/cancel")
    await tell("POST", "orders/{id}/cancel", 404, "orders/none/cancel")
