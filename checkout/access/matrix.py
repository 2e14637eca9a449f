"""Role × route: what each caller meets, by what the routes declare and the roles hold. docs/access.md is made from this.

tests/api/access/test_matrix.py asks every cell of the running shop.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from checkout.access.model import BUILT_IN, scope_of
from checkout.kit.routes import Route

Cell = Literal["open", "401", "403", "own", "all"]
_ROLES = ("customer", "vendor", "support", "admin")
_WORDS = """\
# Who may call what

Written by `make docs` from the routes' permissions and the roles that a shop comes with. `tests/api/access/test_matrix.py`
asks every cell of the running shop.

- **open**: nobody is asked who they are. Where a secret decides (a cart's id, an order's token), who lacks it gets a 404;
  an order is open to its own account, too, and to those who may read or write all orders.
- **401**, **403**: the answer to who does not sign in, and to who may not.
- **own**: rows of the caller alone. Rows of others answer exactly like missing ones: 404, or not on the list.
- **all**: every row.

An API key (`Authorization: Bearer ck_…`) may do what it names, as long and as widely as its account may; routes about the
caller's own account (permission `any`) need a person who has signed in, and answer a key with 401. Roles of a shop's own
(`/v1/admin/roles`) hold any of the permissions below.

## Roles

| role | permissions |
|---|---|
"""
_HEAD = """\

## Routes

| route | permission | nobody | customer | vendor | support | admin |
|---|---|---|---|---|---|---|
"""


def cell(permission: str | None, held: frozenset[str] | None) -> Cell:
    """What a caller with these permissions meets at a route with this one. Shape: None holds nobody: not signed in."""
    if permission is None:
        return "open"
    if held is None:
        return "401"
    if permission == "any":
        return "own"
    resource, _, action = permission.partition(":")
    scope = scope_of(held, resource, action)
    return "403" if scope is None else "all" if scope == "all" else "own"


def access_page(routes: Iterable[Route]) -> str:
    """docs/access.md: roles and routes as text."""
    roles = [_row(name, ", ".join(f"`{one}`" for one in sorted(BUILT_IN[name])) or "none") for name in _ROLES]
    callers = [None, *(BUILT_IN[name] for name in _ROLES)]
    listed = sorted(routes, key=lambda route: (route.path, route.method))
    rows = [
        _row(
            f"`{route.method} {route.path}`",
            f"`{route.permission}`" if route.permission else "",
            *(cell(route.permission, held) for held in callers),
        )
        for route in listed
    ]
    return _WORDS + "\n".join(roles) + "\n" + _HEAD + "\n".join(rows) + "\n"


def _row(*cells: str) -> str:
    parts: Sequence[str] = cells
    return f"| {' | '.join(parts)} |"
