"""A shop with something of everything in it, and whoever may ask for it: what the process that asks is told."""

import secrets
import uuid
from typing import Any

from checkout.accounts.model import ROLES
from checkout.accounts.store import add_account
from checkout.accounts.tokens import link_token
from checkout.app import PARTS
from tests.api.accounts.conftest import PASSWORD, bearer, password_hash
from tests.api.audit.world import FAIL_PAYMENT, FINISH
from tests.shop import TestShop

_CUSTOMERS, _EXPENDABLE = 8, 150
_OWN = """UPDATE products SET owner_id = $1
          WHERE id IN (SELECT product_id FROM variants WHERE sku IN ('MUG-CLASSIC', 'TEE-BLACK-M'))"""
_KEY = {"name": "a machine", "permissions": ["all:*:*"]}


async def told(shop: TestShop) -> dict[str, Any]:
    """Fills the shop. Shape: `callers` and `expendable` hold tokens, `things` names by kind."""
    auth = shop.app[PARTS].auth
    ids: dict[str, uuid.UUID] = {}

    async def add(name: str, role: str) -> str:
        async with shop.db.acquire() as connection:
            made = await add_account(
                connection, shop.cipher, email=f"{name}@example.com", password_hash=password_hash(), role=role
            )
        assert made is not None
        ids[name] = made
        return auth.issue(made, role)

    callers = {role: [await add(role, role)] for role in ROLES if role != "customer"}
    callers["customer"] = [await add(f"customer-{n}", "customer") for n in range(_CUSTOMERS)]
    expendable = [await add(f"gone-{n}", "customer") for n in range(_EXPENDABLE)]
    callers["nobody"] = ["", "", "x", "ck_" + "A" * 43, expendable[0][:-4]]
    await shop.db.execute(_OWN, ids["vendor"])
    admin = bearer(callers["admin"][0])
    status, key, _ = await shop.call("POST", "/v1/admin/api-keys", json=_KEY, headers=admin)
    assert status == 201, key
    callers["API key"] = [key["secret"]]
    return {
        "callers": callers,
        "expendable": expendable,
        "things": await _things(shop, ids, callers["customer"]) | await _family(shop, admin),
        "signs": shop.settings.stripe_webhook_secrets[0],
    }


async def _things(
    shop: TestShop, ids: dict[str, uuid.UUID], customers: list[str]
) -> dict[str, list[str | tuple[str, str]]]:
    """Names by kind; with the token of whose they are, where only that opens them."""
    skus = await shop.db.fetch("SELECT sku, product_id::text AS product FROM variants ORDER BY sku LIMIT 40")
    mug = str(await shop.db.fetchval("SELECT product_id FROM variants WHERE sku = 'MUG-CLASSIC'"))
    categories = await shop.db.fetch("SELECT slug FROM categories")
    gone = [name for name in ids if name.startswith("gone-")]
    orders: list[str | tuple[str, str]] = []
    unpaid: list[str | tuple[str, str]] = []
    for n, token in enumerate(customers):
        orders.append((await _order(shop, FINISH, ids[f"customer-{n}"], f"pi_{secrets.token_hex(8)}"), token))
        if n % 2:
            unpaid.append((await _order(shop, FAIL_PAYMENT, ids[f"customer-{n}"]), token))
    of_products: dict[str, list[str | tuple[str, str]]] = {}
    for row in skus:
        of_products.setdefault(f"skus of {row['product']}", []).append(row["sku"])
    return of_products | {
        "orders": orders,
        "unpaid": unpaid,
        "bought": [(mug, token) for token in customers],
        # Without the mug: it is reviewed, and whoever edits products would take it off sale.
        "products": [product for product in dict.fromkeys(row["product"] for row in skus) if product != mug],
        "skus": [row["sku"] for row in skus] + ["MUG-CLASSIC", "TEE-BLACK-M"],
        "sold": ["MUG-CLASSIC", "TEE-BLACK-M"],
        "slugs": [row["slug"] for row in categories],
        "usable coupons": ["WELCOME10"],
        "locations": ["main", "attic"],
        "roles": list(ROLES),
        "currencies": ["EUR", "USD"],
        "passwords": [PASSWORD],
        "users": [str(ids[name]) for name in gone[:20]],
        "emails": [f"{name}@example.com" for name in gone[20:120]],
        "links": await _links(shop, gone[120:]),
        "refresh_tokens": [await _signed_in(shop, f"{name}@example.com") for name in gone[120:123]],
        "dead-letters": [await _parked(shop) for _ in range(12)],
        "docs": ["errors", "redoc.standalone.js", "x"],
    }


async def _family(shop: TestShop, admin: dict[str, str]) -> dict[str, list[str | tuple[str, str]]]:
    """A product with many variants that were never stocked: only such a one can be removed."""
    options = {"size": [f"s{n}" for n in range(8)], "colour": [f"c{n}" for n in range(8)]}
    body = {"title": "Family", "options": options, "each": {"prices": {"EUR": {"amount": 100}}}}
    status, made, _ = await shop.call("POST", "/v1/admin/products", json=body, headers=admin)
    assert status == 201, made
    return {"families": [made["id"]], f"skus of {made['id']}": [one["sku"] for one in made["variants"]]}


async def _order(shop: TestShop, statement: str, account: uuid.UUID, *more: str) -> str:
    """An order of this account, as a payment that went this way leaves it."""
    status, bought = await shop.buy(("MUG-CLASSIC", 1))
    assert status == 201, bought
    order = uuid.UUID(bought["order"]["id"])
    await shop.db.execute("UPDATE orders SET account_id = $2 WHERE id = $1", order, account)
    await shop.db.execute(statement, order, *more)
    return str(order)


async def _links(shop: TestShop, names: list[str]) -> list[str]:
    """Tokens of links in mails: half of registrations, half for new passwords."""
    for n, name in enumerate(names[:12]):
        wanted = (
            {"email": f"{name}@example.com"}
            if n % 2
            else {"email": f"new-{name}@example.com", "password": PASSWORD}
        )
        path = "/v1/password-resets" if n % 2 else "/v1/accounts"
        status, answer, _ = await shop.call("POST", path, json=wanted)
        assert status == 202, answer
    rows = await shop.db.fetch("SELECT id, kind FROM account_requests")
    secret = shop.settings.secret_key.encode()
    return [link_token(secret, row["kind"], row["id"]) for row in rows]


async def _signed_in(shop: TestShop, email: str) -> str:
    status, session, _ = await shop.call("POST", "/v1/sessions", json={"email": email, "password": PASSWORD})
    assert status == 201, session
    return str(session["refresh_token"])


async def _parked(shop: TestShop) -> str:
    """A dead letter."""
    made = await shop.db.fetchval(
        """INSERT INTO outbox (topic, subject_id, attempts, parked_at, last_error)
           VALUES ('order.confirm', $1, 8, now(), 'no mail server') RETURNING id""",
        uuid.uuid4(),
    )
    return str(made)
