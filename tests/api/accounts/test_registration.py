"""Registering, proving an address, forgetting a password: all by mail, none of it telling who has an account."""

import asyncio
import uuid
from typing import Any

from checkout.accounts.personal import REQUEST
from checkout.accounts.tokens import link_token
from config import limits
from tests.api.accounts.conftest import PASSWORD, People, bearer, later
from tests.api.accounts.test_sessions import opens, renew, shuts, sign_in
from tests.shop import TestShop

NEW = "a password of my own 17"


async def register(shop: TestShop, email: str, **more: Any) -> tuple[int, Any, Any]:
    """(status, document, header fields) of registering with NEW."""
    return await shop.call("POST", "/v1/accounts", json={"email": email, "password": NEW, **more})


async def link_of(shop: TestShop, email: str, kind: str = "registration") -> str:
    """The token of the newest link for this address, as its mail carries it."""
    request = await shop.db.fetchval(
        "SELECT id FROM account_requests WHERE email_index = $1 AND kind = $2 ORDER BY id DESC",
        shop.cipher.index(email),
        kind,
    )
    assert request is not None
    return link_token(shop.settings.secret_key.encode(), kind, request)


async def verify(shop: TestShop, token: str) -> tuple[int, Any]:
    """(status, document) of opening the link."""
    return (await shop.call("POST", "/v1/accounts/verify", json={"token": token}))[:2]


async def test_an_account_is_there_once_its_address_is_proven(shop: TestShop) -> None:
    """If this fails, nobody can register, or an account stands on an address that was never proven."""
    status, document, headers = await register(shop, "Ada@Example.com", name=" Ada ", marketing_email=True)
    assert (status, document["status"], headers["Cache-Control"]) == (202, "check_your_mail", "no-store")
    assert await shop.db.fetchval("SELECT count(*) FROM accounts") == 0
    assert (await sign_in(shop, "ada@example.com", NEW))[0] == 401
    token = await link_of(shop, "ada@example.com")
    assert await verify(shop, token) == (200, {"status": "verified", "orders": 0})
    status, problem = await verify(shop, token)
    assert (status, problem["code"]) == (400, "bad_link"), "the link works once"
    _, session, _ = await sign_in(shop, "ada@example.com", NEW)
    _, me, _ = await shop.call("GET", "/v1/me", headers=bearer(session["access_token"]))
    assert (me["email"], me["role"], me["name"], me["verified"]) == (
        "ada@example.com",
        "customer",
        "Ada",
        True,
    )
    assert me["consents"]["marketing_email"]["given"] is True
    assert me["consents"]["marketing_email"]["at"] is not None
    assert me["consents"]["sms"] == {"given": False, "at": None}


async def test_registering_tells_nobody_whether_the_address_has_an_account(people: People) -> None:
    """If this fails, an address list can be tried for accounts, or an account is taken over by registering again."""
    shop = people.shop
    known = await register(shop, "customer@example.com", name="Mallory")
    unknown = await register(shop, "nobody@example.com", name="Mallory")
    assert known[0] == unknown[0] == 202
    assert known[1] == unknown[1]
    status, problem = await verify(shop, await link_of(shop, "customer@example.com"))
    assert (status, problem["code"]) == (400, "bad_link")
    assert (await sign_in(shop, "customer@example.com", NEW))[0] == 401
    assert (await sign_in(shop, "customer@example.com"))[0] == 201
    asked = [
        await shop.call("POST", "/v1/password-resets", json={"email": email})
        for email in ("customer@example.com", "nobody2@example.com")
    ]
    assert [status for status, _, _ in asked] == [202, 202]
    assert asked[0][1] == asked[1][1]
    owed = await shop.db.fetchval("SELECT count(*) FROM outbox WHERE topic = 'account.mail'")
    assert owed == 4, "the handler must not know whom a mail goes to"


async def test_whoever_registered_first_without_reading_the_mail_gets_nothing(shop: TestShop) -> None:
    """If this fails, an attacker registers somebody's address first, and owns the account that its owner verifies."""
    await shop.call(
        "POST", "/v1/accounts", json={"email": "ada@example.com", "password": "the attacker's own"}
    )
    theirs = await link_of(shop, "ada@example.com")
    await register(shop, "ada@example.com")
    assert (await verify(shop, await link_of(shop, "ada@example.com")))[0] == 200
    assert (await verify(shop, theirs))[0] == 400
    assert (await sign_in(shop, "ada@example.com", NEW))[0] == 201
    assert (await sign_in(shop, "ada@example.com", "the attacker's own"))[0] == 401


async def test_a_link_is_over_in_time_and_used_once_by_whoever_comes_first(shop: TestShop) -> None:
    """If this fails, an old mail opens an account, or two uses of one link make two."""
    await register(shop, "ada@example.com")
    token = await link_of(shop, "ada@example.com")
    answers = await asyncio.gather(*(verify(shop, token) for _ in range(6)))
    assert sorted(status for status, _ in answers) == [200] + [400] * 5
    await register(shop, "bob@example.com")
    late = await link_of(shop, "bob@example.com")
    await shop.db.execute("UPDATE account_requests SET expires_at = now() - interval '1 s'")
    assert (await verify(shop, late))[0] == 400
    secret = shop.settings.secret_key.encode()
    for text in ("x", "é", late[:-1], link_token(secret, "password_reset", uuid.uuid4()), "A" * 60):
        status, problem = await verify(shop, text)
        assert (status, problem["code"]) == (400, "bad_link"), text


async def test_passwords_are_judged_by_length_and_by_what_is_tried_first(shop: TestShop) -> None:
    """If this fails, accounts are opened with 1234567890."""
    for password in (
        "short",
        "1234567890",
        "Password2024!",
        "aaaaaaaaaaaaa",
        "qwertyuiop",
        "ada@example.com",
    ):
        status, problem, _ = await shop.call(
            "POST", "/v1/accounts", json={"email": "ada@example.com", "password": password}
        )
        assert (status, problem["code"]) == (400, "weak_password"), password
        assert problem["errors"][0]["field"] == "password"
    assert await shop.db.fetchval("SELECT count(*) FROM account_requests") == 0
    for email in ("ada", "ada@example", "a b@example.com", "a@b.c,d@e.f", "a\x00@b.de"):
        assert (await register(shop, email))[0] == 400, email


async def test_a_forgotten_password_is_set_anew_by_a_link_that_ends_every_session(people: People) -> None:
    """If this fails, who lost a password stays out, or a thief stays in."""
    shop = people.shop
    _, session, _ = await sign_in(shop, "customer@example.com")
    await shop.call("POST", "/v1/password-resets", json={"email": "Customer@example.com"})
    token = await link_of(shop, "customer@example.com", "password_reset")
    await shop.call("POST", "/v1/password-resets", json={"email": "customer@example.com"})
    second = await link_of(shop, "customer@example.com", "password_reset")

    async def confirm(text: str, password: str = NEW) -> tuple[int, Any]:
        body = {"token": text, "password": password}
        return (await shop.call("POST", "/v1/password-resets/confirm", json=body))[:2]

    status, problem = await confirm(token, "short")
    assert (status, problem["code"]) == (400, "weak_password"), "and the link is still good"
    assert (await confirm(token))[0] == 204
    for used in (token, second, "x", await _foreign(shop)):
        status, problem = await confirm(used)
        assert (status, problem["code"]) == (400, "bad_link")
    assert (await renew(shop, session))[0] == 401
    await shuts(shop, session)
    assert (await sign_in(shop, "customer@example.com"))[0] == 401
    assert (await sign_in(shop, "customer@example.com", NEW))[0] == 201
    assert await shop.db.fetchval("SELECT verified_at IS NOT NULL FROM accounts WHERE role = 'customer'")
    await shop.db.execute("UPDATE accounts SET disabled_at = now() WHERE role = 'vendor'")
    await shop.call("POST", "/v1/password-resets", json={"email": "vendor@example.com"})
    assert (await confirm(await link_of(shop, "vendor@example.com", "password_reset")))[0] == 400


async def _foreign(shop: TestShop) -> str:
    await register(shop, "eve@example.com")
    return await link_of(shop, "eve@example.com")


async def test_a_password_is_changed_by_who_knows_it_and_other_sessions_end(people: People) -> None:
    """If this fails, a stolen access token is enough to take an account over."""
    shop = people.shop
    _, here, _ = await sign_in(shop, "customer@example.com")
    _, there, _ = await sign_in(shop, "customer@example.com")

    async def change(old: str, new: str) -> tuple[int, Any]:
        await later(shop, "customer@example.com")
        body = {"current_password": old, "new_password": new}
        return (await shop.call("POST", "/v1/me/password", json=body, headers=bearer(here["access_token"])))[
            :2
        ]

    status, problem = await change("wrong password", NEW)
    assert (status, problem["code"]) == (401, "wrong_credentials")
    status, problem = await change(PASSWORD, "1234567890")
    assert (status, problem["code"]) == (400, "weak_password")
    assert (await change(PASSWORD, NEW))[0] == 204
    await later(shop, "customer@example.com")
    await shuts(shop, there)
    assert (await renew(shop, there))[0] == 401
    assert await opens(shop, here), "the session that changed it goes on"
    assert (await sign_in(shop, "customer@example.com"))[0] == 401
    assert (await sign_in(shop, "customer@example.com", NEW))[0] == 201
    told = await shop.db.fetchval("SELECT count(*) FROM account_requests WHERE kind = 'password_changed'")
    assert told == 1, "nobody would notice a thief's change"


async def test_guest_orders_of_a_proven_address_become_its_own(shop: TestShop) -> None:
    """If this fails, past orders are lost to their buyer, or a stranger gets them by registering the address."""
    _, first = await shop.buy(("MUG-CLASSIC", 1), email="Ada@Example.com")
    await shop.buy(("MUG-CLASSIC", 1), email="eve@example.com")
    await register(shop, "ada@example.com")
    assert (await verify(shop, await link_of(shop, "ada@example.com")))[1]["orders"] == 1
    _, second = await shop.buy(("MUG-CLASSIC", 2), email="ada@example.com")
    _, session, _ = await sign_in(shop, "ada@example.com", NEW)
    mine = bearer(session["access_token"])
    _, page, _ = await shop.call("GET", "/v1/me/orders", headers=mine)
    assert [order["id"] for order in page["items"]] == [second["order"]["id"], first["order"]["id"]]
    assert (await shop.call("GET", f"/v1/orders/{first['order']['id']}", headers=mine))[0] == 200
    async with shop.db.acquire() as connection:
        from checkout.accounts import store
        from tests.api.accounts.conftest import password_hash

        await store.add_account(
            connection, shop.cipher, email="eve@example.com", password_hash=password_hash(), role="customer"
        )
    _, session, _ = await sign_in(shop, "eve@example.com")
    _, page, _ = await shop.call("GET", "/v1/me/orders", headers=bearer(session["access_token"]))
    assert page["items"] == [], "an address that nobody proved claims nothing"


async def test_one_address_gets_few_mails_however_often_they_are_asked_for(people: People) -> None:
    """If this fails, anybody fills somebody's inbox with our mails."""
    shop = people.shop
    for _ in range(limits.MAILS_MAX + 2):
        status, _, _ = await shop.call("POST", "/v1/password-resets", json={"email": "customer@example.com"})
        assert status == 202
    asked = await shop.db.fetchval("SELECT count(*) FROM account_requests")
    assert 2 <= asked <= limits.MAILS_MAX
    other, _, _ = await shop.call("POST", "/v1/password-resets", json={"email": "vendor@example.com"})
    assert other == 202
    assert await shop.db.fetchval("SELECT count(*) FROM account_requests") == asked + 1


async def test_no_secret_of_a_person_is_stored_as_it_is(shop: TestShop) -> None:
    """If this fails, a copy of the database is a list of passwords and of links that open accounts."""
    await register(shop, "lovelace@example.com")
    token = await link_of(shop, "lovelace@example.com")
    rows = await shop.db.fetch(
        "SELECT to_json(r) AS row FROM account_requests r UNION ALL SELECT to_json(o) FROM outbox o"
    )
    stored = " ".join(row["row"] for row in rows)
    assert NEW not in stored
    assert token not in stored
    row = await shop.db.fetchrow("SELECT id, personal, email, document FROM account_requests")
    assert (
        "lovelace" not in stored
    )  # which no sealed bytes spell by chance: they are written in hexadecimal digits
    asked = shop.cipher.opened(REQUEST, row, row["id"])["document"]
    assert asked["password_hash"].startswith("$argon2id$")
