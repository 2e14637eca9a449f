"""The OpenAPI document of the shop as it serves."""

from tests.shop import TestShop


async def test_the_document_describes_every_route_that_serves(shop: TestShop) -> None:
    """If this fails, /openapi.json is a 500, or a client is generated without a route that is there."""
    status, document, _ = await shop.call("GET", "/openapi.json")
    assert status == 200, document
    assert document["openapi"] == "3.1.0"
    described = {(method, path) for path, methods in document["paths"].items() for method in methods}
    serving = {
        (route.method.lower(), route.resource.canonical)
        for route in shop.app.router.routes()
        if route.resource is not None and route.method in ("GET", "POST", "PUT", "DELETE", "PATCH")
    }
    assert described == serving - {("get", "/docs/{file}")}
