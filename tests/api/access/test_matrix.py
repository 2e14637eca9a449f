"""Role × route (T17): every route of the shop, found by itself, against every kind of caller. docs/access.md tells the same."""

import re
from typing import Any

from checkout.access.matrix import cell
from checkout.access.model import BUILT_IN
from checkout.kit.routes import Route
from tests.api.access.conftest import ROLES, Desk
from tests.api.accounts.conftest import bearer

MISSING = "01930000-0000-7000-8000-000000000000"
_DECLARED = re.compile(r"any|[a-z]+(-[a-z]+)*:[a-z]+(-[a-z]+)*")
_PARAMETER = re.compile(r"\{[^{}]+\}")
# Routes that ask nobody who they are. A new route that is not named here declares its permission.
PUBLIC = frozenset(
    {
        "GET /healthz", "GET /readyz", "GET /metrics", "GET /openapi.json", "GET /docs", "GET /docs/{file}",
        "GET /v1/products", "GET /v1/products/{key}", "GET /v1/products/suggestions", "GET /v1/categories",
        "GET /v1/products/{id}/reviews", "GET /v1/skus/{sku}/availability", "GET /v1/skus/{sku}/barcode.svg",
        "POST /v1/carts", "GET /v1/carts/{id}", "PUT /v1/carts/{id}/lines/{sku}", "DELETE /v1/carts/{id}/lines/{sku}",
        "POST /v1/carts/{id}/coupons", "DELETE /v1/carts/{id}/coupons/{code}", "PUT /v1/carts/{id}/address",
        "GET /v1/carts/{id}/shipping-options", "PUT /v1/carts/{id}/shipping", "POST /v1/carts/{id}/hold",
        "DELETE /v1/carts/{id}/hold", "POST /v1/checkouts", "GET /v1/orders/{id}", "GET /v1/orders/{id}/events",
        "GET /v1/orders/{id}/invoice.pdf", "POST /v1/orders/{id}/cancel", "POST /v1/orders/{id}/payments",
        "POST /v1/accounts", "POST /v1/accounts/verify", "POST /v1/password-resets", "POST /v1/password-resets/confirm",
        "POST /v1/sessions", "POST /v1/sessions/refresh", "POST /v1/webhooks/stripe",
    }
)  # fmt: skip


def name_of(route: Route) -> str:
    """`GET /v1/products`."""
    return f"{route.method} {route.path}"


def somewhere(route: Route) -> str:
    """The route's path, with names that nothing has."""
    return _PARAMETER.sub(MISSING, route.path)


async def asked(desk: Desk, headers: dict[str, str], route: Route) -> tuple[int, str]:
    """(status, code) of a call that can only be refused, or do nothing: an empty body, at names that nothing has."""
    body: dict[str, Any] = {"json": {}} if route.method in ("POST", "PUT", "PATCH", "DELETE") else {}
    status, document, _ = await desk.shop.call(route.method, somewhere(route), headers=headers, **body)
    return status, document.get("code", "") if isinstance(document, dict) else ""


def fits(wanted: str, status: int, code: str) -> bool:
    """Whether the answer is what the cell says."""
    if wanted == "401":
        return (status, code) == (401, "unauthenticated")
    if wanted == "403":
        return (status, code) == (403, "forbidden")
    return status not in (401, 403) and status < 500


def guarded(desk: Desk) -> list[Route]:
    """Routes that ask for a permission by its name."""
    return [route for route in desk.routes if route.permission and ":" in route.permission]


async def test_every_route_declares_who_may_call_it(desk: Desk) -> None:
    """If this fails, a route went in without a word on who may call it; name its permission, or name it in PUBLIC."""
    silent = {name_of(route) for route in desk.routes if route.permission is None} - PUBLIC
    assert silent == set()
    odd = [r.permission for r in desk.routes if r.permission and not _DECLARED.fullmatch(r.permission)]
    assert odd == []
    wide = [
        name_of(route)
        for route in desk.routes
        if route.path.startswith("/v1/admin/") and ":" not in (route.permission or "")
    ]
    assert wide == []
    served = {
        (route.method, route.resource.canonical)
        for route in desk.shop.app.router.routes()
        if route.resource is not None and route.method not in ("HEAD", "*")
    }
    assert {(route.method, route.path) for route in desk.routes} == served, "served and not in the matrix"


async def test_every_cell_is_as_its_role_says(desk: Desk) -> None:
    """If this fails, a role can do what it must not, or cannot do what it may: the list names route, caller and answer."""
    _, bought = await desk.shop.buy(("MUG-CLASSIC", 1))
    callers: dict[str, tuple[dict[str, str], frozenset[str] | None]] = {
        role: (desk.token(role), BUILT_IN[role]) for role in ROLES
    }
    nobodies = {
        "nobody": {},
        "forged": bearer(desk.token("admin")["Authorization"][7:-3] + "abc"),
        "an order's token": bearer(bought["access_token"]),
        "a key that is none": bearer("ck_" + "A" * 32),
    }
    callers |= {name: (headers, None) for name, headers in nobodies.items()}
    wrong, seen = [], 0
    for route in desk.routes:
        for name, (headers, held) in callers.items():
            wanted = cell(route.permission, held)
            if wanted == "open" and name in ("forged", "an order's token", "a key that is none"):
                continue  # what a bad token means there is the route's own to say
            status, code = await asked(desk, headers, route)
            seen += 1
            if not fits(wanted, status, code):
                wrong.append((name_of(route), name, wanted, status, code))
    assert wrong == []
    assert seen > 300


async def test_every_handler_asks_for_what_its_route_declares(desk: Desk) -> None:
    """If this fails, a handler asks for another permission than the document says, or for none."""
    asked_for = sorted({str(route.permission) for route in guarded(desk)})
    names = {permission: f"r-{number}" for number, permission in enumerate(asked_for)}
    only = {f"only-{name}": [f"all:{permission}"] for permission, name in names.items()}
    but = {
        f"but-{name}": [f"all:{other}" for other in asked_for if other != permission]
        for permission, name in names.items()
    }
    await desk.give_role(only | but)
    wrong = []
    for route in guarded(desk):
        name = names[str(route.permission)]
        for role, wanted in ((f"only-{name}", "all"), (f"but-{name}", "403")):
            status, code = await asked(desk, desk.token("stranger", role), route)
            if not fits(wanted, status, code):
                wrong.append((name_of(route), role, route.permission, status, code))
    assert wrong == []


async def test_a_key_may_do_what_it_names_and_nothing_else(desk: Desk) -> None:
    """If this fails, a machine's key opens more than it was given, or a person's own account."""
    keys = {
        str(permission): await desk.key("admin", f"all:{permission}")
        for permission in {route.permission for route in guarded(desk)}
    }
    narrow = keys["stats:read"]
    wrong = []
    for route in desk.routes:
        if route.permission is None:
            continue
        wanted = "401" if route.permission == "any" else "all" if route.permission == "stats:read" else "403"
        tries = [(narrow, wanted)]
        if ":" in route.permission:
            tries.append((keys[route.permission], "all"))
        for headers, expected in tries:
            status, code = await asked(desk, headers, route)
            if not fits(expected, status, code):
                wrong.append((name_of(route), expected, status, code))
    assert wrong == []


async def test_the_roles_of_a_new_shop_are_those_of_the_document(desk: Desk) -> None:
    """If this fails, docs/access.md tells of roles as they are not: a permission was added here and in no migration."""
    rows = await desk.shop.db.fetch("SELECT name, permissions FROM roles WHERE built_in")
    assert {row["name"]: frozenset(row["permissions"]) for row in rows} == dict(BUILT_IN)
