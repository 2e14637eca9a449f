"""`/v1/accounts`, `/v1/sessions`, `/v1/password-resets`: register, sign in, renew, sign out, forget a password.

Registering and asking for a reset answer before anybody has looked whether the address has an account: the worker that
writes the mail does (`checkout/accounts/mails/tell.py`). So neither body, status nor time can tell.
"""

import msgspec
from aiohttp import web

from checkout.accounts.auth import Auth
from checkout.accounts.model import consents, try_key
from checkout.accounts.passwords import Passwords, insist_on_strength
from checkout.accounts.request import Credentials, LinkToken, NewPassword, Registration, Renewal, ResetWish
from checkout.accounts.shape import Asked, Session, Verified
from checkout.accounts.sign_in import Begun, Limiter, SignIn, half_at_once
from checkout.accounts.store import AccountStore
from checkout.accounts.tokens import read_link_token
from checkout.errors import Invalid
from checkout.kit import body
from checkout.kit.answer import answer
from checkout.kit.routes import Route
from config import limits

MAILS = half_at_once("account-mail", limits.MAILS_MAX, limits.MAIL_WINDOW_S)
"""Mails that strangers may have sent to one address; what is beyond is taken and not sent."""

_credentials = msgspec.json.Decoder(Credentials)
_renewal = msgspec.json.Decoder(Renewal)
_registration = msgspec.json.Decoder(Registration)
_link = msgspec.json.Decoder(LinkToken)
_wish = msgspec.json.Decoder(ResetWish)
_new_password = msgspec.json.Decoder(NewPassword)
_ASKED = {
    "registration": {
        "status": "check_your_mail",
        "detail": "A mail is on its way; open its link to finish. No mail? Check the address.",
    },
    "password_reset": {
        "status": "check_your_mail",
        "detail": "If this address has an account, a mail with a link is on its way.",
    },
}


def routes(
    store: AccountStore,
    auth: Auth,
    passwords: Passwords,
    limiter: Limiter,
    sign_in: SignIn,
    *,
    secret: bytes,
) -> list[Route]:
    """The routes of registering and of sessions."""

    async def begin(request: web.Request) -> web.Response:
        wanted = await body.read(request, _credentials)
        return _session(await sign_in.begin(wanted.email, wanted.password, wanted.otp))

    async def renew(request: web.Request) -> web.Response:
        return _session(await sign_in.renew((await body.read(request, _renewal)).refresh_token))

    async def end(request: web.Request) -> web.Response:
        caller = auth.require(request)
        if caller.session_id is not None:
            await store.end_session(caller.account_id, caller.session_id)
        return web.Response(status=204)

    async def end_all(request: web.Request) -> web.Response:
        await store.end_sessions(auth.require(request).account_id)
        return web.Response(status=204)

    async def register(request: web.Request) -> web.Response:
        wanted = await body.read(request, _registration)
        insist_on_strength(wanted.password, email=wanted.email, field="password")
        document: dict[str, object] = {
            "password_hash": await passwords.hashed(wanted.password),
            "profile": {} if wanted.name is None else {"name": wanted.name.strip()},
            "consents": consents({}, {"marketing_email": wanted.marketing_email or None}),
        }
        return await _ask("registration", wanted.email, document, limits.REGISTRATION_TTL_S)

    async def verify(request: web.Request) -> web.Response:
        request_id = read_link_token(secret, "registration", (await body.read(request, _link)).token)
        orders = await store.register(request_id) if request_id is not None else None
        if orders is None:
            raise _bad_link()
        return answer({"status": "verified", "orders": orders})

    async def forgot(request: web.Request) -> web.Response:
        wanted = await body.read(request, _wish)
        return await _ask("password_reset", wanted.email, {}, limits.PASSWORD_RESET_TTL_S)

    async def reset(request: web.Request) -> web.Response:
        wanted = await body.read(request, _new_password)
        request_id = read_link_token(secret, "password_reset", wanted.token)
        email = await store.asked(request_id, "password_reset") if request_id is not None else None
        if request_id is None or email is None:
            raise _bad_link()
        insist_on_strength(wanted.password, email=email, field="password")
        if not await store.reset_password(request_id, await passwords.hashed(wanted.password)):
            raise _bad_link()
        return web.Response(status=204)

    async def _ask(kind: str, email: str, document: dict[str, object], ttl_s: float) -> web.Response:
        if (await limiter.take(MAILS, try_key(email))).allowed:
            await store.ask(kind, email, document, ttl_s=ttl_s)
        return answer(_ASKED[kind], status=202)

    def _session(begun: Begun) -> web.Response:
        session = Session(begun.access_token, begun.refresh_token, begun.expires_in)
        return answer(msgspec.structs.asdict(session), status=201)

    return [
        Route(
            "POST", "/v1/sessions", begin, "Sign in", policy="login", request=Credentials, response=Session,
            status=201, problems=("wrong_credentials", "otp_required"), tag="accounts",
        ),
        Route(
            "POST", "/v1/sessions/refresh", renew, "Renew the access token; a token that comes again ends its session",
            policy="login", request=Renewal, response=Session, status=201, problems=("unauthenticated",),
            tag="accounts",
        ),
        Route(
            "DELETE", "/v1/sessions/current", end, "Sign out here", policy="login", status=204,
            permission="any", tag="accounts",
        ),
        Route(
            "DELETE", "/v1/sessions", end_all, "Sign out everywhere", policy="login", status=204,
            permission="any", tag="accounts",
        ),
        Route(
            "POST", "/v1/accounts", register, "Register; a mail says how to go on", policy="login",
            request=Registration, response=Asked, status=202, problems=("weak_password",), tag="accounts",
        ),
        Route(
            "POST", "/v1/accounts/verify", verify, "Prove the address by the link in the mail", policy="login",
            request=LinkToken, response=Verified, problems=("bad_link",), tag="accounts",
        ),
        Route(
            "POST", "/v1/password-resets", forgot, "Ask for a link to set a new password", policy="login",
            request=ResetWish, response=Asked, status=202, tag="accounts",
        ),
        Route(
            "POST", "/v1/password-resets/confirm", reset, "Set a new password; every session ends", policy="login",
            request=NewPassword, status=204, problems=("bad_link", "weak_password"), tag="accounts",
        ),
    ]  # fmt: skip


def _bad_link() -> Invalid:
    return Invalid(
        "This link has been used, or is too old; ask for a new one.", field="token", code="bad_link"
    )
