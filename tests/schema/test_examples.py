"""The bodies that the API's document shows as examples."""

import copy
import re
from typing import Any

import msgspec
import orjson

from checkout.app import ROUTES
from checkout.edge.examples import EXAMPLES
from tests.shop import TestShop


def asked_for(shop: TestShop) -> dict[str, Any]:
    """The type of the body of each route that takes JSON."""
    return {
        f"{route.method} {route.path}": route.request
        for route in shop.app[ROUTES]
        if route.request is not None
    }


async def test_every_route_that_takes_json_shows_a_body_that_fits(shop: TestShop) -> None:
    """If this fails, the document shows no body to begin from, or one that is refused: mend `checkout/edge/examples.py`."""
    wanted = asked_for(shop)
    assert wanted.keys() - EXAMPLES.keys() == set(), "these have no example"
    assert EXAMPLES.keys() - wanted.keys() == set(), "these routes are gone"
    for label, kind in wanted.items():
        if not isinstance(kind, dict):
            msgspec.json.decode(orjson.dumps(EXAMPLES[label]), type=kind)
    _, document, _ = await shop.call("GET", "/openapi.json")
    for label in wanted:
        method, path = label.split(" ")
        shown = document["paths"][re.sub(r":[^{}]*(\{[^{}]*\})?[^{}]*\}", "}", path)][method.lower()]
        body = shown["requestBody"]["content"]["application/json"]
        assert body["examples"]["works"]["value"] == EXAMPLES[label]


async def test_a_field_that_the_example_has_not_is_refused(shop: TestShop) -> None:
    """If this fails, a misspelt field is taken for granted, and a client never learns that it does nothing."""
    lenient = []
    for label, kind in asked_for(shop).items():
        if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
            continue  # a provider's own document
        body = copy.deepcopy(EXAMPLES[label]) | {"no_such_field": 1}
        try:
            msgspec.json.decode(orjson.dumps(body), type=kind)
        except msgspec.ValidationError:
            continue
        lenient.append(label)
    assert lenient == []
