"""Role × route × owner (T17): what somebody else owns answers exactly like what is not there."""

import re
from typing import Any

from checkout.access.matrix import cell
from checkout.access.model import BUILT_IN
from checkout.kit.routes import Route
from tests.api.access.conftest import Desk
from tests.api.access.owned import (
    BODIES,
    BY_BODY,
    EVERYBODYS,
    MAKES,
    MISSING_SKU,
    OTHERS_SKU,
    OWNERS,
    Owned,
    share_out,
)

_PARAMETER = re.compile(r"\{(\w+)\}")


def name_of(route: Route) -> str:
    """`GET /v1/products`."""
    return f"{route.method} {route.path}"


def own_routes(desk: Desk) -> list[Route]:
    """Routes whose caller, a vendor or a shopper, may only do it to own rows."""
    return [
        route
        for route in desk.routes
        if route.permission is not None
        and "own"
        in (cell(route.permission, BUILT_IN["vendor"]), cell(route.permission, BUILT_IN["customer"]))
    ]


def filled(path: str, names: dict[str, str]) -> str:
    """The path with these names."""
    return _PARAMETER.sub(lambda found: names[found[1]], path)


async def asked(desk: Desk, owned: Owned, route: Route, names: dict[str, str]) -> tuple[int, Any]:
    """(status, the answer without the names that were asked for)."""
    body = {} if route.method == "GET" else {"json": BODIES.get(name_of(route), {})}
    status, document, _ = await desk.call(owned.who, route.method, filled(route.path, names), **body)
    return status, without(document, names)


def without(document: Any, names: dict[str, str]) -> str:
    """The answer, with what was asked for struck out."""
    text = document.decode("latin-1") if isinstance(document, bytes) else str(document)
    for name in names.values():
        text = text.replace(name, "…")
    return text


async def test_what_others_own_answers_like_what_is_not_there(desk: Desk) -> None:
    """If this fails, a vendor or a shopper reads or changes what is somebody else's, or learns that it exists."""
    await share_out(desk)
    routes = [
        route
        for route in own_routes(desk)
        if _PARAMETER.search(route.path) and not route.path.startswith(EVERYBODYS)
    ]
    unknown = [name_of(r) for r in routes if not any(r.path.startswith(at) for at in OWNERS)]
    assert unknown == [], "say in owned.py whose these are"
    bare = [name_of(r) for r in routes if r.request is not None and name_of(r) not in BODIES]
    assert bare == [], "say in owned.py with which body these would do something"
    things = {
        at: await make(desk) for at, make in OWNERS.items() if any(r.path.startswith(at) for r in routes)
    }
    wrong = []
    for route in routes:
        owned = next(owned for at, owned in things.items() if route.path.startswith(at))
        others = await asked(desk, owned, route, owned.others)
        missing = await asked(desk, owned, route, owned.missing)
        if others != missing or missing[0] != 404:
            wrong.append((name_of(route), others, missing))
    assert wrong == []
    for route in routes:
        if route.method == "GET":
            owned = next(owned for at, owned in things.items() if route.path.startswith(at))
            status, text = await asked(desk, owned, route, owned.own)
            if status != 200 and "not_ready" not in text:
                wrong.append((name_of(route), "own", status, text[:300]))
    assert wrong == []


async def test_a_body_that_names_what_others_own_is_refused_as_if_it_were_not_there(desk: Desk) -> None:
    """If this fails, a vendor changes another one's stock or prices by naming its SKU, or learns which SKUs there are."""
    await share_out(desk)
    await desk.call(
        "admin",
        "POST",
        "/v1/admin/locations",
        json={"code": "main-2", "name": "Second", "country": "DE"},
        expect=201,
    )
    routes = [
        route
        for route in own_routes(desk)
        if ":" in str(route.permission) and route.method != "GET" and not _PARAMETER.search(route.path)
    ]
    unknown = [name_of(route) for route in routes if name_of(route) not in MAKES | BY_BODY.keys()]
    assert unknown == [], "say in owned.py with which body these name what somebody owns"
    before = await stock_and_prices(desk)
    wrong = []
    for route in routes:
        if name_of(route) in MAKES:
            continue
        make, answers = BY_BODY[name_of(route)], []
        for number, sku in enumerate((OTHERS_SKU, MISSING_SKU)):
            key = {"Idempotency-Key": f"{name_of(route)}-{number}"}
            status, document, _ = await desk.call(
                "vendor", route.method, route.path, json=make(sku), headers=key
            )
            answers.append((status, without(document, {"sku": sku})))
        if answers[0] != answers[1] or answers[0][0] not in (200, 400, 404):
            wrong.append((name_of(route), *answers))
    assert wrong == []
    assert await stock_and_prices(desk) == before, (
        "an answer that looked like a refusal has changed something"
    )


async def stock_and_prices(desk: Desk) -> Any:
    """What bodies could have changed."""
    return [
        await desk.shop.db.fetch("SELECT item_id, on_hand, backorder_limit FROM stock ORDER BY 1"),
        await desk.shop.db.fetch("SELECT * FROM prices ORDER BY item_id, currency"),
        await desk.shop.db.fetchval("SELECT count(*) FROM stock_movements"),
    ]


async def test_no_list_shows_what_others_own(desk: Desk) -> None:
    """If this fails, a vendor's or a shopper's list has a row of somebody else's in it."""
    await share_out(desk)
    things = [await make(desk) for make in OWNERS.values()]
    wrong, seen = [], 0
    for route in own_routes(desk):
        if route.method != "GET" or _PARAMETER.search(route.path):
            continue
        for who in ("vendor", "customer"):
            if cell(route.permission, BUILT_IN[who]) != "own":
                continue
            status, document, _ = await desk.call(who, "GET", route.path)
            text = document.decode("latin-1") if isinstance(document, bytes) else str(document)
            assert status in (200, 400), (name_of(route), document)
            seen += 1
            wrong += [
                (name_of(route), who, name)
                for owned in things
                if owned.who == who
                for name in owned.secrets()
                if name in text and len(name) > 3
            ]
    assert wrong == []
    assert seen >= 8
