"""`/v1/me/totp`: an authenticator app as a second factor. `POST /v1/me/password`: another password.

What a stolen access token alone must not do asks for the password too.
"""

import time

import msgspec
from aiohttp import web

from checkout.accounts import totp
from checkout.accounts.auth import Auth
from checkout.accounts.passwords import Passwords, insist_on_strength
from checkout.accounts.request import CodeOnly, PasswordChange, PasswordOnly
from checkout.accounts.shape import Enrolment, RecoveryCodes
from checkout.accounts.sign_in import SignIn
from checkout.accounts.store import AccountStore
from checkout.errors import Conflict, Invalid
from checkout.kit import body
from checkout.kit.answer import answer
from checkout.kit.routes import Route

_password = msgspec.json.Decoder(PasswordOnly)
_change = msgspec.json.Decoder(PasswordChange)
_code = msgspec.json.Decoder(CodeOnly)


def routes(
    store: AccountStore, auth: Auth, passwords: Passwords, sign_in: SignIn, *, shop_name: str
) -> list[Route]:
    """The routes of passwords and second factors of who is signed in."""

    async def change_password(request: web.Request) -> web.Response:
        caller = auth.require(request)
        wanted = await body.read(request, _change)
        account = await sign_in.owner(caller.account_id, wanted.current_password)
        insist_on_strength(wanted.new_password, email=account.email, field="new_password")
        new_hash = await passwords.hashed(wanted.new_password)
        if not await store.change_password(account, new_hash, session_id=caller.session_id):
            raise Conflict("The password was changed at the same time; try again.")
        return web.Response(status=204)

    async def enrol(request: web.Request) -> web.Response:
        caller = auth.require(request)
        account = await sign_in.owner(caller.account_id, (await body.read(request, _password)).password)
        secret = totp.new_secret()
        if not await store.enrol(account.id, secret):
            raise Conflict("A second factor is in force already; end it first.", code="factor_in_force")
        uri = totp.uri(secret, email=account.email, shop_name=shop_name)
        return answer({"secret": totp.shown(secret), "uri": uri}, status=201)

    async def confirm(request: web.Request) -> web.Response:
        caller = auth.require(request)
        wanted = await body.read(request, _code)
        secret = await store.enrolled(caller.account_id)
        if secret is None:
            raise Conflict("There is nothing to confirm; enrol first.", code="nothing_to_confirm")
        step = totp.step_of(secret, wanted.code, now_s=time.time())
        codes = totp.new_recovery_codes()
        digests = [totp.recovery_digest(code) for code in codes]
        if step is None or not await store.confirm_factor(caller.account_id, secret, step, digests):
            raise Invalid(
                "This is not the app's code of now; check the clock.", field="code", code="wrong_code"
            )
        return answer({"recovery_codes": codes})

    async def end(request: web.Request) -> web.Response:
        caller = auth.require(request)
        account = await sign_in.owner(caller.account_id, (await body.read(request, _password)).password)
        await store.drop_factor(account.id)
        return web.Response(status=204)

    guarded = ("wrong_credentials",)
    return [
        Route(
            "POST", "/v1/me/password", change_password, "Change the password; every other session ends",
            policy="login", request=PasswordChange, status=204, permission="any",
            problems=(*guarded, "weak_password", "conflict"), tag="accounts",
        ),
        Route(
            "POST", "/v1/me/totp", enrol, "Begin a second factor: a secret for an authenticator app",
            policy="login", request=PasswordOnly, response=Enrolment, status=201, permission="any",
            problems=(*guarded, "factor_in_force"), tag="accounts",
        ),
        Route(
            "POST", "/v1/me/totp/confirm", confirm, "Put the second factor in force by a code of the app",
            policy="login", request=CodeOnly, response=RecoveryCodes, permission="any",
            problems=("nothing_to_confirm", "wrong_code"), tag="accounts",
        ),
        Route(
            "DELETE", "/v1/me/totp", end, "End the second factor", policy="login", request=PasswordOnly,
            status=204, permission="any", problems=guarded, tag="accounts",
        ),
    ]  # fmt: skip
