"""Typed attributes: defined once, held to by every product."""

import json
from typing import Any

import msgspec

from checkout.attributes import shape
from tests.api.products.conftest import PRODUCTS, Desk

ATTRIBUTES = "/v1/admin/attributes"


async def define(desk: Desk, name: str, kind: str, **more: Any) -> Any:
    """An attribute."""
    return await desk.ok("POST", ATTRIBUTES, {"name": name, "type": kind, **more})


async def test_products_keep_to_the_definitions(desk: Desk) -> None:
    """If this fails, filters show `1.50`, `1.5` and `one and a half` as three sizes."""
    await define(desk, "length", "number", unit="m")
    await define(desk, "washable", "boolean")
    await define(desk, "wool", "enum", options=["merino", "lambswool"])
    made = await desk.make(
        attributes={"length": "01.50", "washable": "true", "wool": "merino", "free": "as it is"}
    )
    assert made["attributes"] == {"length": "1.5", "washable": "true", "wool": "merino", "free": "as it is"}
    one = f"{PRODUCTS}/{made['id']}"
    for name, value in (("length", "long"), ("length", "1e3"), ("washable", "yes"), ("wool", "steel")):
        status, problem, _ = await desk.call("PATCH", one, {"attributes": {name: value}})
        assert (status, problem["errors"][0]["field"]) == (400, f"attributes.{name}"), (name, value)
    assert (await desk.ok("PATCH", one, {"attributes": {"length": "-0.0"}}))["attributes"] == {"length": "0"}


async def test_a_later_definition_holds_up_no_other_edit(desk: Desk) -> None:
    """If this fails, defining an attribute makes every older product uneditable until someone mends it."""
    made = await desk.make(attributes={"size": "huge"})
    await define(desk, "size", "enum", options=["S", "M"])
    one = f"{PRODUCTS}/{made['id']}"
    changed = await desk.ok("PATCH", one, {"title": "Another"})
    assert changed["attributes"] == {"size": "huge"}
    assert (await desk.call("PATCH", one, {"attributes": {"size": "larger"}}))[0] == 400
    assert (await desk.ok("PATCH", one, {"attributes": {"size": "M"}}))["attributes"] == {"size": "M"}


async def test_definitions_are_edited_by_version(desk: Desk) -> None:
    """If this fails, two admins overwrite each other's definition."""
    made = await define(desk, "battery life", "number", unit="h", facet=False)
    msgspec.json.decode(json.dumps(made), type=shape.AdminAttribute)
    path = f"{ATTRIBUTES}/battery%20life"
    changed = await desk.ok("PUT", path, {"type": "number", "unit": "min"}, version=1)
    assert (changed["unit"], changed["facet"], changed["version"]) == ("min", True, 2)
    assert (await desk.call("PUT", path, {"type": "text"}, version=1))[1]["code"] == "stale_version"
    assert (await desk.call("POST", ATTRIBUTES, {"name": "battery life", "type": "text"}))[1][
        "code"
    ] == "attribute_taken"
    for body in (
        {"type": "enum"},
        {"type": "text", "options": ["a"]},
        {"type": "enum", "options": ["a", "a"]},
        {"type": "text", "unit": "m"},
        {"type": "colour"},
    ):
        assert (await desk.call("PUT", path, body))[0] == 400, body
    page = await desk.ok("GET", ATTRIBUTES)
    msgspec.json.decode(json.dumps(page), type=shape.AdminAttributes)
    assert [item["name"] for item in page["items"]] == ["battery life"]
    assert (await desk.call("DELETE", path, version=1))[0] == 412
    assert (await desk.call("DELETE", path, version=2))[0] == 204
    assert (await desk.call("GET", path))[0] == 404
    assert (await desk.call("GET", f"{ATTRIBUTES}/%00"))[0] == 404
    assert [entry[0] for entry in await desk.log("battery life")] == [
        "attribute.create", "attribute.edit", "attribute.delete",
    ]  # fmt: skip
    assert (await desk.call("POST", ATTRIBUTES, {"name": "x", "type": "text"}, who="vendor"))[0] == 403
