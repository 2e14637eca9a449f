"""Products over HTTP: made, found, changed, each by whom it may be, and what the storefront says of it."""

import asyncio
import json
import uuid
from typing import Any

import msgspec
import pytest

from checkout.products import shape
from tests.api.products.conftest import PRODUCTS, Desk


async def test_a_product_is_made_read_changed_and_sold(desk: Desk) -> None:
    """If this fails, nobody can bring a product into the shop and sell it."""
    made = await desk.make(tags=["wool"], categories=["clothing"], attributes={"material": "wool"})
    assert (made["version"], made["status"], made["categories"]) == (1, "published", ["clothing"])
    status, read, headers = await desk.call("GET", f"{PRODUCTS}/{made['id']}")
    assert (status, read, headers["ETag"]) == (200, made, '"1"')
    msgspec.json.decode(json.dumps(read), type=shape.AdminProduct)
    _, shown, _ = await desk.shop.call("GET", "/v1/products/scarf")
    assert (shown["title"], shown["variants"][0]["prices"]) == ("Scarf", {"EUR": 1500})
    changed = await desk.ok(
        "PATCH",
        f"{PRODUCTS}/{made['id']}",
        {"title": "Long scarf", "tags": [], "images": [{"url": "https://pictures.example/s.jpg"}]},
        version=1,
    )
    assert (changed["title"], changed["tags"], changed["version"]) == ("Long scarf", [], 2)
    assert changed["variants"] == made["variants"]
    again = await desk.ok("PATCH", f"{PRODUCTS}/{made['id']}", {"title": "Long scarf"}, version=2)
    assert again["version"] == 2, "nothing changed"
    await asyncio.sleep(0.2)
    _, shown, _ = await desk.shop.call("GET", "/v1/products/scarf")
    assert (shown["title"], shown["images"][0]["url"]) == ("Long scarf", "https://pictures.example/s.jpg")
    await desk.shop.quiet()
    status, answer = await desk.shop.buy(("SCARF", 2))
    assert (status, answer["order"]["lines"][0]["title"]) == (201, "Long scarf")
    log = await desk.log(made["id"])
    assert [entry[0] for entry in log] == ["product.create", "product.edit"]
    assert json.loads(log[1][1])["title"] == "Scarf"
    assert json.loads(log[1][2]) == {
        "title": "Long scarf",
        "tags": [],
        "images": [{"url": "https://pictures.example/s.jpg", "alt": ""}],
    }


async def test_putting_back_what_was_read_changes_nothing(desk: Desk) -> None:
    """If this fails, an editor who saves without a change makes quotes stale, or loses a field that it did not know."""
    made = await desk.make(
        options=None, tags=["a", "b"], attributes={"size": "L"}, description="<p>warm</p>", vendor="Knit & Co"
    )
    fields = (
        "title",
        "slug",
        "description",
        "vendor",
        "tags",
        "attributes",
        "images",
        "tax_class",
        "categories",
    )
    variant_fields = (
        "sku",
        "prices",
        "title",
        "options",
        "barcode",
        "weight_g",
        "requires_shipping",
        "backorder_limit",
    )
    body = {name: made[name] for name in fields}
    body["variants"] = [{name: v[name] for name in variant_fields} for v in made["variants"]]
    state = "SELECT sum(offer_version), sum(on_hand) FROM stock"
    before = tuple(await desk.shop.db.fetchrow(state))
    put = await desk.ok("PUT", f"{PRODUCTS}/{made['id']}", body, version=1)
    assert put == made
    assert tuple(await desk.shop.db.fetchrow(state)) == before
    assert len(await desk.log(made["id"])) == 1


async def test_words_that_change_make_no_quote_stale(desk: Desk) -> None:
    """If this fails, every mended spelling mistake sends running checkouts through another round."""
    made = await desk.make()
    version = "SELECT offer_version FROM stock JOIN variants USING (item_id) WHERE sku = 'SCARF'"
    before = await desk.shop.db.fetchval(version)
    await desk.ok("PATCH", f"{PRODUCTS}/{made['id']}", {"description": "New words", "tags": ["x"]})
    assert await desk.shop.db.fetchval(version) == before
    await desk.ok("PATCH", f"{PRODUCTS}/{made['id']}", {"title": "Other title"})
    assert await desk.shop.db.fetchval(version) > before


async def test_of_two_editors_one_is_told(desk: Desk) -> None:
    """If this fails, the second editor's save wipes out the first one's."""
    made = await desk.make()
    one = f"{PRODUCTS}/{made['id']}"
    await desk.ok("PATCH", one, {"title": "First"}, version=made["version"])
    for method, path, body in (
        ("PATCH", one, {"title": "Second"}),
        ("PATCH", f"{one}/variants/SCARF", {"prices": {"EUR": {"amount": 1}}}),
        ("POST", f"{one}/archive", None),
        ("POST", f"{one}/unpublish", None),
        ("DELETE", f"{one}/variants/SCARF", None),
    ):
        status, problem, _ = await desk.call(method, path, body, version=made["version"])
        assert (status, problem["code"]) == (412, "stale_version"), (method, path)
    assert (await desk.ok("GET", one))["title"] == "First"
    status, problem, _ = await desk.call("PATCH", one, {"title": "x"}, version='"soon"')
    assert (status, problem["code"]) == (412, "stale_version")
    await desk.ok("PATCH", one, {"title": "Any"}, version="*")


async def test_a_hundred_editors_at_once_lose_nothing(desk: Desk) -> None:
    """If this fails, of many concurrent edits some are answered 200 and are not in the product."""
    made = await desk.make()
    one = f"{PRODUCTS}/{made['id']}"

    async def append(number: int) -> int:
        """Adds a tag to those read, as an editor would, until it is in; the refusals met."""
        refused = 0
        while True:
            _, read, headers = await desk.call("GET", one)
            body = {"tags": [*read["tags"], f"t{number}"]}
            status, document, _ = await desk.call("PATCH", one, body, version=headers["ETag"])
            if status == 200:
                assert f"t{number}" in document["tags"]
                return refused
            assert status in (412, 503), document
            refused += 1
            await asyncio.sleep(0.01 * number % 0.3)

    first = await asyncio.gather(
        *(desk.call("PATCH", one, {"description": f"by {n}"}, version=1) for n in range(100))
    )
    statuses = [status for status, _, _ in first]
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 412, 503}
    refusals = await asyncio.gather(*(append(number) for number in range(20)))
    last = await desk.ok("GET", one)
    assert sorted(last["tags"]) == sorted(f"t{n}" for n in range(20))
    assert sum(refusals) > 0, "nobody met anybody: this test tests nothing"
    assert last["version"] == 22


async def test_vendors_see_and_change_their_own_alone(desk: Desk) -> None:
    """If this fails, a vendor reads or changes another's products, or learns that they exist."""
    mine = await desk.make("mine", who="vendor")
    theirs = await desk.make("theirs", who="other")
    shops = await desk.make("shops")
    assert [p["slug"] for p in (await desk.ok("GET", PRODUCTS, who="vendor"))["items"]] == ["mine"]
    assert mine["owner_id"] is not None
    for product in (theirs, shops):
        one = f"{PRODUCTS}/{product['id']}"
        for method, path, body in (
            ("GET", one, None),
            ("PATCH", one, {"title": "Taken"}),
            ("PUT", one, {"title": "x", "slug": "x", "variants": [{"sku": "X"}]}),
            ("POST", f"{one}/archive", None),
            ("POST", f"{one}/publish", {}),
            ("POST", f"{one}/unpublish", None),
            ("POST", f"{one}/variants", {"variants": [{"sku": "Y"}]}),
            ("PATCH", f"{one}/variants/{product['slug'].upper()}", {"weight_g": 1}),
            ("DELETE", f"{one}/variants/{product['slug'].upper()}", None),
        ):
            status, problem, _ = await desk.call(method, path, body, who="vendor")
            assert (status, problem["code"]) == (404, "not_found"), (method, path, problem)
    assert (await desk.ok("GET", "/v1/admin/skus?sku=THEIRS", who="vendor"))["items"] == []
    assert len((await desk.ok("GET", "/v1/admin/skus?sku=MINE", who="vendor"))["items"]) == 1
    status, problem, _ = await desk.call(
        "PATCH", f"{PRODUCTS}/{mine['id']}", {"owner_id": theirs["owner_id"]}, who="vendor"
    )
    assert (status, problem["code"]) == (403, "forbidden")
    given = await desk.ok("PATCH", f"{PRODUCTS}/{mine['id']}", {"owner_id": theirs["owner_id"]})
    assert given["owner_id"] == theirs["owner_id"]
    assert (await desk.call("GET", f"{PRODUCTS}/{mine['id']}", who="vendor"))[0] == 404
    for who, expected in (("support", 403), ("customer", 403)):
        assert (await desk.call("POST", PRODUCTS, {"title": "x", "variants": [{}]}, who=who))[0] == expected
    assert (await desk.call("GET", PRODUCTS, who="support"))[0] == 200
    assert (await desk.shop.call("GET", PRODUCTS))[0] == 401


async def test_slugs_and_skus_are_of_one_product(desk: Desk) -> None:
    """If this fails, making a product overwrites another one that had its slug or SKU."""
    made = await desk.make()
    body = {"title": "Thief", "variants": [{"sku": "THIEF"}]}
    status, problem, _ = await desk.call("POST", PRODUCTS, body | {"slug": "scarf"})
    assert (status, problem["code"]) == (409, "slug_taken")
    status, problem, _ = await desk.call("POST", PRODUCTS, body | {"slug": "scarf"}, who="vendor")
    assert (status, problem["code"]) == (409, "slug_taken")
    status, problem, _ = await desk.call(
        "POST", PRODUCTS, {"title": "Thief", "variants": [{"sku": "SCARF", "prices": {"EUR": {"amount": 1}}}]}
    )
    assert (status, problem["code"]) == (409, "sku_taken")
    other = await desk.make("other-scarf")
    status, problem, _ = await desk.call("PATCH", f"{PRODUCTS}/{other['id']}", {"slug": "scarf"})
    assert (status, problem["code"]) == (409, "slug_taken")
    status, problem, _ = await desk.call(
        "POST", f"{PRODUCTS}/{other['id']}/variants", {"variants": [{"sku": "SCARF"}]}
    )
    assert (status, problem["code"]) == (409, "sku_taken")
    assert await desk.ok("GET", f"{PRODUCTS}/{made['id']}") == made
    renamed = await desk.ok("PATCH", f"{PRODUCTS}/{other['id']}", {"slug": "new-name"})
    assert renamed["slug"] == "new-name"
    assert renamed["id"] == other["id"]
    assert (await desk.shop.call("GET", "/v1/products/new-name"))[0] == 200
    races = await asyncio.gather(
        *(desk.call("POST", PRODUCTS, {"title": f"R{n}", "variants": [{"sku": "RACE"}]}) for n in range(6)),
        *(
            desk.call("POST", PRODUCTS, {"title": "Same slug", "variants": [{"sku": f"S-{n}"}]})
            for n in range(6)
        ),
    )
    for half in (races[:6], races[6:]):
        assert sorted({status for status, _, _ in half} - {503}) == [201, 409]
        assert [status for status, _, _ in half].count(201) == 1
    assert await desk.shop.db.fetchval("SELECT count(*) FROM products WHERE slug ~ '^r[0-9]$'") == 1


async def test_lists_find_by_beginning_status_and_page(desk: Desk) -> None:
    """If this fails, an admin does not find a product among many, or pages repeat or leave out some."""
    for number in range(7):
        await desk.make(f"glove-{number}", status="draft")
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = await desk.ok(
            "GET", f"{PRODUCTS}?status=draft&limit=3" + (f"&cursor={cursor}" if cursor else "")
        )
        msgspec.json.decode(json.dumps(page), type=shape.ProductCards)
        seen += [card["slug"] for card in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [f"glove-{n}" for n in reversed(range(7))]
    for words, found in (
        ("glove-3", ["glove-3"]),
        ("GLOVE-4", ["glove-4"]),
        ("Glove-5", ["glove-5"]),
        ("TEE-BLACK-M", ["tee-black"]),
        ("love", []),
        ("%", []),
    ):
        page = await desk.ok("GET", f"{PRODUCTS}?q={words.replace('%', '%25')}")
        assert [card["slug"] for card in page["items"]] == found, words
    assert len((await desk.ok("GET", f"{PRODUCTS}?q=glove&limit=5"))["items"]) == 5


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": "x"}, "variants"),
        ({"title": "x", "variants": []}, "variants"),
        ({"title": "x", "variants": [{}], "options": {"size": ["S"]}}, "variants"),
        ({"title": "紅", "variants": [{}]}, "slug"),
        ({"title": "x", "slug": "X", "variants": [{}]}, "slug"),
        ({"title": "x", "slug": "x\n", "variants": [{}]}, "slug"),
        ({"title": "x", "variants": [{"sku": "A\n"}]}, "variants[0].sku"),
        ({"title": "x", "variants": [{"sku": "A"}, {"sku": "A"}]}, "sku"),
        ({"title": "x", "variants": [{"barcode": "4006381333932"}]}, "variants[0].barcode"),
        (
            {"title": "x", "variants": [{"prices": {"EUR": {"amount": 1.5}}}]},
            "variants[0].prices[...].amount",
        ),
        ({"title": "x", "variants": [{"prices": {"eur": {"amount": 1}}}]}, "variants[0].prices"),
        ({"title": "x", "variants": [{"on_hand": 2**63}]}, "variants[0].on_hand"),
        ({"title": "x", "variants": [{}], "categories": ["nowhere"]}, "categories"),
        ({"title": "x", "variants": [{}], "images": [{"url": "javascript:alert(1)"}]}, "images[0].url"),
        ({"title": "x", "variants": [{}], "publish_at": "9999-01-01T00:00:00Z"}, "publish_at"),
        ({"title": "x", "variants": [{}], "owner_id": str(uuid.UUID(int=7))}, "owner_id"),
        ({"title": "x", "options": {"size": ["S", "S"]}}, "options.size"),
        ({"title": "x", "options": {c: [str(n) for n in range(20)] for c in "abc"}}, "options"),
        ({"title": "x", "price": 5, "variants": [{}]}, "price"),
    ],
)
async def test_what_cannot_be_stored_is_refused_by_field(desk: Desk, body: Any, field: str) -> None:
    """If this fails, a bad product is a 500, or half of it is stored."""
    count = "SELECT count(*) FROM products"
    before = await desk.shop.db.fetchval(count)
    status, problem, _ = await desk.call("POST", PRODUCTS, body)
    assert status == 400, problem
    assert field in {error["field"] for error in problem["errors"]}, problem
    assert await desk.shop.db.fetchval(count) == before
