"""Every answer about stock, locations and webhooks, held to the API's document."""

import uuid
from typing import Any

from checkout.app import PARTS

MUG = "MUG-CLASSIC"


async def tell_stock(ask: Any) -> None:
    """Asks every route of stock, locations and webhooks, for good and for bad answers."""
    parts = ask.shop.app[PARTS]
    account = await ask.shop.db.fetchval("SELECT id FROM accounts WHERE role = 'admin' LIMIT 1")
    admin = {"Authorization": f"Bearer {parts.auth.issue(account, 'admin')}"}

    def keyed() -> dict[str, str]:
        return admin | {"Idempotency-Key": uuid.uuid4().hex}

    places, place = "/v1/admin/locations", "/v1/admin/locations/{code}"
    attic = {"code": "attic", "name": "Attic", "country": "DE"}
    await ask("POST", places, 201, json=attic, headers=admin)
    await ask("POST", places, 409, json=attic, headers=admin)
    await ask("POST", places, 400, json=attic | {"country": "x"}, headers=admin)
    await ask("GET", places, 200, headers=admin)
    await ask("GET", places, 400, f"{places}?limit=0", headers=admin)
    await ask("GET", place, 200, f"{places}/attic", headers=admin)
    await ask("GET", place, 404, f"{places}/cellar", headers=admin)
    await ask("PATCH", place, 200, f"{places}/attic", json={"priority": 2}, headers=admin)
    await ask("PATCH", place, 412, f"{places}/attic", json={}, headers=admin | {"If-Match": '"9"'})

    stock, one = "/v1/admin/stock", "/v1/admin/stock/{sku}"
    lines = {"lines": [{"sku": MUG, "quantity": 2}], "reason": "told"}
    await ask("POST", f"{stock}/receipts", 201, json=lines, headers=keyed())
    await ask("POST", f"{stock}/receipts", 400, json=lines, headers=admin)
    await ask("POST", f"{stock}/receipts", 404, json=lines | {"location": "cellar"}, headers=keyed())
    moved = lines | {"from": "main", "to": "attic"}
    await ask("POST", f"{stock}/transfers", 201, json=moved, headers=keyed())
    await ask("POST", f"{stock}/transfers", 409, json=moved | {"from": "attic", "to": "main", "lines": [
        {"sku": MUG, "quantity": 3}]}, headers=keyed())  # fmt: skip
    counted = {"lines": [{"sku": MUG, "counted": 1}], "reason": "told", "location": "attic"}
    await ask("POST", f"{stock}/counts", 201, json=counted, headers=keyed())
    row = {"sku": MUG, "location": "attic", "on_hand": 4, "as_of": "2026-01-01T00:00:00Z", "source_id": "wms"}
    await ask("POST", f"{stock}/feed", 200, json={"rows": [row, row | {"sku": "NOTHING"}]}, headers=admin)
    await ask("POST", f"{stock}/feed", 400, json={"rows": []}, headers=admin)
    await ask("GET", stock, 200, f"{stock}?location=attic", headers=admin)
    await ask("GET", stock, 400, f"{stock}?low=maybe", headers=admin)
    await ask("GET", one, 200, f"{stock}/{MUG}", headers=admin)
    await ask("GET", one, 404, f"{stock}/NOTHING", headers=admin)
    ahead = {"preorder": {"units": 3, "until": "2027-06-01T00:00:00Z"}, "safety_stock": 1, "low_at": 2}
    await ask("PATCH", one, 200, f"{stock}/{MUG}", json=ahead, headers=admin)
    await ask("PATCH", one, 400, f"{stock}/{MUG}", json={"preorder": 1}, headers=admin)
    await ask("PATCH", one, 412, f"{stock}/{MUG}", json={}, headers=admin | {"If-Match": '"9"'})
    await ask("GET", f"{one}/movements", 200, f"{stock}/{MUG}/movements", headers=admin)
    await ask("GET", f"{one}/movements", 400, f"{stock}/{MUG}/movements?cursor=x", headers=admin)
    await ask("DELETE", place, 409, f"{places}/attic", headers=admin)
    await ask("POST", places, 201, json=attic | {"code": "cellar"}, headers=admin)
    await ask("DELETE", place, 204, f"{places}/cellar", headers=admin)

    hooks, hook = "/v1/admin/webhooks", "/v1/admin/webhooks/{id}"
    wanted = {"url": "https://example.com/hook", "events": ["stock.changed"]}
    made = await ask("POST", hooks, 201, json=wanted, headers=admin)
    await ask("POST", hooks, 400, json=wanted | {"url": "https://"}, headers=admin)
    at = f"{hooks}/{made['id']}"
    await ask("GET", hooks, 200, headers=admin)
    await ask("GET", hook, 200, at, headers=admin)
    await ask("GET", hook, 404, f"{hooks}/x", headers=admin)
    await ask("PATCH", hook, 200, at, json={"active": False}, headers=admin)
    await ask("POST", f"{hook}/secret", 200, f"{at}/secret", headers=admin)
    await ask("DELETE", hook, 412, at, headers=admin | {"If-Match": '"1"'})
    await ask("DELETE", hook, 204, at, headers=admin)
