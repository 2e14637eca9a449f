"""`/v1/sessions`: sign in, renew, sign out everywhere."""

from typing import Annotated, Protocol

import msgspec
from aiohttp import web

from checkout.accounts.auth import Auth
from checkout.accounts.model import Account, try_key
from checkout.accounts.passwords import Passwords
from checkout.accounts.store import AccountStore
from checkout.errors import Limited, Unauthenticated
from checkout.kit import body
from checkout.kit.answer import answer
from checkout.kit.form import form
from checkout.kit.ids import secret_id
from checkout.kit.routes import Route
from config import limits
from ratelimit.gcra import Decision
from ratelimit.policies import Policy

Email = Annotated[str, form(r"^[^@\s]+@[^@\s]+$", "your e-mail address", max_length=limits.EMAIL_MAX_CHARS)]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.PASSWORD_MAX_CHARS)]


class Credentials(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Who signs in."""

    email: Email
    password: Password


class Renewal(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A refresh token; it works once."""

    refresh_token: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Session(msgspec.Struct, frozen=True):
    """What a signed-in caller gets. Units: `expires_in` s, of the access token."""

    access_token: str
    refresh_token: str
    expires_in: int


class Limiter(Protocol):
    """Counts sign-in tries per account."""

    async def take(self, policy: Policy, client: str, cost: int = 1) -> Decision: ...


_AT_ONCE = limits.LOGIN_TRIES_MAX // 2
TRIES = Policy(
    name="login-account",
    requests=_AT_ONCE,
    period_s=limits.LOGIN_WINDOW_S,
    emission_us=limits.LOGIN_WINDOW_S * 1_000_000 // (limits.LOGIN_TRIES_MAX - _AT_ONCE),
    burst=_AT_ONCE,
)
"""Tries per account, whoever tries, beside the `login` policy per client: half of LOGIN_TRIES_MAX at once and the
other half spread over the window, so that no window sees more than LOGIN_TRIES_MAX."""

_credentials = msgspec.json.Decoder(Credentials)
_renewal = msgspec.json.Decoder(Renewal)


def routes(store: AccountStore, auth: Auth, passwords: Passwords, limiter: Limiter) -> list[Route]:
    """The session routes."""

    async def sign_in(request: web.Request) -> web.Response:
        wanted = await body.read(request, _credentials)
        tries = await limiter.take(TRIES, try_key(wanted.email))
        if not tries.allowed:
            raise Limited("Too many tries for this account; wait.", retry_after_ms=tries.retry_ms)
        account = await store.by_email(wanted.email)
        good = await passwords.matches(account.password_hash if account else None, wanted.password)
        if account is None or not good or account.disabled:
            raise Unauthenticated("E-mail or password is wrong.", code="wrong_credentials")
        return await _session(account)

    async def renew(request: web.Request) -> web.Response:
        wanted = await body.read(request, _renewal)
        account = await store.take(wanted.refresh_token)
        if account is None or account.disabled:
            raise Unauthenticated("The refresh token is not good any more; sign in again.")
        return await _session(account)

    async def sign_out(request: web.Request) -> web.Response:
        await store.end_sessions(auth.require(request).account_id)
        return web.Response(status=204)

    async def _session(account: Account) -> web.Response:
        refresh_token = secret_id()
        await store.begin_session(account.id, refresh_token)
        session = Session(auth.issue(account.id, account.role), refresh_token, auth.ttl_s)
        return answer(msgspec.structs.asdict(session), status=201)

    return [
        Route(
            "POST", "/v1/sessions", sign_in, "Sign in", policy="login", request=Credentials, response=Session,
            status=201, problems=("wrong_credentials",), tag="accounts",
        ),
        Route(
            "POST", "/v1/sessions/refresh", renew, "Renew the access token", policy="login", request=Renewal,
            response=Session, status=201, problems=("unauthenticated",), tag="accounts",
        ),
        Route(
            "DELETE", "/v1/sessions/current", sign_out, "Sign out everywhere", policy="login", status=204,
            permission="any", tag="accounts",
        ),
    ]  # fmt: skip
