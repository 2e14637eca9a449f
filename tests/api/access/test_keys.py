"""API keys: shown once, kept as digests, good for what they name until they are revoked, expire, or their account may not."""

import asyncio
import io
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from checkout.access.model import key_digest
from checkout.app import PARTS
from checkout.edge import logs, middleware
from config.settings import RateLimit
from tests.api.access.conftest import Desk, Header
from tests.api.accounts.conftest import bearer
from tests.shop import UNLIMITED, Stores, running

KEYS, STATS = "/v1/admin/api-keys", "/v1/admin/stats"


async def comes(desk: Desk, key: Header, status: int, path: str = STATS) -> None:
    """Waits, a second at most, until the key meets this status."""
    async with asyncio.timeout(1):
        while (await desk.call(key, "GET", path))[0] != status:
            await asyncio.sleep(0.01)


async def test_a_key_is_shown_once_and_kept_as_a_digest(desk: Desk) -> None:
    """If this fails, whoever reads the database, a list or the log has every machine's key."""
    body = {"name": "erp", "permissions": ["all:stats:read", "all:stats:read"]}
    status, made, headers = await desk.call("admin", "POST", KEYS, json=body)
    secret = made.pop("secret")
    assert (status, headers["Cache-Control"], headers["ETag"]) == (201, "no-store", '"1"')
    assert secret.startswith(made["prefix"])
    assert len(secret) - len(made["prefix"]) >= 24
    await desk.call(bearer(secret), "GET", STATS, expect=200)
    assert "secret" not in await desk.call("admin", "GET", f"{KEYS}/{made['id']}", expect=200)
    everything = str(await desk.shop.db.fetch("SELECT api_keys.*, l.* FROM api_keys, audit_log l"))
    assert secret not in everything
    assert secret[len(made["prefix"]) :] not in everything
    assert await desk.shop.db.fetchval("SELECT digest FROM api_keys") == key_digest(secret)
    for wrong in (secret[:-1], secret + "A", secret.swapcase(), "ck_", secret.replace("ck_", "CK_")):
        await desk.call(bearer(wrong), "GET", STATS, expect=401)


async def test_a_revoked_key_opens_nothing_at_once(desk: Desk) -> None:
    """If this fails, a key that leaked goes on working after its owner has revoked it."""
    key = await desk.key("admin", "all:stats:read")
    [listed] = (await desk.call("admin", "GET", KEYS, expect=200))["items"]
    await comes(desk, key, 200)
    at = f"{KEYS}/{listed['id']}"
    await desk.call("admin", "DELETE", at, headers={"If-Match": '"7"'}, expect=412)
    await desk.call("admin", "DELETE", at, expect=204)
    await comes(desk, key, 401)
    await desk.call("admin", "DELETE", at, expect=204)
    terms = {"name": "again", "permissions": ["all:stats:read"]}
    assert (await desk.call("admin", "PUT", at, json=terms, expect=409))["code"] == "key_revoked"
    log = await desk.shop.db.fetch(
        "SELECT action FROM audit_log WHERE subject = $1 ORDER BY id", listed["id"]
    )
    assert [row["action"] for row in log] == ["api-key.create", "api-key.revoke"]


async def test_a_key_ends_with_its_time_and_with_what_its_account_may(desk: Desk) -> None:
    """If this fails, a key outlives its expiry, or whoever lost a role keeps it through a key."""
    soon = (datetime.now(UTC) + timedelta(seconds=1.2)).isoformat()
    key = await desk.key("admin", "all:stats:read", expires_at=soon)
    await desk.call(key, "GET", STATS, expect=200)
    await asyncio.sleep(1.3)
    await desk.call(key, "GET", STATS, expect=401)
    for wrong in ("2001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2100-01-01T00:00:00"):
        body = {"name": "x", "permissions": ["all:stats:read"], "expires_at": wrong}
        await desk.call("admin", "POST", KEYS, json=body, expect=400)
    await desk.add("second", "admin")
    key = await desk.key("second", "all:stats:read", "all:orders:read")
    await comes(desk, key, 200)
    at = f"/v1/admin/users/{desk.ids['second']}"
    await desk.call("admin", "PATCH", at, json={"role": "vendor"}, expect=200)
    await comes(desk, key, 403)
    _, bought = await desk.shop.buy(("MUG-CLASSIC", 1))
    assert bought["order"]["id"]
    assert (await desk.call(key, "GET", "/v1/admin/orders", expect=200))["items"] == [], (
        "narrowed to own rows"
    )
    await desk.call("admin", "PATCH", at, json={"role": "admin"}, expect=200)
    await comes(desk, key, 200)
    await desk.call("admin", "PATCH", at, json={"disabled": True}, expect=200)
    await comes(desk, key, 401)


async def test_a_key_changes_by_its_version(desk: Desk) -> None:
    """If this fails, two who edit a key overwrite each other, or a narrowed key keeps what it had."""
    key = await desk.key("admin", "all:stats:read", "all:coupons:read")
    [listed] = (await desk.call("admin", "GET", KEYS, expect=200))["items"]
    at, terms = f"{KEYS}/{listed['id']}", {"name": "narrow", "permissions": ["all:coupons:read"]}
    await comes(desk, key, 200)
    await desk.call("admin", "PUT", at, json=terms, headers={"If-Match": '"1"'}, expect=200)
    await desk.call("admin", "PUT", at, json=terms, headers={"If-Match": '"1"'}, expect=412)
    await comes(desk, key, 403)
    await desk.call(key, "GET", "/v1/admin/coupons", expect=200)


async def test_its_use_is_noted_and_no_more_than_once_a_minute(desk: Desk) -> None:
    """If this fails, nobody can tell which keys are in use, or each call of a machine writes a row."""
    key = await desk.key("admin", "all:stats:read")
    last_used = "SELECT last_used_at FROM api_keys"
    assert await desk.shop.db.fetchval(last_used) is None
    await desk.call(key, "GET", STATS, expect=200)
    first = await desk.shop.db.fetchval(last_used)
    assert abs((datetime.now(UTC) - first).total_seconds()) < 5
    memory = desk.shop.app[PARTS].access._keys
    memory.changed()
    await desk.call(key, "GET", STATS, expect=200)
    assert await desk.shop.db.fetchval(last_used) == first
    await desk.shop.db.execute("UPDATE api_keys SET last_used_at = now() - interval '61 seconds'")
    memory.changed()
    await desk.call(key, "GET", STATS, expect=200)
    assert await desk.shop.db.fetchval(last_used) > first


async def test_a_known_key_asks_nobody(desk: Desk) -> None:
    """If this fails, every call of a machine costs a round trip to Postgres before it does anything."""
    key = await desk.key("admin", "all:stats:read")
    await desk.call(key, "GET", STATS, expect=200)
    memory = desk.shop.app[PARTS].access._keys
    asked = 0

    async def count(_digest: bytes) -> None:
        nonlocal asked
        asked += 1

    memory._find, find = count, memory._find
    for _ in range(20):
        await desk.call(key, "GET", STATS, expect=200)
    assert asked == 0
    memory.changed()
    await desk.call(key, "GET", STATS, expect=401)
    assert asked == 1
    memory._find = find


async def test_a_key_read_while_it_was_revoked_is_not_remembered(desk: Desk) -> None:
    """If this fails, a revoked key works on in a process that was reading it at that moment."""
    key = await desk.key("admin", "all:stats:read")
    memory = desk.shop.app[PARTS].access._keys
    find = memory._find

    async def slowly(digest: bytes):  # type: ignore[no-untyped-def]
        found = await find(digest)
        memory.changed()  # the news arrives between the read and the remembering
        return found

    memory._find = slowly
    await desk.call(key, "GET", STATS, expect=200)
    memory._find = find
    assert memory.known(key["Authorization"][7:]) is None


async def test_limits_count_a_good_key_and_not_its_address(stores: Stores) -> None:
    """If this fails, a machine's calls use up the limit of the people behind its address, or anybody a fresh one by guessing."""
    slow = UNLIMITED | {"admin": RateLimit(requests=5, period_s=3600)}
    async with running(await stores.fresh_settings(rate_limits=slow)) as shop:
        desk = Desk(shop)
        await desk.add("admin", "admin")
        key = await desk.key("admin", "all:stats:read")
        await desk.call(
            key, "GET", STATS, expect=200
        )  # counted for the address: nobody knew yet that it is good
        statuses = [(await desk.call(key, "GET", STATS))[0] for _ in range(7)]
        assert statuses == [200] * statuses.count(200) + [429] * statuses.count(429)
        assert statuses.count(429) > 0
        guesses = [(await desk.call(bearer(f"ck_{n:032}"), "GET", STATS))[0] for n in range(12)]
        assert guesses.count(429) >= 6, "each guess had a limit of its own"


@pytest.mark.parametrize("log_format", ["console", "json"])
async def test_a_key_is_never_logged(
    desk: Desk, log_format: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """If this fails, whoever reads the log has a machine's key: also in the traceback of a bug."""
    written = io.StringIO()
    ending: list[Any] = (
        [logs._console()]
        if log_format == "console"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    log = structlog.wrap_logger(structlog.PrintLogger(written), processors=[logs._redacting, *ending])
    monkeypatch.setattr(middleware, "log", log)
    caplog.set_level(logging.DEBUG)
    key = await desk.key("admin", "all:stats:read")
    secret = key["Authorization"][7:]
    await desk.call(key, "GET", STATS, expect=200)
    await desk.call(key, "GET", "/v1/admin/coupons", expect=403)
    await desk.call(bearer(secret[:-1]), "GET", STATS, expect=401)
    await desk.shop.db.execute("ALTER TABLE api_keys RENAME TO away")
    desk.shop.app[PARTS].access._keys.changed()
    assert (await desk.call(key, "GET", STATS))[0] == 500
    text = written.getvalue() + caplog.text
    assert "key_memory.py" in text, "the traceback was written"
    assert secret not in text
    assert secret[3:-1] not in text
