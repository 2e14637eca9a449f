"""Asks whether the caller of a request may do something."""

import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from checkout.access.key_memory import KeyMemory
from checkout.access.model import KEY_PREFIX, Grant, scope_of, within
from checkout.access.role_table import RoleTable
from checkout.accounts.auth import Auth, bearer
from checkout.errors import Forbidden, Unauthenticated

Permit = Callable[[web.Request, str], Awaitable[Grant]]
"""`await permit(request, "products:write")` gives the Grant. Raises: Unauthenticated, Forbidden."""

_AT = len("Bearer ")
_SIGN_IN = "Send an access token or an API key: Authorization: Bearer …"


class Access:
    """The permissions of callers: of signed-in accounts by their role, of API keys by what they name.

    Cost: none beyond reading the token; a key that this process has not seen lately is one read of Postgres.
    """

    def __init__(self, auth: Auth, roles: RoleTable, keys: KeyMemory) -> None:
        self._auth = auth
        self.roles = roles
        self._keys = keys

    async def permit(self, request: web.Request, permission: str) -> Grant:
        """The caller's grant of this `resource:action`.

        Raises: Unauthenticated without a good token or key, Forbidden, Unavailable.
        """
        actor, account_id, permissions = await self._caller(request)
        resource, _, action = permission.partition(":")
        scope = scope_of(permissions, resource, action)
        if scope is None:
            raise Forbidden(f"This caller may not do that: it lacks the permission {permission}.")
        return Grant(actor, None if scope == "all" else account_id, permissions, account_id)

    async def has_all(self, request: web.Request, permission: str) -> bool:
        """Whether the caller may do this to every row; nobody may not. Raises: Unavailable."""
        try:
            return (await self.permit(request, permission)).owner is None
        except (Unauthenticated, Forbidden):
            return False

    def identify(self, request: web.Request) -> str | None:
        """Whom the edge counts this request for: the account, or the API key, once it has shown to be good."""
        field = request.headers.get("Authorization")
        if field is None:
            return None
        if field.startswith(KEY_PREFIX, _AT):
            key = self._keys.known(field[_AT:].strip())
            return f"key:{key.id}" if key else None
        return self._auth.account_of(request)

    def changed(self, _payload: object = None) -> None:
        """Roles, keys or accounts changed, or may have. The handler of channel `access` and of a gap in listening."""
        self.roles.changed()
        self._keys.changed()

    async def _caller(self, request: web.Request) -> tuple[str, uuid.UUID, frozenset[str]]:
        text = bearer(request)
        if text is None or not text.startswith(KEY_PREFIX):
            caller = self._auth.caller(request)
            if caller is None:
                raise Unauthenticated(_SIGN_IN)
            return str(caller.account_id), caller.account_id, self.roles.permissions(caller.role)
        key = await self._keys.find(text)
        if key is None:
            raise Unauthenticated("The API key is unknown, revoked or expired.")
        return f"key:{key.id}", key.account_id, within(key.permissions, self.roles.permissions(key.role))
