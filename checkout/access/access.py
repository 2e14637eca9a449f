"""Asks whether the caller of a request may do something."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from checkout.access.model import BUILT_IN, Grant, scope_of
from checkout.accounts.auth import Auth
from checkout.errors import Forbidden

Permit = Callable[[web.Request, str], Awaitable[Grant]]
"""`await permit(request, "products:write")` gives the Grant. Raises: Unauthenticated, Forbidden."""


class Access:
    """The permissions of callers."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    async def permit(self, request: web.Request, permission: str) -> Grant:
        """The caller's grant of this `resource:action`. Raises: Unauthenticated without a good token, Forbidden."""
        caller = self._auth.require(request)
        resource, _, action = permission.partition(":")
        scope = scope_of(BUILT_IN.get(caller.role, frozenset()), resource, action)
        if scope is None:
            raise Forbidden(f"This account may not do that: it lacks the permission {permission}.")
        return Grant(str(caller.account_id), None if scope == "all" else caller.account_id)
