"""The second factor: enrolled, confirmed, asked for, used once, ended."""

import time
from base64 import b32decode
from typing import Any

from checkout.accounts import totp
from tests.api.accounts.conftest import PASSWORD, People, bearer, later
from tests.shop import TestShop

EMAIL = "customer@example.com"


async def sign_in(shop: TestShop, otp: str | None = None, password: str = PASSWORD) -> tuple[int, Any]:
    """(status, document) of signing in with this code."""
    await later(shop, EMAIL)
    body = {"email": EMAIL, "password": password} | ({} if otp is None else {"otp": otp})
    return (await shop.call("POST", "/v1/sessions", json=body))[:2]


def code(secret: bytes, *, steps: int = 0) -> str:
    """The app's code of now, or so many steps away."""
    return totp.code_at(secret, int(time.time()) // totp.STEP_S + steps)


async def enrol(shop: TestShop) -> tuple[bytes, dict[str, str], list[str]]:
    """(secret, header field of a session, recovery codes) of a factor in force."""
    _, session = await sign_in(shop)
    mine = bearer(session["access_token"])
    status, document, _ = await shop.call("POST", "/v1/me/totp", json={"password": PASSWORD}, headers=mine)
    assert status == 201
    shared = document["secret"]
    secret = b32decode(shared + "=" * (-len(shared) % 8))
    assert f"secret={shared}" in document["uri"]
    _, me, _ = await shop.call("GET", "/v1/me", headers=mine)
    assert me["second_factor"] is False, "a factor that was not confirmed locks nobody out"
    assert (await sign_in(shop))[0] == 201
    status, problem, _ = await shop.call("POST", "/v1/me/totp/confirm", json={"code": "000000"}, headers=mine)
    assert (status, problem["code"]) == (400, "wrong_code")
    # The step before: so that the code of now is still unused afterwards.
    body = {"code": code(secret, steps=-1)}
    status, document, _ = await shop.call("POST", "/v1/me/totp/confirm", json=body, headers=mine)
    assert status == 200
    return secret, mine, document["recovery_codes"]


async def test_a_factor_in_force_is_asked_for_and_each_code_works_once(people: People) -> None:
    """If this fails, a password alone opens an account that has a second factor, or a code seen once opens it again."""
    shop = people.shop
    secret, mine, _ = await enrol(shop)
    status, problem = await sign_in(shop)
    assert (status, problem["code"]) == (401, "otp_required")
    status, problem = await sign_in(shop, code(secret), "wrong password")
    assert (status, problem["code"]) == (401, "wrong_credentials"), (
        "the code tells nothing about the password"
    )
    now = code(secret)
    assert (await sign_in(shop, now))[0] == 201
    status, problem = await sign_in(shop, now)
    assert (status, problem["code"]) == (401, "wrong_credentials")
    assert (await sign_in(shop, code(secret, steps=-1)))[0] == 401, "older than one that was used"
    status, problem, _ = await shop.call("POST", "/v1/me/totp", json={"password": PASSWORD}, headers=mine)
    assert (status, problem["code"]) == (409, "factor_in_force")


async def test_a_recovery_code_stands_in_once(people: People) -> None:
    """If this fails, who lost the telephone lost the account, or a note with codes opens it for ever."""
    shop = people.shop
    _, _, codes = await enrol(shop)
    assert len(set(codes)) == totp.RECOVERY_CODES
    stored = await shop.db.fetchval("SELECT recovery::text FROM second_factors")
    assert codes[0].replace("-", "").lower() not in stored.lower()
    assert (await sign_in(shop, codes[0].lower().replace("-", "")))[0] == 201
    assert (await sign_in(shop, codes[0]))[0] == 401
    assert (await sign_in(shop, "AAAA-AAAA-AAAA-AAAA"))[0] == 401


async def test_ending_a_factor_takes_the_password(people: People) -> None:
    """If this fails, a stolen access token takes the second factor away."""
    shop = people.shop
    _, mine, _ = await enrol(shop)
    status, problem, _ = await shop.call(
        "DELETE", "/v1/me/totp", json={"password": "wrong one"}, headers=mine
    )
    assert (status, problem["code"]) == (401, "wrong_credentials")
    assert (await shop.call("DELETE", "/v1/me/totp", json={"password": PASSWORD}, headers=mine))[0] == 204
    assert (await sign_in(shop))[0] == 201
    status, problem, _ = await shop.call("POST", "/v1/me/totp/confirm", json={"code": "000000"}, headers=mine)
    assert (status, problem["code"]) == (409, "nothing_to_confirm")


async def test_a_second_enrolment_replaces_what_was_never_confirmed(people: People) -> None:
    """If this fails, somebody whose app lost the secret can never enrol again."""
    shop = people.shop
    _, session = await sign_in(shop)
    mine = bearer(session["access_token"])
    body = {"password": PASSWORD}
    first = (await shop.call("POST", "/v1/me/totp", json=body, headers=mine))[1]["secret"]
    second = (await shop.call("POST", "/v1/me/totp", json=body, headers=mine))[1]["secret"]
    assert first != second
    stale = code(b32decode(first + "=" * (-len(first) % 8)))
    assert (await shop.call("POST", "/v1/me/totp/confirm", json={"code": stale}, headers=mine))[0] == 400
    good = code(b32decode(second + "=" * (-len(second) % 8)))
    assert (await shop.call("POST", "/v1/me/totp/confirm", json={"code": good}, headers=mine))[0] == 200
