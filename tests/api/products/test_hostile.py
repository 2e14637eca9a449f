"""Hostile values in every field of the catalogue's admin routes: refused as documented, never a 500."""

import copy
import itertools
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.api.products.conftest import PRODUCTS, Desk

VARIANT = {
    "sku": "H-1", "prices": {"EUR": {"amount": 1, "compare_at": 2}}, "title": "t", "options": {"size": "S"},
    "barcode": "4006381333931", "weight_g": 1, "requires_shipping": True, "on_hand": 1, "backorder_limit": 1,
    "archived": False,
}  # fmt: skip
WHOLE = {
    "title": "T", "slug": "hostile", "description": "d", "vendor": "v", "tags": ["t"], "attributes": {"a": "b"},
    "images": [{"url": "https://x.example/1.jpg", "alt": "a"}], "tax_class": "standard", "categories": ["clothing"],
}  # fmt: skip
EACH = {
    "prices": {"EUR": {"amount": 1}},
    "weight_g": 1,
    "on_hand": 1,
    "backorder_limit": 1,
    "sku_prefix": "P",
}
ENTRY = {"sku": "SCARF", "currency": "EUR", "amount": 5, "compare_at": 6}
SALE = {"name": "n", "from": "2030-01-01T00:00:00Z", "until": "2031-01-01T00:00:00Z", "prices": [ENTRY]}
VALUES: list[Any] = [
    None, True, 0, -1, 2**31, 2**53, 2**63, -(2**63) - 1, 10**400, 1.5, "", " ", "\0", "x" * 5000, "a\nb", "\n", "🪑",
    "%", "'; --", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2030-01-01T00:00:00", "EUR\n", [], {}, [None], {"": ""},
    {"a": {"b": {}}}, [[[[]]]], "00000000-0000-0000-0000-000000000000",
]  # fmt: skip
EACH_PLACE = 7
RAW = [b"", b"{", b"[]", b"null", b'"x"', b'{"title":"\\ud800"}', b'{"name":"\\ud800\\ud800"}', b'{"title":"\xff"}',
       b'{"title":"a","title":"b"}', b'{"a":' * 2000, b"\x00"]  # fmt: skip


def mutations(body: Any) -> Iterator[Any]:
    """The body with each of its places replaced by some of the hostile values, all of them in turn."""
    values = itertools.cycle(VALUES)
    for path in list(_places(body)):
        for value in itertools.islice(values, EACH_PLACE):
            changed = copy.deepcopy(body)
            at = changed
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = value
            yield changed
        if isinstance(path[-1], str):
            for key in ("\n", "\0", "A", "x" * 300, "eur"):
                changed = copy.deepcopy(body)
                at = changed
                for step in path[:-1]:
                    at = at[step]
                at[key] = at.pop(path[-1])
                yield changed


def _places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    keys = body.keys() if isinstance(body, dict) else range(len(body)) if isinstance(body, list) else ()
    for key in keys:
        yield (*path, key)
        yield from _places(body[key], (*path, key))


async def documented(desk: Desk) -> dict[tuple[str, str], set[int]]:
    """(method, path) → the statuses that the OpenAPI document knows."""
    _, document, _ = await desk.shop.call("GET", "/openapi.json")
    return {
        (method.upper(), path): {int(status) for status in operation["responses"]}
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


async def test_no_value_of_any_field_is_a_500(desk: Desk) -> None:
    """If this fails, a client's slip is an alarm at night, or an answer that the document does not know."""
    known = await documented(desk)
    made = await desk.make()
    await desk.ok("POST", "/v1/admin/attributes", {"name": "a", "type": "number"})
    category = await desk.ok("POST", "/v1/admin/categories", {"name": "hostile"})
    sale = await desk.ok("POST", "/v1/admin/price-lists", SALE | {"until": "2030-02-01T00:00:00Z"})
    places = [
        ("POST", PRODUCTS, {}, WHOLE | {"variants": [VARIANT], "status": "draft", "publish_at": "2030-01-01T00:00:00Z",
                                        "owner_id": None}),
        ("POST", PRODUCTS, {}, {"title": "T", "options": {"size": ["S", "M"]}, "each": EACH}),
        ("PUT", PRODUCTS + "/{id}", {"id": made["id"]}, WHOLE | {"variants": [VARIANT]}),
        ("PATCH", PRODUCTS + "/{id}", {"id": made["id"]}, WHOLE | {"owner_id": None}),
        ("POST", PRODUCTS + "/{id}/variants", {"id": made["id"]}, {"options": {"size": ["S"]}, "each": EACH}),
        ("PATCH", PRODUCTS + "/{id}/variants/{sku}", {"id": made["id"], "sku": "SCARF"},
         {name: value for name, value in VARIANT.items() if name not in ("sku", "on_hand")}),
        ("POST", PRODUCTS + "/{id}/publish", {"id": made["id"]}, {"at": "2030-01-01T00:00:00Z"}),
        ("POST", PRODUCTS + "/{id}/images/uploads", {"id": made["id"]}, {"content_type": "image/png", "bytes": 5}),
        ("PUT", "/v1/admin/prices", {}, {"prices": [ENTRY]}),
        ("POST", "/v1/admin/price-lists", {}, SALE),
        ("PATCH", "/v1/admin/price-lists/{id}", {"id": sale["id"]}, SALE),
        ("POST", "/v1/admin/categories", {}, {"name": "n", "slug": "s", "parent": "clothing", "position": 1}),
        ("PATCH", "/v1/admin/categories/{id}", {"id": category["id"]},
         {"name": "n", "slug": "hostile", "parent": None, "position": 1}),
        ("POST", "/v1/admin/attributes", {}, {"name": "b", "type": "enum", "options": ["x"], "unit": "", "facet": True}),
        ("PUT", "/v1/admin/attributes/{name}", {"name": "a"}, {"type": "number", "unit": "m", "options": [], "facet": True}),
    ]  # fmt: skip
    wrong = []
    for method, path, names, body in places:
        bodies = [json.dumps(changed).encode() for changed in mutations(body)] + RAW
        for raw in bodies:
            status, problem, _ = await send(desk, method, path.format(**names), raw)
            if status >= 500 or status not in known[method, path]:
                wrong.append((method, path, raw[:200], status, problem))
    assert wrong == []


async def test_no_address_is_a_500(desk: Desk) -> None:
    """If this fails, a link with a slip in it is an alarm at night."""
    known = await documented(desk)
    made = await desk.make()
    texts = (
        "x",
        "\0",
        "%00",
        "é",
        "🪑",
        "a" * 3000,
        "..",
        "2" * 40,
        made["id"],
        made["id"].upper(),
        "\n",
        "'",
        "-1",
        "a b",
    )
    one = PRODUCTS + "/{id}"
    paths = [
        (method, path)
        for method, path in known
        if path.startswith((PRODUCTS, "/v1/admin/prices", "/v1/admin/price-lists", "/v1/admin/categories",
                            "/v1/admin/attributes")) and "{" in path
    ]  # fmt: skip
    assert len(paths) > 15
    wrong = []
    for method, path in paths:
        for text in texts:
            given = path.replace(one + "/", PRODUCTS + "/" + made["id"] + "/") if path != one else path
            for name in ("id", "sku", "currency", "name"):
                given = given.replace("{" + name + "}", quote(text, safe=""))
            if "/archive" in given or given.endswith("publish"):
                continue
            status, problem, _ = await send(desk, method, given, b"{}")
            if status >= 500 or (status not in known[method, path] and status not in (404, 405)):
                wrong.append((method, given[:200], status, problem))
    queries = ("limit=0", "limit=x", "limit=101", "cursor=%00", "cursor=W10", "cursor=WyJhIl0=", "cursor=WyJcdTAwMDAiXQ==",
               "cursor=WzEsImEiXQ==", "cursor=" + "A" * 3000, "q=%00", "q=" + "a" * 300, "q=%F0%9F%AA%91", "q=%ED%A0%80",
               "q=%FF", "status=nope", "sku=%00", "currency=%00", "product=x", "unknown=1", "barcode=%00",
               "q=a&q=b", "=", "&&", "q=%25_")  # fmt: skip
    for path in (PRODUCTS, "/v1/admin/skus", "/v1/admin/prices", "/v1/admin/price-lists", "/v1/admin/categories",
                 "/v1/admin/attributes"):  # fmt: skip
        for query in queries:
            status, problem, _ = await send(desk, "GET", f"{path}?{query}", b"")
            if status not in known["GET", path]:
                wrong.append(("GET", path + "?" + query[:100], status, problem))
    assert wrong == []


async def send(desk: Desk, method: str, path: str, raw: bytes) -> tuple[int, Any, Any]:
    """A call with these bytes, and the address exactly as it is given."""
    from yarl import URL

    headers = await desk.people.token("admin") | {"Content-Type": "application/json"}
    async with desk.shop.client.request(
        method, URL(desk.shop.url + path, encoded=True), data=raw, headers=headers
    ) as response:
        body = await response.read()
        return response.status, body[:300], response.headers
