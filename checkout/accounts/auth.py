"""Access tokens: who calls, and whether the caller may.

A token says itself whose it is, so that reading one asks nobody; only that its session was ended it cannot say, and that
this process knows (`checkout/accounts/ended.py`).

Source: RFC 7519 (JWT), RFC 6750 (Bearer); signed with HS256 under a key derived from the shop's secret key.
"""

import time
import uuid
from collections.abc import Container
from hashlib import blake2b

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from checkout.accounts.model import ROLES, SignedIn
from checkout.errors import Forbidden, Unauthenticated
from config import limits

_HEADER = {"alg": "HS256", "typ": "at+jwt"}
_ISSUER = "checkout"
_NOBODY = SignedIn(uuid.UUID(int=0), "")
_CALLER = web.RequestKey("signed_in", SignedIn)


class Auth:
    """Issues and reads access tokens: good until they expire, or their session is among `ended`.

    Cost of reading: about 15 µs.
    """

    def __init__(
        self, secret: bytes, *, ttl_s: int = limits.ACCESS_TOKEN_TTL_S, ended: Container[uuid.UUID] = ()
    ) -> None:
        self._key = OctKey.import_key(blake2b(secret, digest_size=32, person=b"access-token").digest())
        self._ended = ended
        self.ttl_s = ttl_s
        self.roles: Container[str] = ROLES

    def issue(self, account_id: uuid.UUID, role: str, session_id: uuid.UUID | None = None) -> str:
        """A token for this account, role and session, good for `ttl_s`; without a session, nothing ends it before."""
        now = int(time.time())
        claims = {"iss": _ISSUER, "sub": str(account_id), "role": role, "iat": now, "exp": now + self.ttl_s}
        if session_id is not None:
            claims["sid"] = str(session_id)
        return jwt.encode(_HEADER, claims, self._key)

    def read(self, token: str) -> SignedIn | None:
        """Who the token names, or None when it is not ours, changed, or over, or its session has ended."""
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"]).claims
            role, account_id = claims["role"], uuid.UUID(claims["sub"])
            session_id = uuid.UUID(claims["sid"]) if "sid" in claims else None
            good = claims["iss"] == _ISSUER and float(claims["exp"]) > time.time() and role in self.roles
        except (JoseError, KeyError, ValueError, TypeError, AttributeError):
            return None
        if not good or (session_id is not None and session_id in self._ended):
            return None
        return SignedIn(account_id, role, session_id)

    def caller(self, request: web.Request) -> SignedIn | None:
        """Who calls, if the request came with a good access token. An order token or none at all: nobody."""
        known: SignedIn | None = request.get(_CALLER)
        if known is None:
            token = bearer(request)
            known = (self.read(token) if token and token.count(".") == 2 else None) or _NOBODY
            request[_CALLER] = known
        return None if known is _NOBODY else known

    def require(self, request: web.Request, *roles: str) -> SignedIn:
        """The caller, who has one of the roles (any, when none is named).

        Raises: Unauthenticated without a good token; Forbidden with another role. What belongs to somebody else is
        the handler's to answer with NotFound.
        """
        caller = self.caller(request)
        if caller is None:
            raise Unauthenticated("Send an access token: Authorization: Bearer …")
        if roles and caller.role not in roles:
            raise Forbidden("This account's role does not allow it.")
        return caller

    def admin(self, request: web.Request) -> str:
        """The admin's account id, for the admin's handlers. Raises: Unauthenticated, Forbidden."""
        return str(self.require(request, "admin").account_id)

    def account_of(self, request: web.Request) -> str | None:
        """The caller's account id: the edge counts signed-in callers by it instead of by their address."""
        caller = self.caller(request)
        return str(caller.account_id) if caller is not None else None


def bearer(request: web.Request) -> str | None:
    """The token of the Authorization field, of whatever kind."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None
