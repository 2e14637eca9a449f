"""`/openapi.json` is valid, names every route, and says what is really answered."""

import re
import uuid
from typing import Any

import orjson

from checkout.app import PARTS
from checkout.edge.error_table import ERRORS
from tests.api.access.told import tell_admins
from tests.api.accounts.told import tell_people
from tests.api.bulk.told import tell_bulk
from tests.api.edge.rules import broken_rules, misfits, operations
from tests.api.stock.told import tell_stock
from tests.shop import ADDRESS, Stores, TestShop, running

# The pinned contract, as far as it is built: a path that goes missing here breaks somebody's client.
CONTRACT = {
    "/v1/products": "get", "/v1/products/{key}": "get", "/v1/categories": "get", "/v1/skus/{sku}/availability": "get",
    "/v1/skus/{sku}/barcode.svg": "get", "/v1/carts": "post", "/v1/carts/{id}": "get",
    "/v1/carts/{id}/lines/{sku}": "put delete", "/v1/carts/{id}/coupons": "post", "/v1/carts/{id}/coupons/{code}": "delete",
    "/v1/carts/{id}/address": "put", "/v1/carts/{id}/shipping-options": "get", "/v1/carts/{id}/shipping": "put",
    "/v1/carts/{id}/hold": "post delete", "/v1/checkouts": "post", "/v1/orders/{id}": "get",
    "/v1/orders/{id}/events": "get", "/v1/orders/{id}/payments": "post", "/v1/orders/{id}/cancel": "post",
    "/v1/orders/{id}/invoice.pdf": "get", "/v1/sessions": "post", "/v1/sessions/refresh": "post",
    "/v1/sessions/current": "delete", "/v1/accounts": "post", "/v1/password-resets": "post",
    "/v1/password-resets/confirm": "post", "/v1/me": "get patch delete", "/v1/me/password": "post", "/v1/me/orders": "get",
    "/v1/me/addresses": "get post", "/v1/me/export": "get", "/v1/carts/{id}/claim": "post", "/v1/admin/stats": "get", "/v1/admin/stock/adjustments": "post",
    "/v1/admin/dead-letters": "get", "/v1/admin/dead-letters/{id}/replay": "post", "/v1/webhooks/stripe": "post",
    "/healthz": "get", "/readyz": "get", "/metrics": "get", "/openapi.json": "get", "/docs": "get",
}  # fmt: skip


async def test_the_document_is_valid_and_names_every_route(shop: TestShop) -> None:
    """If this fails, a generated client does not compile, or a route is used that nobody has described."""
    status, document, _ = await shop.call("GET", "/openapi.json")
    assert status == 200
    assert broken_rules(document) == []
    described = {(method.upper(), path) for method, path, _ in operations(document)}
    served = {
        (route.method, route.resource.canonical)
        for route in shop.app.router.routes()
        if route.resource is not None and route.method not in ("HEAD", "*")
    }
    assert served - {("GET", "/docs/{file}")} == described
    assert {(m.upper(), path) for path, methods in CONTRACT.items() for m in methods.split()} <= described


async def test_every_refusal_is_named_with_its_status(shop: TestShop) -> None:
    """If this fails, a client cannot look up what an error means, or expects it under another status."""
    _, document, _ = await shop.call("GET", "/openapi.json")
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                named = re.findall(r"`([a-z_]+)`", response["description"])
                assert named, (method, path, status)
                usual = {ERRORS[code].status for code in named if (code, status) != ("unknown_sku", "400")}
                assert usual == {int(status)}, (method, path, named)
        if operation.get("x-permission"):
            assert {"401", "403"} <= operation["responses"].keys(), path
        keyed = [p for p in operation.get("parameters", []) if p["name"] == "Idempotency-Key"]
        if path in ("/v1/checkouts", "/v1/admin/stock/adjustments"):
            assert keyed, path
        needed = "`idempotency_key_missing`" in operation["responses"].get("400", {}).get("description", "")
        assert [parameter["required"] for parameter in keyed] == [needed] * len(keyed), path
        assert not needed or keyed, path


class Reader:
    """Calls the shop and holds each answer to the document."""

    def __init__(self, shop: TestShop, document: dict[str, Any]) -> None:
        self.shop, self.document = shop, document
        self.seen: set[tuple[str, str, int]] = set()

    async def __call__(self, method: str, path: str, expected: int, at: str = "", **kwargs: Any) -> Any:
        """The document of the answer. Shape: `path` as in the document, `at` where that is, if elsewhere."""
        status, answer, headers = await self.shop.call(method, at or path, **kwargs)
        assert status == expected, (method, path, answer)
        operation = self.document["paths"][path][method.lower()]
        response = operation["responses"][str(status)]
        self.seen.add((method, path, status))
        if status == 204:
            assert answer == b""
            return None
        kind = headers["Content-Type"].partition(";")[0]
        assert kind in response["content"], (method, path, kind)
        if kind.endswith("json"):
            schema = response["content"][kind]["schema"]
            if status >= 400:
                assert f"`{answer['code']}`" in response["description"], (method, path, answer["code"])
                answer = {name: answer[name] for name in answer if name in _PROBLEM}
            assert misfits(answer, schema, self.document) == [], (method, path)
        return answer


_PROBLEM = ("type", "title", "status", "detail", "code", "errors", "retry_after_ms")


async def test_what_is_answered_is_what_is_described(stores: Stores) -> None:
    """If this fails, the document lies: a client generated from it breaks on a real answer. `tests/schema` asks every route."""
    settings = await stores.fresh_settings(
        admin_email="admin@example.com", admin_password="a long enough one"
    )
    async with running(settings) as shop:
        _, document, _ = await shop.call("GET", "/openapi.json")
        ask = Reader(shop, document)
        await _reading(ask)
        cart = await _cart(ask)
        await _ordering(ask, cart)
        await _machines(ask)
        await tell_people(ask)
        await tell_admins(ask)
        await tell_bulk(ask)
        await tell_stock(ask)


async def _reading(ask: Reader) -> None:
    listed = await ask("GET", "/v1/products", 200, "/v1/products?limit=3&category=tees")
    assert listed["items"]
    await ask("GET", "/v1/products", 400, "/v1/products?limit=0")
    await ask("GET", "/v1/products/{key}", 200, "/v1/products/tee-black")
    await ask("GET", "/v1/products/{key}", 404, "/v1/products/nothing")
    await ask("GET", "/v1/categories", 200)
    await ask("GET", "/v1/skus/{sku}/availability", 200, "/v1/skus/MUG-CLASSIC/availability")
    await ask("GET", "/v1/skus/{sku}/barcode.svg", 200, "/v1/skus/MUG-CLASSIC/barcode.svg")


async def _cart(ask: Reader) -> str:
    lines = [{"sku": "TEE-BLACK-M", "quantity": 2}, {"sku": "MUG-CLASSIC", "quantity": 1}]
    cart = (await ask("POST", "/v1/carts", 201, json={"currency": "EUR", "lines": lines}))["id"]
    await ask("POST", "/v1/carts", 400, json={"currency": "euro"})
    await ask("POST", "/v1/carts", 415, data=b"{}", headers={"Content-Type": "text/xml"})
    at = f"/v1/carts/{cart}"
    await ask("GET", "/v1/carts/{id}", 200, at)
    await ask("GET", "/v1/carts/{id}", 404, "/v1/carts/" + "x" * 32)
    await ask("GET", "/v1/carts/{id}/shipping-options", 409, f"{at}/shipping-options")
    line = "/v1/carts/{id}/lines/{sku}"
    await ask("PUT", line, 200, f"{at}/lines/TEE-BLACK-M", json={"quantity": 3})
    await ask("PUT", line, 412, f"{at}/lines/TEE-BLACK-M", json={"quantity": 3}, headers={"If-Match": '"1"'})
    await ask("PUT", line, 404, f"{at}/lines/NOTHING", json={"quantity": 3})
    await ask("DELETE", line, 200, f"{at}/lines/TEE-BLACK-M")
    await ask("PUT", "/v1/carts/{id}/address", 200, f"{at}/address", json=ADDRESS)
    options = await ask("GET", "/v1/carts/{id}/shipping-options", 200, f"{at}/shipping-options")
    await ask(
        "PUT",
        "/v1/carts/{id}/shipping",
        200,
        f"{at}/shipping",
        json={"option": options["items"][-1]["option"]},
    )
    await ask("PUT", "/v1/carts/{id}/shipping", 400, f"{at}/shipping", json={"option": "teleport"})
    await ask("POST", "/v1/carts/{id}/coupons", 200, f"{at}/coupons", json={"code": "WELCOME10"})
    await ask("POST", "/v1/carts/{id}/coupons", 400, f"{at}/coupons", json={"code": "NOTHING"})
    await ask("DELETE", "/v1/carts/{id}/coupons/{code}", 200, f"{at}/coupons/WELCOME10")
    held = await ask("POST", "/v1/carts/{id}/hold", 200, f"{at}/hold")
    assert held["hold_expires_at"]
    await ask("DELETE", "/v1/carts/{id}/hold", 200, f"{at}/hold")
    return str(cart)


async def _ordering(ask: Reader, cart: str) -> None:
    body = {
        "cart_id": cart,
        "email": "a@example.com",
        "payment": {"provider": "stripe", "method": "pm_card_visa"},
    }
    keyed = {"Idempotency-Key": "first"}
    bought = await ask("POST", "/v1/checkouts", 201, json=body, headers=keyed)
    await ask("POST", "/v1/checkouts", 422, json=body | {"email": "b@example.com"}, headers=keyed)
    await ask("POST", "/v1/checkouts", 400, json=body)
    await ask("POST", "/v1/checkouts", 409, json=body, headers={"Idempotency-Key": "second"})
    greedy = ask.shop.purchase(("POSTER-LAUNCH", 101))
    await ask("POST", "/v1/checkouts", 409, json=greedy, headers={"Idempotency-Key": "third"})
    token = {"Authorization": f"Bearer {bought['access_token']}"}
    at = f"/v1/orders/{bought['order']['id']}"
    await ask("GET", "/v1/orders/{id}", 200, at, headers=token)
    await ask("GET", "/v1/orders/{id}", 404, at)
    await ask("GET", "/v1/orders/{id}/invoice.pdf", 404, f"{at}/invoice.pdf", headers=token)
    paying = f"{at}/payments"
    await ask("POST", "/v1/orders/{id}/payments", 409, paying, json={"method": "pm_card_visa"}, headers=token)
    await ask("POST", "/v1/orders/{id}/payments", 202, paying, json={}, headers=token)
    await ask("POST", "/v1/orders/{id}/cancel", 200, f"{at}/cancel", headers=token)
    document = await ask("GET", "/v1/orders/{id}", 200, at, headers=token)
    assert [entry["status"] for entry in document["timeline"]] == ["placed", "cancelled"]


async def _machines(ask: Reader) -> None:
    from checkout.accounts.first_admin import ensure_admin

    async with ask.shop.db.acquire() as connection:
        await ensure_admin(connection, ask.shop.cipher, "admin@example.com", "a long enough one")
        letter = await connection.fetchval(
            "INSERT INTO outbox (topic, subject_id, attempts, parked_at, last_error) "
            "VALUES ('invoice.issue', $1, 8, now(), 'no paper') RETURNING id",
            uuid.uuid4(),
        )
    right = {"email": "admin@example.com", "password": "a long enough one"}
    session = await ask("POST", "/v1/sessions", 201, json=right)
    await ask("POST", "/v1/sessions", 401, json=right | {"password": "another"})
    session = await ask("POST", "/v1/sessions/refresh", 201, json={"refresh_token": session["refresh_token"]})
    admin = {"Authorization": f"Bearer {session['access_token']}"}
    await ask("GET", "/v1/admin/stats", 200, headers=admin)
    await ask("GET", "/v1/admin/stats", 401)
    customer = ask.shop.app[PARTS].auth.issue(uuid.uuid4(), "customer")
    await ask("GET", "/v1/admin/stats", 403, headers={"Authorization": f"Bearer {customer}"})
    change = {"sku": "MUG-CLASSIC", "delta": 5, "reason": "found behind the shelf"}
    stock = "/v1/admin/stock/adjustments"
    await ask("POST", stock, 400, json=change, headers=admin)
    await ask("POST", stock, 200, json=change, headers=admin | {"Idempotency-Key": "a"})
    await ask("POST", stock, 409, json=change | {"delta": -999_999}, headers=admin | {"Idempotency-Key": "b"})
    await ask("POST", stock, 404, json=change | {"sku": "NOTHING"}, headers=admin | {"Idempotency-Key": "c"})
    page = await ask("GET", "/v1/admin/dead-letters", 200, headers=admin)
    assert [item["id"] for item in page["items"]] == [str(letter)]
    replay = "/v1/admin/dead-letters/{id}/replay"
    await ask("POST", replay, 202, replay.replace("{id}", str(letter)), headers=admin)
    await ask("POST", replay, 404, replay.replace("{id}", str(letter)), headers=admin)
    await ask("DELETE", "/v1/sessions/current", 204, headers=admin)
    await ask("DELETE", "/v1/sessions/current", 401)
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"):
        await ask("GET", path, 200)
    await ask("POST", "/v1/webhooks/stripe", 400, data=orjson.dumps({}))
