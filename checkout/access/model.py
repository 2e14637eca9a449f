"""What a caller may do.

A permission is `scope:resource:action`: `all:products:write` for every product, `own:products:write` for those that the
caller owns. A handler asks for `resource:action` and gets a Grant, which says how wide the permission is.

Guarantees:
- What no role names is not allowed.
- Whoever holds `own` only never learns that other owners' rows exist: they answer like missing ones.
"""

import uuid
from dataclasses import dataclass

BUILT_IN: dict[str, frozenset[str]] = {
    "customer": frozenset(),
    "vendor": frozenset(
        {
            "own:products:read",
            "own:products:write",
            "own:stock:read",
            "own:stock:write",
            "own:orders:read",
            "own:imports:read",
            "own:imports:write",
            "own:exports:read",
        }
    ),
    "support": frozenset(
        {
            "all:stats:read",
            "all:products:read",
            "all:stock:read",
            "all:orders:read",
            "all:orders:write",
            "all:coupons:read",
            "all:users:read",
            "all:reviews:read",
            "all:reviews:write",
            "all:dead-letters:read",
        }
    ),
    "admin": frozenset({"all:*:*"}),
}
"""What each role that comes with the shop may do."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission that the caller has.

    Shape: `actor` is what the audit log and the ledger call the caller (an account's id, or `key:` and an API key's id);
    `owner` is None when every row is meant, else the account whose rows alone are meant.
    """

    actor: str
    owner: uuid.UUID | None


def scope_of(permissions: frozenset[str], resource: str, action: str) -> str | None:
    """The widest scope in which the permissions allow it: all, own, or None."""
    for scope in ("all", "own"):
        if any(f"{scope}:{r}:{a}" in permissions for r in (resource, "*") for a in (action, "*")):
            return scope
    return None
