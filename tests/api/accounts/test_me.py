"""The profile, the address book, own orders, the export and the erasure."""

import asyncio
import uuid
from typing import Any

import orjson

from checkout.accounts.own.store import OwnStore
from checkout.app import PARTS
from checkout.orders.personal import opened_order
from config import limits
from tests.api.accounts.conftest import PASSWORD, People, bearer
from tests.api.accounts.test_sessions import shuts, sign_in
from tests.shop import ADDRESS, TestShop


async def signed_in(shop: TestShop, email: str = "customer@example.com") -> dict[str, str]:
    """The header field of a real session."""
    _, session, _ = await sign_in(shop, email)
    return bearer(session["access_token"])


async def test_a_profile_is_changed_where_it_says_so_and_guarded_by_its_version(people: People) -> None:
    """If this fails, a change overwrites what another device wrote, or empties what it did not name."""
    shop, mine = people.shop, await signed_in(people.shop)
    status, me, headers = await shop.call("GET", "/v1/me", headers=mine)
    assert (status, headers["ETag"], headers["Cache-Control"]) == (200, '"1"', "private, no-store")
    change: dict[str, Any] = {"name": " Ada Lovelace ", "phone": "+49 30 1234567", "consents": {"sms": True}}
    guarded = mine | {"If-Match": headers["ETag"]}
    status, me, headers = await shop.call("PATCH", "/v1/me", json=change, headers=guarded)
    assert (status, me["name"], me["phone"], me["version"]) == (200, "Ada Lovelace", "+49 30 1234567", 2)
    given = me["consents"]["sms"]
    assert given["given"] is True
    assert me["consents"]["marketing_email"] == {"given": False, "at": None}
    status, problem, _ = await shop.call("PATCH", "/v1/me", json={"name": "Eve"}, headers=guarded)
    assert (status, problem["code"]) == (412, "stale_version")
    body = {"phone": None, "locale": "de-AT", "consents": {"sms": True, "marketing_email": False}}
    _, me, _ = await shop.call("PATCH", "/v1/me", json=body, headers=mine)
    assert (me["name"], me["phone"], me["locale"]) == ("Ada Lovelace", None, "de-AT")
    assert me["consents"]["sms"] == given, "what stays as it was keeps its time"
    assert me["consents"]["marketing_email"]["at"] is not None
    _, me, _ = await shop.call("PATCH", "/v1/me", json={"consents": {"sms": False}}, headers=mine)
    assert me["consents"]["sms"]["at"] > given["at"]
    for wrong in (
        {"email": "x@example.com"}, {"role": "admin"}, {"name": ""}, {"name": "  "}, {"name": "a\nb"}, {"phone": "call me"},
        {"locale": "german"}, {"consents": {"fax": True}}, {"consents": {"sms": "yes"}}, {"name": "x" * 201},
    ):  # fmt: skip
        status, problem, _ = await shop.call("PATCH", "/v1/me", json=wrong, headers=mine)
        assert (status, problem["code"]) == (400, "invalid"), wrong
    assert (await shop.call("GET", "/v1/me"))[0] == 401
    nobody = bearer(people.auth.issue(uuid.uuid4(), "customer"))
    for method, body in (("GET", None), ("PATCH", {"name": "x"})):
        assert (await shop.call(method, "/v1/me", json=body, headers=nobody))[0] == 401


async def test_an_address_book_has_one_default_and_belongs_to_one_person(people: People) -> None:
    """If this fails, a parcel goes to the wrong one of two defaults, or a stranger reads where somebody lives."""
    shop, mine = people.shop, await signed_in(people.shop)
    book = "/v1/me/addresses"
    status, first, headers = await shop.call("POST", book, json=ADDRESS | {"label": "home"}, headers=mine)
    assert (status, first["is_default"], first["label"]) == (201, True, "home")
    assert headers["Location"] == f"{book}/{first['id']}"
    _, second, _ = await shop.call("POST", book, json=ADDRESS | {"is_default": True}, headers=mine)
    _, third, _ = await shop.call("POST", book, json=ADDRESS, headers=mine)
    _, listed, _ = await shop.call("GET", book, headers=mine)
    defaults = {item["id"]: item["is_default"] for item in listed["items"]}
    assert defaults == {first["id"]: False, second["id"]: True, third["id"]: False}
    assert listed["next_cursor"] is None
    at = f"{book}/{third['id']}"
    guarded = mine | {"If-Match": '"1"'}
    moved = ADDRESS | {"city": "Potsdam", "is_default": True}
    status, third, headers = await shop.call("PUT", at, json=moved, headers=guarded)
    assert (status, third["city"], third["is_default"], headers["ETag"]) == (200, "Potsdam", True, '"2"')
    for method in ("PUT", "DELETE"):
        body = moved if method == "PUT" else None
        status, problem, _ = await shop.call(method, at, json=body, headers=guarded)
        assert (status, problem["code"]) == (412, "stale_version"), method
    await asyncio.gather(
        *(
            shop.call("PUT", f"{book}/{item}", json=ADDRESS | {"is_default": True}, headers=mine)
            for item in (first["id"], second["id"], third["id"])
            for _ in range(4)
        )
    )
    _, listed, _ = await shop.call("GET", book, headers=mine)
    assert sum(item["is_default"] for item in listed["items"]) == 1
    strangers = await signed_in(shop, "vendor@example.com")
    for method, body in (("GET", None), ("PUT", ADDRESS), ("DELETE", None)):
        for where in (at, f"{book}/{uuid.uuid4()}", f"{book}/nothing"):
            status, problem, _ = await shop.call(method, where, json=body, headers=strangers)
            assert (status, problem["code"]) == (404, "not_found"), (method, where)
    assert (await shop.call("DELETE", at, headers=mine))[0] == 204
    assert (await shop.call("GET", at, headers=mine))[0] == 404
    for wrong in (
        ADDRESS | {"country": "Germany"},
        ADDRESS | {"x": 1},
        {"name": "Ada"},
        ADDRESS | {"id": "x"},
    ):
        assert (await shop.call("POST", book, json=wrong, headers=mine))[0] == 400, wrong
    await shop.db.execute(
        "INSERT INTO addresses (id, account_id, document, is_default) "
        "SELECT gen_random_uuid(), id, '{}', false FROM accounts, generate_series(3, $1) WHERE role = 'customer'",
        limits.ADDRESSES_MAX,
    )
    status, problem, _ = await shop.call("POST", book, json=ADDRESS, headers=mine)
    assert (status, problem["code"]) == (409, "book_full")


async def bought(shop: TestShop, mine: dict[str, str], *lines: tuple[str, int]) -> Any:
    """An order of who is signed in."""
    headers = mine | {"Idempotency-Key": f"key-{next(shop.keys)}"}
    status, document, _ = await shop.call(
        "POST", "/v1/checkouts", json=shop.purchase(*lines), headers=headers
    )
    assert status == 201, document
    return document["order"]


async def test_own_orders_are_listed_in_pages_and_bought_again_as_far_as_they_are_sold(
    people: People,
) -> None:
    """If this fails, an order is missing between two pages, or buying again silently leaves something out."""
    shop, mine = people.shop, await signed_in(people.shop)
    orders = [await bought(shop, mine, ("MUG-CLASSIC", 1), ("TEE-BLACK-M", 2)) for _ in range(5)]
    await shop.buy(("MUG-CLASSIC", 1))
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        _, page, _ = await shop.call("GET", f"/v1/me/orders?limit=2{cursor}", headers=mine)
        seen += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [order["id"] for order in reversed(orders)]
    assert page["next_cursor"] is None
    item = page["items"][0]
    assert (item["status"], item["currency"], item["total"]) == (
        "placed",
        "EUR",
        orders[0]["totals"]["total"],
    )
    assert [(line["sku"], line["quantity"]) for line in item["lines"]] == [
        ("MUG-CLASSIC", 1),
        ("TEE-BLACK-M", 2),
    ]
    for query in ("limit=0", "limit=x", "cursor=x", "cursor=WyJ4Il0=", "cursor=WzFd"):
        assert (await shop.call("GET", f"/v1/me/orders?{query}", headers=mine))[0] == 400, query
    again = f"/v1/me/orders/{orders[0]['id']}/reorder"
    await shop.db.execute(
        "DELETE FROM prices USING variants v WHERE v.item_id = prices.item_id AND v.sku = 'TEE-BLACK-M'"
    )
    status, made, headers = await shop.call("POST", again, headers=mine)
    async with asyncio.timeout(3):
        while not made["not_available"]:  # the change is on its way to this process
            await asyncio.sleep(0.02)
            status, made, headers = await shop.call("POST", again, headers=mine)
    assert status == 201
    assert [(gone["sku"], gone["quantity"]) for gone in made["not_available"]] == [("TEE-BLACK-M", 2)]
    _, cart, _ = await shop.call("GET", headers["Location"], headers=mine)
    assert [(line["sku"], line["quantity"]) for line in cart["lines"]] == [("MUG-CLASSIC", 1)]
    assert (await shop.call("GET", headers["Location"]))[0] == 404, "the cart is its account's alone"
    await shop.db.execute(
        "DELETE FROM prices USING variants v WHERE v.item_id = prices.item_id AND v.sku = 'MUG-CLASSIC'"
    )
    async with asyncio.timeout(3):
        while (await shop.call("POST", again, headers=mine))[0] == 201:
            await asyncio.sleep(0.02)
    status, problem, _ = await shop.call("POST", again, headers=mine)
    assert (status, problem["code"]) == (409, "nothing_to_reorder")
    strangers = await signed_in(shop, "vendor@example.com")
    for where in (again, f"/v1/me/orders/{uuid.uuid4()}/reorder", "/v1/me/orders/nothing/reorder"):
        assert (await shop.call("POST", where, headers=strangers))[0] == 404


async def filled(shop: TestShop, mine: dict[str, str]) -> tuple[Any, Any, str]:
    """(paid order, cancelled order, cart) of who is signed in, beside an address and a name."""
    await shop.call("POST", "/v1/me/addresses", json=ADDRESS, headers=mine)
    await shop.call("PATCH", "/v1/me", json={"name": "Ada Lovelace", "consents": {"sms": True}}, headers=mine)
    paid, cancelled = [await bought(shop, mine, ("MUG-CLASSIC", 1)) for _ in range(2)]
    await shop.db.execute(
        "UPDATE orders SET status = 'paid', paid_at = now() WHERE id = $1", uuid.UUID(paid["id"])
    )
    await shop.db.execute("INSERT INTO invoice_series (series) VALUES ('INV-2026') ON CONFLICT DO NOTHING")
    await shop.db.execute(
        "INSERT INTO invoices (id, series, number, order_id, document, pdf) VALUES (gen_random_uuid(), 'INV-2026', 1, $1, "
        """'{"buyer": {"name": "Ada Lovelace"}, "email": "ada@example.com", "total": 1}', 'page')""",
        uuid.UUID(paid["id"]),
    )
    await shop.call("POST", f"/v1/orders/{cancelled['id']}/cancel", headers=mine)
    line = {"sku": "MUG-CLASSIC", "quantity": 1}
    _, cart, _ = await shop.call("POST", "/v1/carts", json={"currency": "EUR", "lines": [line]})
    await shop.call("PUT", f"/v1/carts/{cart['id']}/address", json=ADDRESS)
    assert (await shop.call("POST", f"/v1/carts/{cart['id']}/claim", headers=mine))[0] == 200
    return paid, cancelled, cart["id"]


async def test_a_person_gets_everything_that_is_held_about_them(people: People) -> None:
    """If this fails, an export leaves something out (GDPR, article 15), or holds somebody else's data."""
    shop, mine = people.shop, await signed_in(people.shop)
    paid, cancelled, cart = await filled(shop, mine)
    await shop.buy(("MUG-CLASSIC", 1), email="eve@example.com")
    status, held, headers = await shop.call("GET", "/v1/me/export", headers=mine)
    assert (status, headers["Cache-Control"]) == (200, "private, no-store")
    assert held["account"]["name"] == "Ada Lovelace"
    assert [entry["line1"] for entry in held["addresses"]] == [ADDRESS["line1"]]
    assert [order["id"] for order in held["orders"]] == [paid["id"], cancelled["id"]]
    assert held["orders"][0]["document"]["shipping_address"]["name"] == ADDRESS["name"]
    assert held["orders"][0]["invoice"] == "INV-2026-000001"
    assert [one["id"] for one in held["carts"]] == [cart]
    assert len(held["sessions"]) == 1
    text = orjson.dumps(held).decode()
    assert "eve@example.com" not in text
    assert "argon2" not in text
    assert (await shop.call("GET", "/v1/me/export"))[0] == 401


async def test_who_goes_is_forgotten_and_the_ledger_stays_lawful(people: People) -> None:
    """If this fails, an erased person is still there, or an invoice that tax law keeps is not."""
    shop = people.shop
    _, session, _ = await sign_in(shop, "customer@example.com")
    mine = bearer(session["access_token"])
    paid, cancelled, cart = await filled(shop, mine)
    account = await shop.db.fetchval("SELECT id FROM accounts WHERE role = 'customer'")
    status, problem, _ = await shop.call("DELETE", "/v1/me", json={"password": "wrong"}, headers=mine)
    assert (status, problem["code"]) == (401, "wrong_credentials")
    assert (await shop.call("DELETE", "/v1/me", json={"password": PASSWORD}, headers=mine))[0] == 204
    await shuts(shop, session)
    assert (await sign_in(shop, "customer@example.com"))[0] == 401
    for table in ("addresses", "sessions", "account_carts"):
        assert await shop.db.fetchval(f"SELECT count(*) FROM {table}") == 0, table
    await shop.app[PARTS].persister.flush()
    kept = await shop.db.fetchval("SELECT document::text FROM carts WHERE id = $1", cart)
    assert kept is None or "Lovelace" not in kept
    rows = {
        str(row["id"]): row
        for row in await shop.db.fetch("SELECT * FROM orders WHERE account_id = $1", account)
    }
    assert rows[cancelled["id"]]["email"] == "erased@erased.invalid"
    assert "Lovelace" not in rows[cancelled["id"]]["document"]
    kept_row = opened_order(shop.cipher, rows[paid["id"]])
    assert kept_row["email"] == "ada@example.com", "the law keeps it for now"
    own = OwnStore(shop.app[PARTS].pool, shop.cipher)
    assert await own.blank_due() == 0
    await shop.db.execute(
        "UPDATE orders SET placed_at = placed_at - interval '11 years', payment_deadline = payment_deadline - interval '11 years'"
    )
    assert await own.blank_due() == 1
    assert await own.blank_due() == 0
    old = await shop.db.fetchrow(
        "SELECT o.*, i.document AS page, i.pdf, i.number AS invoice FROM orders o JOIN invoices i ON i.order_id = o.id"
    )
    assert old["email"] == "erased@erased.invalid"
    assert "Lovelace" not in old["document"] + old["page"]
    assert (old["pdf"], old["invoice"]) == (b"", 1)
    assert old["total_minor"] == paid["totals"]["total"], "what was bought and what it cost stays"
    await people.add("customer@example.com")
    again = await signed_in(shop)
    _, page, _ = await shop.call("GET", "/v1/me/orders", headers=again)
    assert page["items"] == [], "a new account of the address is another person's, for all we know"


async def test_who_works_for_the_shop_does_not_erase_the_account(people: People) -> None:
    """If this fails, the last admin is gone, or products lose their vendor."""
    shop = people.shop
    for email in ("admin@example.com", "vendor@example.com"):
        mine = await signed_in(shop, email)
        status, problem, _ = await shop.call("DELETE", "/v1/me", json={"password": PASSWORD}, headers=mine)
        assert (status, problem["code"]) == (409, "staff_account"), email
    mine = await signed_in(shop)
    await shop.db.execute(
        "UPDATE products SET owner_id = (SELECT id FROM accounts WHERE role = 'customer') WHERE slug = 'tee-black'"
    )
    status, problem, _ = await shop.call("DELETE", "/v1/me", json={"password": PASSWORD}, headers=mine)
    assert (status, problem["code"]) == (409, "staff_account")
    assert (await shop.call("GET", "/v1/me", headers=mine))[0] == 200, "nothing was done"
