"""Signing in: password, second factor where there is one, a session."""

import time
import uuid
from dataclasses import dataclass
from typing import Protocol

from checkout.accounts import totp
from checkout.accounts.auth import Auth
from checkout.accounts.model import Account, try_key
from checkout.accounts.passwords import Passwords
from checkout.accounts.store import AccountStore
from checkout.accounts.tokens import read_refresh_token, refresh_token
from checkout.errors import Limited, Unauthenticated
from checkout.kit.ids import uuid7
from config import limits
from ratelimit.gcra import Decision
from ratelimit.policies import Policy


class Limiter(Protocol):
    """Counts tries per account, and mails per address."""

    async def take(self, policy: Policy, client: str, cost: int = 1) -> Decision: ...


def half_at_once(name: str, most: int, window_s: int) -> Policy:
    """Half of `most` at once and the other half spread over the window, so that no window sees more than `most`."""
    at_once = most // 2
    return Policy(name, at_once, window_s, window_s * 1_000_000 // (most - at_once), at_once)


TRIES = half_at_once("login-account", limits.LOGIN_TRIES_MAX, limits.LOGIN_WINDOW_S)
"""Tries per account, whoever tries, beside the `login` policy per client. Nobody is locked out: a try comes back with
time, not with an admin."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A session as its owner gets it."""

    access_token: str
    refresh_token: str
    expires_in: int


class SignIn:
    """Begins, renews and guards sessions.

    Cost: one hash of about 40 ms in a thread, whether the address has an account or not.
    """

    def __init__(
        self, store: AccountStore, auth: Auth, passwords: Passwords, limiter: Limiter, *, secret: bytes
    ) -> None:
        self._store = store
        self._auth = auth
        self._passwords = passwords
        self._limiter = limiter
        self._secret = secret

    async def begin(self, email: str, password: str, otp: str | None) -> Begun:
        """A session for who knows the password.

        Raises: Limited; Unauthenticated (`wrong_credentials`; `otp_required` for the right password without a code).
        """
        await self._count(email)
        account = await self._store.by_email(email)
        good = await self._passwords.matches(account.password_hash if account else None, password)
        if account is None or not good or account.disabled:
            raise _wrong()
        if account.secret is not None:
            await self._check_factor(account, account.secret, otp)
        outdated = self._passwords.is_outdated(account.password_hash)
        session_id = uuid7()
        new_hash = await self._passwords.hashed(password) if outdated else None
        if not await self._store.begin_session(account, session_id, new_hash=new_hash):
            raise _wrong()
        return self._begun(account.id, account.role, session_id, 1)

    async def renew(self, token: str) -> Begun:
        """The session's next pair of tokens. Raises: Unauthenticated; a used token also ends its session."""
        read = read_refresh_token(self._secret, token)
        found = await self._store.renew(*read) if read is not None else None
        if read is None or found is None:
            raise Unauthenticated("The refresh token is not good any more; sign in again.")
        return self._begun(found[0], found[1], read[0], read[1] + 1)

    async def owner(self, account_id: uuid.UUID, password: str) -> Account:
        """The caller's account, if the password is its own: for what a stolen access token alone must not do.

        Raises: Limited, Unauthenticated (`wrong_credentials`).
        """
        account = await self._store.by_id(account_id)
        if account is None:
            raise _wrong()
        await self._count(account.email)
        if not await self._passwords.matches(account.password_hash, password) or account.disabled:
            raise _wrong()
        return account

    async def _count(self, email: str) -> None:
        tries = await self._limiter.take(TRIES, try_key(email))
        if not tries.allowed:
            raise Limited("Too many tries for this account; wait.", retry_after_ms=tries.retry_ms)

    async def _check_factor(self, account: Account, secret: bytes, otp: str | None) -> None:
        if otp is None:
            raise Unauthenticated(
                "Send otp too: a code of your app, or a recovery code.", code="otp_required"
            )
        if len(otp) == totp.DIGITS:
            step = totp.step_of(secret, otp, now_s=time.time())
            good = step is not None and await self._store.use_code(account.id, step)
        else:
            good = await self._store.use_recovery(account.id, totp.recovery_digest(otp))
        if not good:
            raise _wrong()

    def _begun(self, account_id: uuid.UUID, role: str, session_id: uuid.UUID, generation: int) -> Begun:
        return Begun(
            self._auth.issue(account_id, role, session_id),
            refresh_token(self._secret, session_id, generation),
            self._auth.ttl_s,
        )


def _wrong() -> Unauthenticated:
    return Unauthenticated("E-mail or password is wrong.", code="wrong_credentials")
