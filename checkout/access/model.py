"""What a caller may do.

A permission is `scope:resource:action`: `all:products:write` for every product, `own:products:write` for those that the
caller owns; `*` stands for every resource or action. A handler asks for `resource:action` and gets a Grant, which says
how wide the permission is.

Guarantees:
- What no role names is not allowed (tests/api/access/test_matrix.py asks every route).
- Whoever holds `own` only never learns that other owners' rows exist: they answer like missing ones.
- Nobody gives what they do not have: a role, a key or an account's role is covered by what its giver may do.
- A key may do what it names as long as its account may; a key of a disabled account may do nothing.
- Of a key only a digest is stored; the key itself is shown once.
"""

import secrets
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from checkout.errors import Forbidden, NotFound

BUILT_IN: Mapping[str, frozenset[str]] = {
    "customer": frozenset(),
    "vendor": frozenset(
        {
            "own:api-keys:read",
            "own:api-keys:write",
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
"""What each role that comes with the shop may do at first: the migrations write it into `roles`, where it may be changed."""

NOBODY = uuid.UUID(int=0)
KEY_PREFIX = "ck_"
_SHOWN_CHARS = 11


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission that the caller has.

    Shape: `actor` is what the audit log and the ledger call the caller (an account's id, or `key:` and an API key's id);
    `owner` is None when every row is meant, else the account whose rows alone are meant; `permissions` is all that the
    caller may do, for what hands permissions on; `account_id` is the caller's account, a key's as well.
    """

    actor: str
    owner: uuid.UUID | None
    permissions: frozenset[str] = frozenset()
    account_id: uuid.UUID = NOBODY

    def over_all(self) -> "Grant":
        """This grant, for rows that nobody owns. Raises: NotFound when it is for the caller's own rows alone."""
        if self.owner is not None:
            raise NotFound("There is nothing of yours here.")
        return self

    def refuse_beyond(self, wanted: Iterable[str], what: str) -> None:
        """Nobody gives what they do not have. Raises: Forbidden."""
        lacking = beyond(self.permissions, wanted)
        if lacking:
            raise Forbidden(f"{what} has permissions that you lack: {', '.join(lacking[:5])}.")


@dataclass(frozen=True, slots=True)
class Key:
    """An API key that is good now: whose it is, with that account's role, and what it may do at most."""

    id: uuid.UUID
    account_id: uuid.UUID
    role: str
    permissions: frozenset[str]
    expires_at: datetime | None


def scope_of(permissions: frozenset[str], resource: str, action: str) -> str | None:
    """The widest scope in which the permissions allow it: all, own, or None."""
    for scope in ("all", "own"):
        if any(f"{scope}:{r}:{a}" in permissions for r in (resource, "*") for a in (action, "*")):
            return scope
    return None


def covers(permissions: frozenset[str], wanted: str) -> bool:
    """Whether whoever has these permissions has this `scope:resource:action`, too."""
    scope, _, rest = wanted.partition(":")
    resource, _, action = rest.partition(":")
    held = scope_of(permissions, resource, action)
    return held in ("all", scope)


def beyond(permissions: frozenset[str], wanted: Iterable[str]) -> list[str]:
    """Those of the wanted that the permissions do not cover."""
    return sorted(one for one in wanted if not covers(permissions, one))


def within(key: frozenset[str], role: frozenset[str]) -> frozenset[str]:
    """What a key may do: what it names, as far as its account's role covers it, and only own rows where that does."""
    allowed = {one for one in key if covers(role, one)}
    narrowed = (f"own:{one.partition(':')[2]}" for one in key - allowed)
    return frozenset(allowed | {one for one in narrowed if covers(role, one)})


def new_key() -> str:
    """A new API key: 192 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(24)


def shown(key: str) -> str:
    """The part of a key that lists may show, to tell keys apart; 144 random bits stay unknown."""
    return key[:_SHOWN_CHARS]


def key_digest(key: str) -> bytes:
    """What is stored of a key: it has 192 random bits, so a plain digest cannot be reversed."""
    return blake2b(key.encode(), digest_size=32, person=b"api-key").digest()
