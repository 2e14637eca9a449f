"""The catalogue over HTTP: lists, pages, facets, products, what a CDN and a browser are told."""

import gzip

import orjson
import pytest

from checkout.catalog import documents
from checkout.search import shape
from tests.api.catalog.conftest import Shelf


async def test_a_product_is_found_by_slug_and_by_id(shelf: Shelf) -> None:
    """If it fails, a storefront shows no product page."""
    by_slug = await shelf.read("/v1/products/tee-black")
    assert by_slug == await shelf.read(f"/v1/products/{by_slug['id']}")
    medium = next(v for v in by_slug["variants"] if v["sku"] == "TEE-BLACK-M")
    assert medium["prices"] == {"EUR": 1990, "USD": 2190}
    assert medium["availability"] == {"status": "in_stock", "available": 10_000, "orderable": 10_000}
    assert [c["slug"] for c in by_slug["categories"]] == ["tees"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/products/tee-black", documents.Product),
        ("/v1/products?limit=100", shape.Listing),
        ("/v1/categories", documents.Categories),
        ("/v1/skus/MUG-CLASSIC/availability", documents.SkuAvailability),
    ],
)
async def test_documents_are_as_described(shelf: Shelf, path: str, kind: type) -> None:
    """If it fails, the OpenAPI document says something else than the shop."""
    import msgspec  # one use

    _, body, _ = await shelf.get(path)
    msgspec.json.decode(body, type=kind)


@pytest.mark.parametrize("sort", ["newest", "title", "price&currency=EUR", "-price&currency=USD"])
async def test_pages_are_whole_in_every_order(shelf: Shelf, sort: str) -> None:
    """If it fails, paging shows a product twice or never."""
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = await shelf.read(
            f"/v1/products?sort={sort}&limit=37" + (f"&cursor={cursor}" if cursor else "")
        )
        seen += page["items"]
        cursor, pages = page["next_cursor"], pages + 1
    assert pages == 6
    assert len({item["id"] for item in seen}) == len(seen) == page["total"] == 210
    if sort == "title":
        assert [i["title"].lower() for i in seen] == sorted(i["title"].lower() for i in seen)
    if "price" in sort:
        lowest = [item["prices"][sort[-3:]]["from"] for item in seen]
        assert lowest == sorted(lowest, reverse=sort.startswith("-"))


async def test_a_page_stays_whole_while_products_come_and_go(shelf: Shelf) -> None:
    """If it fails, a product published while someone leafs shifts the pages."""
    first = await shelf.read("/v1/products?limit=50")
    last_id = first["items"][-1]["id"]
    await shelf.db.execute(
        "UPDATE products SET status = 'archived', archived_at = now() WHERE id = $1", last_id
    )
    second = await shelf.read(f"/v1/products?limit=50&cursor={first['next_cursor']}")
    assert not {i["id"] for i in first["items"]} & {i["id"] for i in second["items"]}
    assert len(second["items"]) == 50


async def test_filters_and_facets_agree(shelf: Shelf) -> None:
    """If it fails, a facet promises more or fewer products than its filter shows."""
    everything = (await shelf.read("/v1/products?limit=1"))["facets"]
    for category in everything["categories"]:
        assert (await shelf.read(f"/v1/products?category={category['slug']}"))["total"] == category["count"]
    for tag in everything["tags"]:
        assert (await shelf.read(f"/v1/products?tag={tag['value']}"))["total"] == tag["count"]
    for name in ("size", "material"):
        for value in everything["attributes"][name]:
            found = await shelf.read(f"/v1/products?attr.{name}={value['value'].replace(' ', '+')}")
            assert found["total"] == value["count"], value
    both = await shelf.read("/v1/products?category=clothing&attr.size=M&tag=winter&limit=100")
    assert both["items"]
    assert all("winter" in item["tags"] for item in both["items"])
    assert (await shelf.read("/v1/products?category=nothing"))["total"] == 0


async def test_words_skus_and_barcodes_are_found(shelf: Shelf) -> None:
    """If it fails, shoppers do not find what is there; or a percent sign finds everything."""
    assert "mug-classic" in {i["slug"] for i in (await shelf.read("/v1/products?q=classic+MUG"))["items"]}
    barcode = await shelf.db.fetchval("SELECT barcode FROM variants WHERE sku = 'POSTER-LAUNCH'")
    for query in ("POSTER-LAUNCH", barcode):
        assert [i["slug"] for i in (await shelf.read(f"/v1/products?q={query}"))["items"]] == [
            "poster-launch"
        ]
    assert (await shelf.read("/v1/products?q=%25"))["total"] == 0


async def test_a_known_document_is_not_sent_again(shelf: Shelf) -> None:
    """If it fails, every visit costs the whole page; or an old page is taken for the new one."""
    status, body, headers = await shelf.get("/v1/products/tee-black")
    assert status == 200
    for known in (headers["ETag"], f"W/{headers['ETag']}", f'"x", {headers["ETag"]}', "*"):
        status, nothing, again = await shelf.get("/v1/products/tee-black", If_None_Match=known)
        assert (status, nothing, again["ETag"]) == (304, b"", headers["ETag"])
        assert again["Cache-Control"] == headers["Cache-Control"]
        assert "Content-Length" not in again
    status, again_body, _ = await shelf.get("/v1/products/tee-black", If_None_Match='"other"')
    assert (status, again_body) == (200, body)
    async with shelf.client.head(shelf.front.url + "/v1/products/tee-black") as head:
        assert (head.status, await head.read()) == (200, b"")
        assert int(head.headers["Content-Length"]) > 0


async def test_gzip_is_sent_to_who_takes_it(shelf: Shelf) -> None:
    """If it fails, phones load three times the bytes, or a client gets bytes that it cannot read."""
    _, plain, headers = await shelf.get("/v1/products?limit=50")
    assert "Content-Encoding" not in headers
    _, packed, packed_headers = await shelf.get("/v1/products?limit=50", Accept_Encoding="br, gzip;q=0.8")
    assert packed_headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
    assert len(packed) * 3 < len(plain)
    assert packed_headers["ETag"] != headers["ETag"]
    assert "Accept-Encoding" in packed_headers["Vary"]
    _, _, refused = await shelf.get("/v1/products?limit=50", Accept_Encoding="gzip;q=0, identity")
    assert "Content-Encoding" not in refused


async def test_a_cdn_is_told_what_it_may_keep_and_purge_by(shelf: Shelf) -> None:
    """If it fails, a CDN serves old prices, or every shopper reaches the origin."""
    _, body, headers = await shelf.get("/v1/products/tee-black")
    product = orjson.loads(body)["id"]
    assert headers["Cache-Control"].startswith("public, max-age=5, s-maxage=30, stale-while-revalidate=60")
    assert headers["Surrogate-Key"] == headers["Cache-Tag"] == f"product-{product}"
    for name in ("X-Request-Id", "X-Content-Type-Options", "RateLimit", "Date"):
        assert name in headers, name
    _, _, listed = await shelf.get("/v1/products?limit=3")
    assert len(listed["Surrogate-Key"].split()) == 4


async def test_availability_follows_the_stock(shelf: Shelf) -> None:
    """If it fails, a sold-out article is shown as in stock for longer than a second."""
    assert (await shelf.read("/v1/skus/POSTER-LAUNCH/availability"))["available"] == 100
    await shelf.db.execute(
        "UPDATE stock SET reserved = 100 WHERE item_id = (SELECT item_id FROM variants WHERE sku = 'POSTER-LAUNCH')"
    )
    shelf.front.cache.memory.entries["availability/POSTER-LAUNCH"].fresh_until = 0
    assert (await shelf.read("/v1/skus/POSTER-LAUNCH/availability"))["status"] == "out_of_stock"


async def test_barcodes_are_drawn(shelf: Shelf) -> None:
    """If it fails, labels cannot be printed."""
    status, body, headers = await shelf.get("/v1/skus/MUG-CLASSIC/barcode.svg")
    assert (status, headers["Content-Type"]) == (200, "image/svg+xml")
    assert b"<svg" in body


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/products/nothing-here", 404, "not_found"),
        ("/v1/products/%00", 404, "not_found"),
        ("/v1/products/" + "x" * 300, 404, "not_found"),
        ("/v1/products/00000000-0000-7000-8000-000000000000", 404, "not_found"),
        ("/v1/skus/NOPE/availability", 404, "not_found"),
        ("/v1/skus/%F0%9F%98%80/barcode.svg", 404, "not_found"),
        ("/v1/products?limit=0", 400, "invalid"),
        ("/v1/products?colour=red", 400, "invalid"),
        ("/v1/products?cursor=zzz", 400, "invalid"),
        ("/v1/products?q=%FF", 400, "invalid"),
    ],
)
async def test_refusals_are_problem_documents(shelf: Shelf, path: str, status: int, code: str) -> None:
    """If it fails, a client cannot tell what is wrong, or a guess costs a 500."""
    got, body, headers = await shelf.get(path)
    assert (got, headers["Content-Type"]) == (status, "application/problem+json")
    assert orjson.loads(body)["code"] == code


async def test_guesses_reach_postgres_once(shelf: Shelf) -> None:
    """If it fails, a crawler of made-up addresses is a load on the database."""
    for _ in range(20):
        await shelf.get("/v1/products/nothing-here")
    assert shelf.front.cache.stats().loads == 1
