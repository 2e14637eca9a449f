"""Signing in, renewing, signing out, and tokens that are none (T24)."""

import asyncio
import time
import uuid
from base64 import urlsafe_b64encode
from typing import Any

import asyncpg
import orjson
import pytest
from argon2 import PasswordHasher

from checkout.accounts.auth import Auth
from checkout.accounts.first_admin import ensure_admin
from checkout.accounts.store import AccountStore
from checkout.accounts.tokens import refresh_token
from checkout.app import PARTS
from config import limits
from tests.api.accounts.conftest import PASSWORD, People, bearer
from tests.shop import Stores, TestShop, running

STATS = "/v1/admin/stats"


async def sign_in(shop: TestShop, email: str, password: str = PASSWORD) -> tuple[int, Any, Any]:
    """(status, document, header fields)."""
    return await shop.call("POST", "/v1/sessions", json={"email": email, "password": password})


async def test_the_first_start_makes_one_admin_who_can_sign_in(shop: TestShop) -> None:
    """If this fails, a new shop has no one who may run it, or each start makes another way in."""
    async with shop.db.acquire() as connection:
        made_up = await ensure_admin(connection, shop.cipher, "Root@Example.com", None)
        assert made_up is not None
        assert len(made_up) >= limits.PASSWORD_MIN_CHARS
        assert (
            await ensure_admin(connection, shop.cipher, "other@example.com", "another long password") is None
        )
        rows = await connection.fetch("SELECT email, role, password_hash FROM accounts")
    assert [(row["email"], row["role"]) for row in rows] == [(None, "admin")]
    assert rows[0]["password_hash"].startswith("$argon2id$")
    assert made_up not in rows[0]["password_hash"]
    status, session, headers = await sign_in(shop, "ROOT@example.COM", made_up)
    assert (status, headers["Cache-Control"]) == (201, "no-store")
    assert set(session) == {"access_token", "refresh_token", "expires_in"}
    assert session["expires_in"] == limits.ACCESS_TOKEN_TTL_S
    assert (await shop.call("GET", STATS, headers=bearer(session["access_token"])))[0] == 200
    assert (await sign_in(shop, "other@example.com", "another long password"))[0] == 401


async def renew(shop: TestShop, session: Any) -> tuple[int, Any]:
    """(status, document) of renewing a session by its refresh token."""
    status, document, _ = await shop.call(
        "POST", "/v1/sessions/refresh", json={"refresh_token": session["refresh_token"]}
    )
    return status, document


async def opens(shop: TestShop, session: Any) -> bool:
    """Whether the access token opens anything now."""
    return (await shop.call("GET", "/v1/me", headers=bearer(session["access_token"])))[0] == 200


async def shuts(shop: TestShop, session: Any) -> None:
    """Waits until the access token opens nothing any more: within two seconds."""
    async with asyncio.timeout(2):
        while await opens(shop, session):
            await asyncio.sleep(0.01)


async def test_a_refresh_token_works_once_and_one_that_comes_again_ends_its_session(people: People) -> None:
    """If this fails, a stolen refresh token works beside its owner's for ever."""
    shop = people.shop
    _, first, _ = await sign_in(shop, "customer@example.com")
    _, elsewhere, _ = await sign_in(shop, "customer@example.com")
    status, second = await renew(shop, first)
    assert status == 201
    assert second["refresh_token"] != first["refresh_token"]
    status, third = await renew(shop, second)
    assert status == 201
    assert (await opens(shop, first), await opens(shop, third)) == (True, True), (
        "an access token outlives a renewal"
    )
    assert (await renew(shop, first))[0] == 401, "used before: somebody has a copy"
    assert (await renew(shop, third))[0] == 401, "and so the whole family is over"
    await shuts(shop, third)
    await shuts(shop, first)
    assert await opens(shop, elsewhere), "another session is another family"
    assert (await renew(shop, elsewhere))[0] == 201


async def test_a_refresh_token_that_is_sent_twice_at_once_gives_one_session_at_most(people: People) -> None:
    """If this fails, two holders of one token both go on with it."""
    shop = people.shop
    _, session, _ = await sign_in(shop, "customer@example.com")
    answers = await asyncio.gather(*(renew(shop, session) for _ in range(8)))
    assert sorted(status for status, _ in answers) == [201] + [401] * 7
    renewed = next(document for status, document in answers if status == 201)
    assert (await renew(shop, renewed))[0] == 401
    for token in ("x", "ot_guess", session["refresh_token"][:-1], "é", session["refresh_token"][::-1]):
        assert (await renew(shop, {"refresh_token": token}))[0] == 401


async def test_nothing_that_is_stored_renews_a_session(people: People) -> None:
    """If this fails, who reads the database signs in as anybody."""
    shop = people.shop
    _, session, _ = await sign_in(shop, "customer@example.com")
    row = await shop.db.fetchrow("SELECT * FROM sessions")
    stored = " ".join(str(value) for value in row.values())
    assert session["refresh_token"] not in stored
    forged = refresh_token(b"another secret key that is long enough", row["id"], row["generation"])
    assert (await renew(shop, {"refresh_token": forged}))[0] == 401
    await shop.db.execute(
        "UPDATE sessions SET access_until = now() - interval '2 s', expires_at = now() - interval '1 s'"
    )
    assert (await renew(shop, session))[0] == 401, "an expired session was renewed"


async def test_signing_out_ends_here_or_everywhere(people: People) -> None:
    """If this fails, a lost telephone stays signed in."""
    shop = people.shop
    here, there, third = [(await sign_in(shop, "customer@example.com"))[1] for _ in range(3)]
    _, other, _ = await sign_in(shop, "vendor@example.com")
    out = bearer(here["access_token"])
    assert (await shop.call("DELETE", "/v1/sessions/current", headers=out))[0] == 204
    await shuts(shop, here)
    assert (await renew(shop, here))[0] == 401
    assert await opens(shop, there)
    assert (await shop.call("DELETE", "/v1/sessions", headers=bearer(there["access_token"])))[0] == 204
    for session in (there, third):
        await shuts(shop, session)
        assert (await renew(shop, session))[0] == 401
    assert await opens(shop, other), "somebody else was signed out"
    assert (await shop.call("DELETE", "/v1/sessions"))[0] == 401


@pytest.mark.parametrize(
    "change", ["disabled_at = now()", "role = 'vendor'"], ids=["disabled", "another role"]
)
async def test_whoever_changes_an_account_ends_its_sessions(people: People, change: str) -> None:
    """If this fails, who was dismissed goes on as an admin until the token runs out."""
    shop = people.shop
    _, session, _ = await sign_in(shop, "support@example.com")
    _, other, _ = await sign_in(shop, "customer@example.com")
    await shop.db.execute(f"UPDATE accounts SET {change} WHERE role = 'support'")
    await shuts(shop, session)
    assert (await renew(shop, session))[0] == 401
    assert await opens(shop, other)


async def test_a_server_that_starts_late_knows_what_ended_before(stores: Stores) -> None:
    """If this fails, a session that was ended opens every server that was restarted since."""
    settings = await stores.fresh_settings()
    async with running(settings) as shop:
        async with shop.db.acquire() as connection:
            await ensure_admin(connection, shop.cipher, "root@example.com", PASSWORD)
        _, ended, _ = await sign_in(shop, "root@example.com")
        _, kept, _ = await sign_in(shop, "root@example.com")
        await shop.call("DELETE", "/v1/sessions/current", headers=bearer(ended["access_token"]))
    async with running(settings) as shop:
        await shuts(shop, ended)
        assert await opens(shop, kept)


async def test_a_sign_in_that_meets_a_changed_password_begins_nothing(people: People) -> None:
    """If this fails, a session begun with the old password survives the change that was to end it."""
    accounts = AccountStore(people.shop.app[PARTS].pool, people.shop.cipher)
    account = await accounts.by_email("customer@example.com")
    assert account is not None
    await people.shop.db.execute("UPDATE accounts SET password_hash = 'x' WHERE id = $1", account.id)
    assert not await accounts.begin_session(account, uuid.uuid4(), new_hash=None)
    assert await people.shop.db.fetchval("SELECT count(*) FROM sessions") == 0


async def test_a_hash_of_other_parameters_is_made_anew_at_a_sign_in(people: People) -> None:
    """If this fails, passwords stay under the weak parameters of the year they were chosen in."""
    old = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    await people.shop.db.execute("UPDATE accounts SET password_hash = $1 WHERE role = 'customer'", old)
    for _ in range(2):
        assert (await sign_in(people.shop, "customer@example.com"))[0] == 201
    now = await people.shop.db.fetchval("SELECT password_hash FROM accounts WHERE role = 'customer'")
    assert now != old
    assert f"m={limits.ARGON2_MEMORY_KIB},t={limits.ARGON2_TIME_COST},p={limits.ARGON2_PARALLELISM}" in now


async def test_nobody_learns_which_accounts_exist(people: People) -> None:
    """If this fails, an address list can be tried for accounts: by the answer, its size or its time."""
    shop = people.shop
    await shop.db.execute("UPDATE accounts SET disabled_at = now() WHERE role = 'vendor'")
    answers = []
    took: dict[str, list[float]] = {"customer@example.com": [], "nobody@example.com": []}
    for email, times in took.items():
        for _ in range(4):
            began = time.perf_counter()
            answers.append(await sign_in(shop, email, "wrong password"))
            times.append(time.perf_counter() - began)
    answers.append(await sign_in(shop, "vendor@example.com"))  # disabled, and the password is right
    answers.append(await sign_in(shop, "vendor@example.com", "wrong password"))
    assert {status for status, _, _ in answers} == {401}
    assert len({orjson.dumps(document) for _, document, _ in answers}) == 1
    assert answers[0][1]["code"] == "wrong_credentials"
    changing = {"x-request-id", "date", "ratelimit"}
    told = [
        {name: text for name, text in headers.items() if name.lower() not in changing}
        for _, _, headers in answers
    ]
    assert [fields for fields in told if fields != told[0]] == []
    known, unknown = map(min, took.values())
    assert 0.5 < known / unknown < 2, (known, unknown)


async def test_one_account_can_only_be_tried_ten_times(people: People) -> None:
    """If this fails, a password can be guessed, or anybody locks everybody out (T24: ten tries in 15 minutes)."""
    shop = people.shop
    spellings = ("admin@example.com", "ADMIN@example.com", "Admin@Example.Com")
    tried = [await sign_in(shop, spellings[n % 3], "wrong password") for n in range(limits.LOGIN_TRIES_MAX)]
    statuses = [status for status, _, _ in tried]
    assert statuses == [401] * statuses.count(401) + [429] * statuses.count(429)
    assert 3 <= statuses.count(401) <= limits.LOGIN_TRIES_MAX - 1
    _, problem, headers = tried[-1]
    assert problem["code"] == "rate_limited"
    assert int(headers["Retry-After"]) == -(-problem["retry_after_ms"] // 1000)
    assert problem["retry_after_ms"] <= limits.LOGIN_WINDOW_S * 1000
    assert (await sign_in(shop, "admin@example.com"))[0] == 429, "the right password is not told apart"
    assert (await sign_in(shop, "customer@example.com"))[0] == 201


async def test_credentials_are_read_strictly(people: People) -> None:
    """If this fails, a password of a gigabyte is hashed, or a role can be asked for."""
    right = {"email": "customer@example.com", "password": PASSWORD}
    for document in (
        right | {"role": "admin"},
        right | {"password": "x" * (limits.PASSWORD_MAX_CHARS + 1)},
        right | {"password": ""},
        right | {"email": "no address"},
        right | {"email": ["customer@example.com"]},
        {"email": "customer@example.com"},
    ):
        status, problem, _ = await people.shop.call("POST", "/v1/sessions", json=document)
        assert (status, problem["code"]) == (400, "invalid"), document


def forged(people: People, secret: str) -> dict[str, str]:
    """Tokens that must open nothing, by what is wrong with them."""
    admin = uuid.uuid4()
    good = people.auth.issue(admin, "admin")
    head, body, signature = good.split(".")

    def part(document: dict[str, Any]) -> str:
        return urlsafe_b64encode(orjson.dumps(document)).decode().rstrip("=")

    now = int(time.time())
    claims = {"iss": "checkout", "sub": str(admin), "role": "admin", "iat": now, "exp": now + 900}
    customer = people.auth.issue(admin, "customer").split(".")
    return {
        "expired": Auth(secret.encode(), ttl_s=-1).issue(admin, "admin"),
        "of another shop": Auth(b"another secret key that is long enough").issue(admin, "admin"),
        "unsigned": f"{part({'alg': 'none', 'typ': 'at+jwt'})}.{part(claims)}.",
        "unsigned, with the signature": f"{part({'alg': 'none'})}.{body}.{signature}",
        "another algorithm": f"{part({'alg': 'HS512'})}.{body}.{signature}",
        "raised to admin": f"{customer[0]}.{body}.{customer[2]}",
        "prolonged": f"{head}.{part(claims | {'exp': now + 10**9})}.{signature}",
        "of an unknown role": people.auth.issue(admin, "owner"),
        "cut short": good[:-2],
        "empty": "",
        "dots": "..",
        "no JSON": "a.b.c",
        "deep": f"{head}.{urlsafe_b64encode(b'[' * 3000).decode()}.{signature}",
    }


async def test_only_our_own_unexpired_tokens_open_anything(people: People) -> None:
    """If this fails, anybody is an admin."""
    shop = people.shop
    _, bought = await shop.buy(("MUG-CLASSIC", 1))
    tokens = forged(people, shop.settings.secret_key) | {"an order's": bought["access_token"]}
    for how, token in tokens.items():
        status, problem, headers = await shop.call("GET", STATS, headers=bearer(token))
        assert (status, problem["code"]) == (401, "unauthenticated"), how
        assert headers["WWW-Authenticate"] == "Bearer", how
    for field in ("", "Bearer", "Basic YTpi", f"Token {people.auth.issue(uuid.uuid4(), 'admin')}"):
        assert (await shop.call("GET", STATS, headers={"Authorization": field}))[0] == 401, field
    good = people.auth.issue(uuid.uuid4(), "admin")
    assert (await shop.call("GET", STATS, headers={"Authorization": f"bearer {good}"}))[0] == 200


async def test_a_flood_of_sign_ins_gives_way(stores: Stores) -> None:
    """If this fails, guessing passwords stalls the process for shoppers who pay (T24)."""
    async with running(await stores.fresh_settings()) as shop:
        flood = [asyncio.create_task(sign_in(shop, f"{n}@example.com", "wrong password")) for n in range(50)]
        await asyncio.sleep(0.05)
        took = []
        for _ in range(12):
            began = time.perf_counter()
            assert (await shop.buy(("MUG-CLASSIC", 1)))[0] == 201
            took.append(time.perf_counter() - began)
        assert not all(task.done() for task in flood), "the flood was over before the shoppers came"
        async with asyncio.timeout(10):
            while {task.result()[0] for task in flood if task.done()} != {401, 503}:
                await asyncio.sleep(0.02)
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
        assert sorted(took)[len(took) // 2] < 0.25


async def test_an_impossible_account_cannot_be_stored(shop: TestShop) -> None:
    """If this fails, two accounts share an address, or one has a role that no rule knows."""
    for statement in (
        "INSERT INTO accounts (id, email, password_hash, role) SELECT gen_random_uuid(), v, 'x', 'customer' "
        "FROM unnest(ARRAY['a@example.com', 'A@EXAMPLE.COM']) v",
        "INSERT INTO accounts (id, email, password_hash, role) VALUES (gen_random_uuid(), 'b@example.com', 'x', 'owner')",
    ):
        refused = False
        try:
            await shop.db.execute(statement)
        except asyncpg.IntegrityConstraintViolationError:
            refused = True
        assert refused, statement
