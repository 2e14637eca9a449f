"""Accounts as admins see them: invited, given roles, disabled; their sessions end with what they were."""

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.api.access.conftest import Desk
from tests.api.accounts.conftest import PASSWORD, bearer

USERS = "/v1/admin/users"


async def sign_in(desk: Desk, email: str) -> tuple[int, Any]:
    """(status, session)."""
    body = {"email": email, "password": PASSWORD}
    status, session, _ = await desk.shop.call("POST", "/v1/sessions", json=body)
    return status, session


async def test_an_invited_account_sets_its_password_by_mail(desk: Desk) -> None:
    """If this fails, an admin knows its people's passwords, or whoever is invited cannot come in."""
    body = {"email": "Grace@Example.com", "role": "support"}
    made = await desk.call("admin", "POST", USERS, json=body, expect=201)
    assert (made["email"], made["role"], made["disabled_at"]) == ("grace@example.com", "support", None)
    assert (await sign_in(desk, "grace@example.com"))[0] == 401
    asked = await desk.shop.db.fetchrow("SELECT kind, email_index FROM account_requests")
    found = desk.shop.cipher.index("grace@example.com")
    assert (asked["kind"], asked["email_index"]) == ("password_reset", found)
    assert await desk.shop.db.fetchval("SELECT count(*) FROM outbox WHERE topic LIKE 'account%'") == 1
    problem = await desk.call("admin", "POST", USERS, json=body | {"email": "GRACE@example.com"}, expect=409)
    assert problem["code"] == "email_taken"
    problem = await desk.call(
        "admin", "POST", USERS, json={"email": "new@example.com", "role": "owner"}, expect=400
    )
    assert problem["errors"][0]["field"] == "role"
    log = await desk.shop.db.fetchrow("SELECT actor, action, subject, after::text FROM audit_log")
    assert (log["actor"], log["action"], log["subject"]) == (
        str(desk.ids["admin"]),
        "user.create",
        made["id"],
    )
    assert "grace" not in str(log), "the log outlives the account"


async def test_another_role_or_none_ends_every_session(desk: Desk) -> None:
    """If this fails, whoever lost a role, or was shut out, goes on with what their token still says."""
    _, session = await sign_in(desk, "support@example.com")
    token, at = bearer(session["access_token"]), f"{USERS}/{desk.ids['support']}"
    assert (await desk.call(token, "GET", "/v1/admin/stats"))[0] == 200
    await desk.call("admin", "PATCH", at, json={"role": "customer"}, expect=200)

    async def ends(token: dict[str, str], refresh: str) -> None:
        async with asyncio.timeout(2):
            while (await desk.call(token, "GET", "/v1/me"))[0] != 401:
                await asyncio.sleep(0.01)
        renewed, _, _ = await desk.shop.call("POST", "/v1/sessions/refresh", json={"refresh_token": refresh})
        assert renewed == 401

    await ends(token, session["refresh_token"])
    status, session = await sign_in(desk, "support@example.com")
    assert status == 201
    assert (await desk.call(bearer(session["access_token"]), "GET", "/v1/admin/stats"))[0] == 403
    await desk.call("admin", "PATCH", at, json={"disabled": True}, expect=200)
    await ends(bearer(session["access_token"]), session["refresh_token"])
    assert (await sign_in(desk, "support@example.com"))[0] == 401
    again = await desk.call("admin", "PATCH", at, json={"disabled": False}, expect=200)
    assert again["disabled_at"] is None
    assert (await sign_in(desk, "support@example.com"))[0] == 201
    log = await desk.shop.db.fetch("SELECT after::text FROM audit_log ORDER BY id")
    assert [row["after"] for row in log] == [
        '{"role":"customer","disabled":false}',
        '{"role":"customer","disabled":true}',
        '{"role":"customer","disabled":false}',
    ]


async def test_a_shop_keeps_an_admin_also_when_two_leave_at_once(desk: Desk) -> None:
    """If this fails, a shop has nobody left who can run it."""
    at = f"{USERS}/{desk.ids['admin']}"
    for change in ({"role": "customer"}, {"disabled": True}):
        assert (await desk.call("admin", "PATCH", at, json=change, expect=409))["code"] == "last_admin"
    names = ("admin", "support", "stranger")
    for _ in range(5):
        await desk.shop.db.execute(
            "UPDATE accounts SET role = 'admin', disabled_at = NULL WHERE id = ANY ($1::uuid[])",
            [desk.ids[name] for name in names],
        )
        token = desk.token("admin")
        leaving = [
            desk.call(token, "PATCH", f"{USERS}/{desk.ids[name]}", json={"disabled": True}) for name in names
        ]
        statuses = [status for status, _, _ in await asyncio.gather(*leaving)]
        assert sorted(statuses) == [200, 200, 409]
    with pytest.raises(asyncpg.CheckViolationError):
        await desk.shop.db.execute("DELETE FROM accounts WHERE role = 'admin' AND disabled_at IS NULL")


async def test_two_who_edit_an_account_lose_nothing_of_each_other(desk: Desk) -> None:
    """If this fails, one admin's decision is undone by another who never saw it."""
    at = f"{USERS}/{desk.ids['stranger']}"
    edits = [
        desk.call("admin", "PATCH", at, json={"role": role}, headers={"If-Match": '"1"'})
        for role in ("vendor", "support") * 5
    ]
    assert sorted(status for status, _, _ in await asyncio.gather(*edits)) == [200] + [412] * 9
    status, _, headers = await desk.call("admin", "GET", at)
    assert (status, headers["ETag"]) == (200, '"2"')
    for path in ("nobody", "01930000-0000-7000-8000-000000000000", "%00"):
        await desk.call("admin", "GET", f"{USERS}/{path}", expect=404)
        await desk.call("admin", "PATCH", f"{USERS}/{path}", json={"disabled": True}, expect=404)


async def test_accounts_are_found_by_role_and_address(desk: Desk) -> None:
    """If this fails, support cannot find the customer on the telephone, or a page leaves somebody out."""
    [found] = (await desk.call("support", "GET", f"{USERS}?email=Stranger@Example.COM", expect=200))["items"]
    assert found["id"] == str(desk.ids["stranger"])
    assert (await desk.call("support", "GET", f"{USERS}?email=stranger", expect=200))["items"] == []
    vendors = (await desk.call("support", "GET", f"{USERS}?role=vendor", expect=200))["items"]
    assert [one["id"] for one in vendors] == [str(desk.ids["other"]), str(desk.ids["vendor"])]
    seen, cursor = [], ""
    while True:
        page = await desk.call("support", "GET", f"{USERS}?limit=2{cursor}", expect=200)
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(seen) == sorted(str(one) for one in desk.ids.values())
    await desk.shop.db.execute(
        "UPDATE products SET owner_id = $1 WHERE id IN (SELECT id FROM products LIMIT 3)", desk.ids["vendor"]
    )
    listed = (await desk.call("support", "GET", "/v1/admin/vendors", expect=200))["items"]
    assert [(one["id"], one["products"]) for one in listed] == [
        (str(desk.ids["other"]), 0),
        (str(desk.ids["vendor"]), 3),
    ]
    for query in ("email=%00", "role=" + "x" * 300, "limit=0", "cursor=WyJ4Il0=", "cursor=%ED%A0%80"):
        await desk.call("support", "GET", f"{USERS}?{query}", expect=400)
