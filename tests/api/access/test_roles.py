"""Roles and permissions as data: who may hand on what, and how soon a change holds."""

import asyncio
from typing import Any

import asyncpg
import pytest

from checkout.access.model import BUILT_IN, beyond, covers, scope_of, within
from checkout.app import PARTS
from tests.api.access.conftest import Desk
from tests.shop import Stores, running

ROLES = "/v1/admin/roles"


def test_a_permission_covers_what_is_within_it_and_nothing_else() -> None:
    """If this fails, whoever may hand on a narrow permission can hand on a wide one."""
    held = frozenset({"all:products:*", "own:stock:write"})
    covered = ("all:products:read", "own:products:write", "all:products:*", "own:stock:write")
    assert beyond(held, covered) == []
    beyond_it = ("all:*:read", "all:*:*", "own:stock:*", "all:stock:write", "own:orders:read", "own:*:*")
    assert beyond(held, beyond_it) == sorted(beyond_it)
    assert all(covers(BUILT_IN["admin"], one) for one in (*covered, *beyond_it))
    assert scope_of(held | {"all:stock:*"}, "stock", "write") == "all"
    assert scope_of(held, "stock", "read") is None
    assert within(frozenset({"all:stock:write", "all:orders:read"}), held) == {"own:stock:write"}


async def test_a_role_is_in_force_at_once_and_ends_at_once(desk: Desk) -> None:
    """If this fails, a change of a role waits for a restart: whoever lost a permission keeps it."""
    role = {"name": "counter", "title": "Shop counter", "permissions": ["all:stats:read"]}
    made = await desk.call("admin", "POST", ROLES, json=role, expect=201)
    assert (made["built_in"], made["version"]) == (False, 1)
    user = f"/v1/admin/users/{desk.ids['customer']}"
    await desk.call("admin", "PATCH", user, json={"role": "counter"}, expect=200)
    clerk = desk.token("customer", "counter")

    async def comes(status: int) -> None:
        async with asyncio.timeout(1):
            while (await desk.call(clerk, "GET", "/v1/admin/stats"))[0] != status:
                await asyncio.sleep(0.01)

    await comes(200)
    terms = {"permissions": ["all:coupons:read"]}
    await desk.call("admin", "PUT", f"{ROLES}/counter", json=terms, headers={"If-Match": '"2"'}, expect=412)
    await desk.call("admin", "PUT", f"{ROLES}/counter", json=terms, headers={"If-Match": '"1"'}, expect=200)
    await comes(403)
    assert (await desk.call("admin", "DELETE", f"{ROLES}/counter", expect=409))["code"] == "role_in_use"
    await desk.call("admin", "PATCH", user, json={"role": "customer"}, expect=200)
    await desk.call("admin", "DELETE", f"{ROLES}/counter", expect=204)
    async with asyncio.timeout(1):
        while (await desk.call(clerk, "GET", "/v1/admin/coupons"))[0] != 401:
            await asyncio.sleep(0.01)
    log = await desk.shop.db.fetch("SELECT action FROM audit_log WHERE subject = 'counter' ORDER BY id")
    assert [row["action"] for row in log] == ["role.create", "role.change", "role.delete"]


async def test_nobody_hands_on_what_they_do_not_have(desk: Desk) -> None:
    """If this fails, whoever may edit roles, keys or accounts makes themselves an admin."""
    await desk.give_role({"clerk": ["all:roles:*", "all:users:*", "all:api-keys:*", "own:stock:write"]})
    clerk = desk.token("customer", "clerk")

    async def tries(status: int, method: str, path: str, **body: Any) -> None:
        document = await desk.call(clerk, method, path, json=body, expect=status)
        assert status != 403 or "lack" in document["detail"]

    wanted = ("all:*:*", "all:stock:write", "all:users:*", "own:orders:read")
    for name, permission in zip(("one", "two", "three", "four"), wanted, strict=True):
        status = 201 if permission == "all:users:*" else 403
        await tries(status, "POST", ROLES, name=name, permissions=[permission])
        await tries(status, "POST", "/v1/admin/api-keys", name="mine", permissions=[permission])
    await tries(403, "PUT", f"{ROLES}/support", permissions=[])
    await tries(403, "PUT", f"{ROLES}/admin", permissions=["all:*:*"])
    await tries(403, "PATCH", f"/v1/admin/users/{desk.ids['customer']}", role="admin")
    await tries(403, "PATCH", f"/v1/admin/users/{desk.ids['admin']}", disabled=True)
    await tries(403, "PATCH", f"/v1/admin/users/{desk.ids['vendor']}", role="customer")
    await tries(403, "POST", "/v1/admin/users", email="new@example.com", role="admin")
    await tries(200, "PATCH", f"/v1/admin/users/{desk.ids['stranger']}", disabled=True)
    assert await desk.shop.db.fetchval("SELECT count(*) FROM accounts WHERE role = 'admin'") == 1


async def test_the_shops_own_roles_stay(desk: Desk) -> None:
    """If this fails, a shop locks itself out, or loses the role that its code counts on."""
    for role in BUILT_IN:
        problem = await desk.call("admin", "DELETE", f"{ROLES}/{role}", expect=409)
        assert problem["code"] == "role_built_in"
    problem = await desk.call("admin", "PUT", f"{ROLES}/admin", json={"permissions": []}, expect=409)
    assert problem["code"] == "role_built_in"
    await desk.call("admin", "PUT", f"{ROLES}/support", json={"permissions": ["all:orders:read"]}, expect=200)
    support = desk.token("support")
    async with asyncio.timeout(1):
        while (await desk.call(support, "GET", "/v1/admin/stats"))[0] != 403:
            await asyncio.sleep(0.01)
    with pytest.raises(asyncpg.CheckViolationError):
        await desk.shop.db.execute("UPDATE roles SET permissions = '{}' WHERE name = 'admin'")
    with pytest.raises(asyncpg.CheckViolationError):
        await desk.shop.db.execute("UPDATE roles SET permissions = '{all:products}' WHERE name = 'support'")


async def test_a_role_is_read_strictly(desk: Desk) -> None:
    """If this fails, a slip in a permission makes a role that silently allows nothing, or a name that no path can carry."""
    for wrong, field in (
        ({"permissions": ["all:product:read"]}, "permissions[0]"),
        ({"permissions": ["all:stats:read", "all:stats:delete"]}, "permissions[1]"),
        ({"permissions": ["stats:read"]}, "permissions[0]"),
        ({"permissions": ["all:stats:read\n"]}, "permissions[0]"),
        ({"permissions": ["every:stats:read"]}, "permissions[0]"),
        ({"permissions": ["all:stats:read"] * 101}, "permissions"),
        ({"name": "Boss"}, "name"),
        ({"name": "boss\n"}, "name"),
        ({"name": "x"}, "name"),
        ({"built_in": True}, "built_in"),
    ):
        body = {"name": "boss", "permissions": []} | wrong
        problem = await desk.call("admin", "POST", ROLES, json=body, expect=400)
        assert problem["errors"][0]["field"] == field, wrong
    for path in ("nothing", "%00", "%ED%A0%80", "x" * 5000):
        await desk.call("admin", "GET", f"{ROLES}/{path}", expect=404)
    listed = await desk.call("admin", "GET", "/v1/admin/permissions", expect=200)
    assert {"stats:read", "roles:write"} <= set(listed["items"])


async def test_before_the_roles_are_read_nobody_is_allowed_anything(stores: Stores) -> None:
    """If this fails, a process that has not read its roles lets callers in by guesses."""
    settings = await stores.fresh_settings()
    async with running(settings) as shop:
        desk = Desk(shop)
        await desk.add("admin", "admin")
        token = desk.token("admin")
        table = shop.app[PARTS].access.roles
        known, table._value = table._value, None
        status, problem, _ = await desk.call(token, "GET", "/v1/admin/stats")
        assert (status, problem["code"]) == (503, "starting")
        table._value = known
        await desk.call(token, "GET", "/v1/admin/stats", expect=200)
