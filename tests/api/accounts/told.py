"""Every route of accounts and of `/v1/me`, called once for good and once for each refusal, by whoever holds answers to the
document."""

import time
import uuid
from base64 import b32decode
from typing import Any

from checkout.accounts import totp
from checkout.accounts.tokens import link_token
from tests.api.accounts.conftest import later
from tests.shop import ADDRESS

EMAIL, PASSWORD = "ada.told@example.com", "four beasts in the snow"


async def link(ask: Any, kind: str) -> str:
    """The token of the newest link of this kind."""
    request = await ask.shop.db.fetchval(
        "SELECT id FROM account_requests WHERE kind = $1 ORDER BY id DESC", kind
    )
    return link_token(ask.shop.settings.secret_key.encode(), kind, request)


async def tell_people(ask: Any) -> None:
    """Registers, signs in, and does what a person does, until the account is erased."""
    right = {"email": EMAIL, "password": PASSWORD}
    await ask("POST", "/v1/accounts", 202, json=right)
    await ask("POST", "/v1/accounts", 400, json=right | {"password": "1234567890"})
    await ask("POST", "/v1/accounts/verify", 200, json={"token": await link(ask, "registration")})
    await ask("POST", "/v1/accounts/verify", 400, json={"token": "x"})
    await ask("POST", "/v1/password-resets", 202, json={"email": EMAIL})
    reset = {"token": await link(ask, "password_reset"), "password": PASSWORD}
    await ask("POST", "/v1/password-resets/confirm", 204, json=reset)
    await ask("POST", "/v1/password-resets/confirm", 400, json=reset)
    session = await ask("POST", "/v1/sessions", 201, json=right)
    mine = {"headers": {"Authorization": f"Bearer {session['access_token']}"}}
    await _profile(ask, mine)
    await _orders(ask, mine)
    await _factor(ask, mine)
    await later(ask.shop, EMAIL)
    again = {"current_password": PASSWORD, "new_password": PASSWORD + " again"}
    await ask("POST", "/v1/me/password", 204, json=again, **mine)
    await ask("DELETE", "/v1/me", 401, json={"password": PASSWORD}, **mine)
    await ask("GET", "/v1/me/export", 200, **mine)
    await ask("DELETE", "/v1/me", 204, json={"password": PASSWORD + " again"}, **mine)


async def _profile(ask: Any, mine: dict[str, Any]) -> None:
    await ask("GET", "/v1/me", 200, **mine)
    await ask("GET", "/v1/me", 401)
    await ask("PATCH", "/v1/me", 200, json={"name": "Ada", "consents": {"sms": True}}, **mine)
    stale = {"headers": mine["headers"] | {"If-Match": '"99"'}}
    await ask("PATCH", "/v1/me", 412, json={"name": "Ada"}, **stale)
    made = await ask("POST", "/v1/me/addresses", 201, json=ADDRESS | {"label": "home"}, **mine)
    path, at = "/v1/me/addresses/{id}", f"/v1/me/addresses/{made['id']}"
    await ask("GET", "/v1/me/addresses", 200, **mine)
    await ask("GET", path, 200, at, **mine)
    await ask("GET", path, 404, f"/v1/me/addresses/{uuid.uuid4()}", **mine)
    await ask("PUT", path, 200, at, json=ADDRESS, **mine)
    await ask("PUT", path, 412, at, json=ADDRESS, **stale)
    await ask("DELETE", path, 412, at, **stale)
    await ask("DELETE", path, 204, at, **mine)


async def _orders(ask: Any, mine: dict[str, Any]) -> None:
    headers = mine["headers"] | {"Idempotency-Key": "told"}
    purchase = ask.shop.purchase(("MUG-CLASSIC", 1))
    order = (await ask("POST", "/v1/checkouts", 201, json=purchase, headers=headers))["order"]
    page = await ask("GET", "/v1/me/orders", 200, **mine)
    assert [item["id"] for item in page["items"]] == [order["id"]]
    await ask("GET", "/v1/me/orders", 400, "/v1/me/orders?cursor=x", **mine)
    again = "/v1/me/orders/{id}/reorder"
    cart = await ask("POST", again, 201, again.replace("{id}", order["id"]), **mine)
    await ask("POST", again, 404, again.replace("{id}", str(uuid.uuid4())), **mine)
    claim = "/v1/carts/{id}/claim"
    await ask("POST", claim, 200, claim.replace("{id}", cart["cart_id"]), **mine)
    await ask("POST", claim, 401, claim.replace("{id}", cart["cart_id"]))
    await ask("POST", claim, 404, claim.replace("{id}", "x" * 32), **mine)
    await ask("GET", "/v1/me/carts", 200, **mine)


async def _factor(ask: Any, mine: dict[str, Any]) -> None:
    shared = (await ask("POST", "/v1/me/totp", 201, json={"password": PASSWORD}, **mine))["secret"]
    await ask("POST", "/v1/me/totp/confirm", 400, json={"code": "12345x"}, **mine)
    secret = b32decode(shared + "=" * (-len(shared) % 8))
    now = totp.code_at(secret, int(time.time()) // totp.STEP_S)
    await ask("POST", "/v1/me/totp/confirm", 200, json={"code": now}, **mine)
    await ask("POST", "/v1/me/totp/confirm", 409, json={"code": now}, **mine)
    await later(ask.shop, EMAIL)
    await ask("POST", "/v1/sessions", 401, json={"email": EMAIL, "password": PASSWORD})
    await ask("POST", "/v1/me/totp", 409, json={"password": PASSWORD}, **mine)
    await ask("DELETE", "/v1/me/totp", 204, json={"password": PASSWORD}, **mine)
