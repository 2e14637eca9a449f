"""Another key while the shop is open: nothing fails, nothing is left under the old one, everything still reads."""

import asyncio
import os
import time
import uuid
from base64 import b64encode
from typing import Any

import msgspec
import pytest

from checkout.accounts import totp
from checkout.admin.orders.store import Search, SearchStore
from checkout.app import PARTS
from checkout.commands.keys import rotate_now, status_now
from checkout.kit import db
from checkout.kit.cipher import Cipher
from checkout.personal.model import KEPT, PLAIN
from checkout.personal.rotate import rotate
from checkout.personal.store import PersonalStore
from config.settings import Settings
from tests.api.accounts.conftest import PASSWORD, bearer, password_hash
from tests.shop import ADDRESS, Stores, TestShop, running

ONE, TWO = (b64encode(bytes([number]) * 32).decode() for number in (1, 2))
OLD, NEW = f"1:{ONE}", f"2:{TWO},1:{ONE}"
MUG = "MUG-CLASSIC"
PEOPLE = int(os.environ.get("PEOPLE", "6"))


def sealing(settings: Settings, keys: str) -> Settings:
    """The same shop under these keys."""
    return msgspec.structs.replace(settings, pii_keys=keys)


async def plain_people(shop: TestShop, count: int) -> None:
    """Accounts as the version before wrote them."""
    await shop.db.execute(
        """WITH made AS (
               INSERT INTO accounts (id, email, password_hash, role, profile)
               SELECT gen_random_uuid(), 'p' || n || '@example.com', $1, 'customer', json_build_object('name', 'Plain ' || n)
               FROM generate_series(1, $2) n RETURNING id)
           , books AS (
               INSERT INTO addresses (id, account_id, document, is_default)
               SELECT gen_random_uuid(), id, '{"name": "Lovelace", "line1": "Elm Street 1", "city": "Berlin"}', true FROM made)
           INSERT INTO second_factors (account_id, secret, confirmed_at)
           SELECT id, '\\x000102030405060708090a0b0c0d0e0f10111213', now() FROM made""",
        password_hash(),
        count,
    )
    await shop.db.execute(
        """INSERT INTO account_requests (id, kind, email, document, expires_at)
           SELECT gen_random_uuid(), 'password_reset', 'p1@example.com', '{}', now() + interval '1 hour'"""
    )


async def plain_orders(shop: TestShop, count: int) -> list[dict[str, Any]]:
    """Orders with an invoice, a label and a webhook each, as the version before kept them; gives their answers."""
    await shop.set_stock(MUG, 100_000)
    made = []
    for number in range(count):
        status, answer = await shop.buy((MUG, 1), email=f"Guest{number}@example.com", key=f"old-{number}")
        assert status == 201, answer
        made.append(answer)
    ids = [uuid.UUID(answer["order"]["id"]) for answer in made]
    await shop.db.executemany(
        """UPDATE orders SET email = $2, personal = NULL, email_index = NULL,
                  document = (document::jsonb || json_build_object('shipping_address', $3::json, 'billing_address', NULL)::jsonb)::json
           WHERE id = $1""",
        [(order, f"Guest{n}@example.com", json_text(ADDRESS)) for n, order in enumerate(ids)],
    )
    await shop.db.execute("INSERT INTO invoice_series (series) VALUES ('T')")
    await shop.db.execute(
        """WITH page AS (
               INSERT INTO invoices (id, series, number, order_id, document, pdf)
               SELECT gen_random_uuid(), 'T', n, id, '{"buyer": {"name": "Lovelace"}, "email": "a@example.com", "total": 5}', '%PDF-1.4 Lovelace'
               FROM unnest($1::uuid[]) WITH ORDINALITY o (id, n))
           , label AS (
               INSERT INTO shipments (id, order_id, carrier, tracking_number, label_pdf)
               SELECT gen_random_uuid(), id, 'dhl', id::text, '%PDF-1.4 label' FROM unnest($1::uuid[]) id)
           INSERT INTO webhook_inbox (id, provider, event_id, kind, payload)
           SELECT gen_random_uuid(), 'stripe', id::text, 'x', '{"reference": null}' FROM unnest($1::uuid[]) id""",
        ids,
    )
    return made


def json_text(value: object) -> str:
    """The value as JSON."""
    return msgspec.json.encode(value).decode()


async def cart_with(shop: TestShop, address: dict[str, Any], *, plain: bool = False) -> str:
    """A cart that goes to this address; `plain`: as the version before kept it."""
    line = {"sku": MUG, "quantity": 1}
    _, cart, _ = await shop.call("POST", "/v1/carts", json={"currency": "EUR", "lines": [line]})
    if plain:
        await shop.app[PARTS].carts.edit(cart["id"], [("S", "addr", json_text(address))])
    else:
        status, answer, _ = await shop.call("PUT", f"/v1/carts/{cart['id']}/address", json=address)
        assert status == 200, answer
    return str(cart["id"])


async def address_of(shop: TestShop, cart_id: str) -> Any:
    """Where the cart goes, as its reader is told."""
    status, cart, _ = await shop.call("GET", f"/v1/carts/{cart_id}")
    assert status == 200, cart
    return cart["address"]


async def in_the_gate(shop: TestShop, cart_id: str) -> str:
    """All that the gate holds of a cart, as text."""
    lane = shop.app[PARTS].gate.lane
    [key] = await lane.call(b"KEYS", f"*{cart_id}")
    return str(await lane.call(b"HGETALL", key))


async def found(shop: TestShop, email: str) -> list[str]:
    """Numbers of the orders that are found by this address."""
    store = SearchStore(shop.app[PARTS].pool, shop.cipher)
    rows, _ = await store.search(Search(email=email), 100)
    assert all(row["email"].lower() == email.lower() for row in rows)
    return [str(row["number"]) for row in rows]


async def signed_in(shop: TestShop, email: str) -> dict[str, str]:
    """The header field of who signs in."""
    body = {"email": email, "password": PASSWORD}
    status, session, _ = await shop.call("POST", "/v1/sessions", json=body)
    assert status == 201, session
    return bearer(session["access_token"])


async def counted(settings: Settings) -> dict[str, dict[int, int]]:
    """Rows by table and key."""
    connection = await db.connect(settings.database_url, purpose="test")
    try:
        cipher = Cipher(settings.personal_keys, settings.personal_index_key)
        return await PersonalStore(connection, cipher).by_key()
    finally:
        await connection.close()


def document(printed: str) -> Any:
    """The JSON that a command printed, after what the shop logged."""
    return msgspec.json.decode(printed[printed.index("{\n") :])


async def live(shop: TestShop, email: str, ends: asyncio.Event) -> int:
    """One person's day, again and again; gives how many requests were answered as they should be."""
    mine, done = await signed_in(shop, email), 0
    while not ends.is_set():
        for method, path, body, expected in (
            ("PATCH", "/v1/me", {"name": f"{email} {done}"}, 200),
            ("GET", "/v1/me", None, 200),
            ("POST", "/v1/me/addresses", ADDRESS, 201),
            ("POST", "/v1/password-resets", {"email": email}, 202),
        ):
            status, answer, headers = await shop.call(method, path, json=body, headers=mine)
            assert status == expected, (method, path, answer)
            if status == 201:
                gone = await shop.call("DELETE", str(headers["Location"]), headers=mine)
                assert gone[0] == 204
            done += 1
        cart = await cart_with(shop, ADDRESS | {"name": f"Lovelace {done}"})
        assert await address_of(shop, cart) == ADDRESS | {"name": f"Lovelace {done}"}
        key = f"{email}-{done}"
        status, placed = await shop.buy((MUG, 1), email=email, key=key)
        assert status == 201, placed
        token = bearer(placed["access_token"])
        status, order, _ = await shop.call("GET", f"/v1/orders/{placed['order']['id']}", headers=token)
        assert (status, order["shipping_address"]) == (200, ADDRESS)
        assert (await shop.buy((MUG, 1), email=email, key=key))[1] == placed
        if done <= 4:  # an account's tries are counted
            mine = await signed_in(shop, email)
    return done


async def test_keys_change_while_people_use_the_shop(
    stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this fails, a rotation stops the shop, loses somebody's data, or leaves rows that only the old key opens."""
    settings = await stores.fresh_settings(pii_keys=OLD)
    async with running(settings) as shop:
        await plain_people(shop, 700)
        old = await plain_orders(shop, 20)
        carts = [await cart_with(shop, ADDRESS, plain=number < 5) for number in range(10)]
        await shop.app[PARTS].persister.flush()
        _, newer = await shop.buy((MUG, 1), email="guest3@example.com")
        for number in range(PEOPLE):
            mine = await signed_in_new(shop, f"n{number}@example.com")
            assert (await shop.call("PATCH", "/v1/me", json={"phone": "+49 30 1"}, headers=mine))[0] == 200
    renewed = sealing(settings, NEW)
    async with running(renewed) as shop:
        before = await counted(renewed)
        assert before["accounts"] == {PLAIN: 700, 1: PEOPLE}
        assert before["orders"] == {PLAIN: 20, 1: 1}
        assert before["carts"] == {PLAIN: 5, 1: 5}
        both = [newer["order"]["number"], old[3]["order"]["number"]]
        assert await found(shop, "GUEST3@example.com") == both
        ends = asyncio.Event()
        people = [asyncio.create_task(live(shop, f"n{n}@example.com", ends)) for n in range(PEOPLE)]
        await asyncio.sleep(0.3)
        assert await rotate_now(renewed, as_json=True) == 0
        said = document(capsys.readouterr().out)
        assert (said["ok"], said["current"], said["left"]) == (True, 2, {})
        assert said["sealed"]["accounts"] >= 700
        await asyncio.sleep(0.3)
        ends.set()
        assert sum(await asyncio.gather(*people)) > PEOPLE
        await shop.app[PARTS].persister.flush()
        after = await counted(renewed)
        assert {kept.table for kept in KEPT} == after.keys()
        assert all(keys.keys() == {2} for keys in after.values()), after
        assert after["accounts"] == {2: 700 + PEOPLE}
        assert await status_now(renewed, as_json=True) == 0
    async with running(sealing(settings, f"2:{TWO}")) as shop:
        secret = bytes(range(20))
        body = {"email": "P7@example.com", "password": PASSWORD}
        assert (await shop.call("POST", "/v1/sessions", json=body))[0] == 401, "the second factor is lost"
        body["otp"] = totp.code_at(secret, int(time.time()) // totp.STEP_S)
        assert (await shop.call("POST", "/v1/sessions", json=body))[0] == 201
        await shop.db.execute("DELETE FROM second_factors")
        mine = await signed_in(shop, "P7@example.com")
        assert (await shop.call("GET", "/v1/me", headers=mine))[1]["name"] == "Plain 7"
        book = (await shop.call("GET", "/v1/me/addresses", headers=mine))[1]["items"]
        assert [entry["line1"] for entry in book] == ["Elm Street 1"]
        assert await found(shop, "guest3@example.com") == both
        for cart in carts:
            assert await address_of(shop, cart) == ADDRESS
            held = await in_the_gate(shop, cart)
            assert not [word for word in ("Lovelace", "Linden", "10117") if word in held]
        for number, answer in enumerate(old):
            token, at = bearer(answer["access_token"]), f"/v1/orders/{answer['order']['id']}"
            status, order, _ = await shop.call("GET", at, headers=token)
            assert (status, order["shipping_address"], order["billing_address"]) == (200, ADDRESS, None)
            status, again = await shop.buy((MUG, 1), email=f"Guest{number}@example.com", key=f"old-{number}")
            assert (status, again) == (201, answer)
            status, page, _ = await shop.call("GET", f"{at}/invoice.pdf", headers=token)
            assert (status, page) == (200, b"%PDF-1.4 Lovelace")
        left = await shop.db.fetchval(
            "SELECT string_agg(concat(o.*, i.*, s.*, w.*, c.document), '') FROM orders o "
            "JOIN invoices i ON i.order_id = o.id JOIN shipments s ON s.order_id = o.id CROSS JOIN webhook_inbox w CROSS JOIN carts c"
        )
        assert not [
            word for word in ("Lovelace", "guest", "Guest", "label", "reference", "Linden") if word in left
        ]
        mine = await signed_in(shop, "n0@example.com")
        me = (await shop.call("GET", "/v1/me", headers=mine))[1]
        assert (me["phone"], me["email"]) == ("+49 30 1", "n0@example.com")


async def signed_in_new(shop: TestShop, email: str) -> dict[str, str]:
    """An account that this version makes, signed in."""
    from checkout.accounts.store import add_account

    async with shop.db.acquire() as connection:
        made: Any = await add_account(
            connection, shop.cipher, email=email, password_hash=password_hash(), role="customer"
        )
    assert made is not None
    return await signed_in(shop, email)


async def test_a_rotation_waits_for_nobody_and_says_what_is_left(stores: Stores) -> None:
    """If this fails, a rotation hangs on somebody's lock, or says that all is done when it is not."""
    settings = await stores.fresh_settings(pii_keys=NEW)
    async with running(settings) as shop:
        await plain_people(shop, 3)
        connection = await db.connect(settings.database_url, purpose="test")
        store = PersonalStore(connection, shop.cipher)
        async with shop.db.acquire() as other, other.transaction():
            await other.execute("SELECT FROM accounts WHERE email = 'p2@example.com' FOR UPDATE")
            async with asyncio.timeout(4):
                done = await rotate(store, 2)
            assert not done.is_whole
            assert done.left == {"accounts": {PLAIN: 1}}
        done = await rotate(store, 2)
        assert done.is_whole
        assert done.sealed["accounts"] == 1, "what was done is done again"
        await connection.close()


async def test_a_missing_key_is_said_and_served_as_unavailable(
    stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this fails, an operator who drops a key too early learns it from the shoppers."""
    settings = await stores.fresh_settings(pii_keys=NEW)
    async with running(settings) as shop:
        mine = await signed_in_new(shop, "ada@example.com")
    late = sealing(settings, OLD)
    assert await status_now(late, as_json=True) == 1
    assert document(capsys.readouterr().out)["missing"] == [2]
    assert await status_now(late, as_json=False) == 1
    assert "Key 2 is not in CHECKOUT_PII_KEYS" in capsys.readouterr().out
    async with running(late) as shop:
        status, problem, _ = await shop.call("GET", "/v1/me", headers=mine)
        assert (status, problem["code"]) == (503, "key_missing")
