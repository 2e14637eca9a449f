"""Pictures over HTTP: addresses for uploads, and what shoppers get from a CDN."""

from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from checkout.app import PARTS
from tests.api.accounts.conftest import People
from tests.api.products.conftest import PRODUCTS, Desk
from tests.shop import Stores, running

PICTURE = "https://pictures.example/products/1.jpg"


async def test_without_a_store_uploads_are_off(desk: Desk) -> None:
    """If this fails, an admin's client is given an address that leads nowhere."""
    made = await desk.make(images=[{"url": PICTURE, "alt": "A scarf"}])
    body = {"content_type": "image/png", "bytes": 10}
    status, problem, _ = await desk.call("POST", f"{PRODUCTS}/{made['id']}/images/uploads", body)
    assert (status, problem["code"]) == (409, "uploads_off")
    _, shown, _ = await desk.shop.call("GET", "/v1/products/scarf")
    assert shown["images"] == [{"url": PICTURE, "alt": "A scarf"}]


async def test_uploads_go_past_the_shop_and_pictures_come_from_the_cdn(stores: Stores) -> None:
    """If this fails, a vendor uploads into another's product, or shoppers load full-size pictures from the origin."""
    taken: dict[str, tuple[bytes, str]] = {}

    async def put(request: web.Request) -> web.Response:
        """A store that keeps what it is sent."""
        taken[request.path] = (await request.read(), request.headers["Content-Type"])
        assert request.query["X-Amz-SignedHeaders"] == "content-length;content-type;host"
        return web.Response()

    bucket = web.Application()
    bucket.router.add_put("/{path:.*}", put)
    runner = web.AppRunner(bucket)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    settings = await stores.fresh_settings(
        cdn_url="https://cdn.example/{width}{path}",
        s3_endpoint=f"http://127.0.0.1:{port}",
        s3_bucket="shop",
        s3_access_key="id",
        s3_secret_key="a secret",
        s3_public_url="https://pictures.example",
    )
    try:
        async with running(settings) as shop:
            people = People(shop, shop.app[PARTS].auth)
            for role in ("admin", "vendor"):
                await people.add(f"{role}@example.com", role)
            desk = Desk(people)
            made = await desk.make("mine", who="vendor")
            body = {"content_type": "image/jpeg", "bytes": 5}
            path = f"{PRODUCTS}/{made['id']}/images/uploads"
            upload = await desk.ok("POST", path, body, who="vendor")
            assert (await desk.call("POST", path, body, who="other"))[0] == 404
            assert (await desk.call("POST", path, body | {"content_type": "text/html"}))[0] == 400
            assert (await desk.call("POST", path, body | {"bytes": 10**9}))[0] == 400
            async with (
                aiohttp.ClientSession() as client,
                client.put(
                    upload["url"], data=b"12345", headers={"Content-Type": upload["headers"]["Content-Type"]}
                ) as answer,
            ):
                assert answer.status == 200
            name = urlsplit(upload["image_url"]).path
            assert taken == {f"/shop{name}": (b"12345", "image/jpeg")}
            assert "secret" not in str(upload)
            images = [{"url": upload["image_url"]}, {"url": "https://elsewhere.example/2.jpg"}]
            await desk.ok("PATCH", f"{PRODUCTS}/{made['id']}", {"images": images}, who="vendor")
            _, shown, _ = await shop.call("GET", "/v1/products/mine")
            first, second = shown["images"]
            assert first["widths"]["320"] == f"https://cdn.example/320{name}"
            assert second == {"url": "https://elsewhere.example/2.jpg", "alt": ""}
            _, listed, _ = await shop.call("GET", "/v1/products?q=mine")
            assert listed["items"][0]["image"]["widths"]["160"] == f"https://cdn.example/160{name}"
    finally:
        await runner.cleanup()
