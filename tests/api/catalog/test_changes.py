"""Changes of the catalogue: seen by every process in time, by offers, and never half."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from checkout.catalog import store
from checkout.catalog.archive import archive
from checkout.catalog.demo import seed_demo
from checkout.catalog.model import Price, ProductDraft, VariantDraft
from checkout.catalog.offers import Offers
from checkout.catalog.publish import publish
from checkout.catalog.write import set_prices, upsert_products
from config import limits
from tests.api.catalog.conftest import Shelf

ROOT = Path(__file__).parents[3]


async def price_at(client: aiohttp.ClientSession, url: str) -> Any:
    async with client.get(
        url + "/v1/products/mug-classic", headers={"Accept-Encoding": "identity"}
    ) as answer:
        document = await answer.json()
        return document["variants"][0]["prices"]["EUR"]


async def test_another_process_sees_a_change_in_time(shelf: Shelf, tmp_path: Path) -> None:
    """If it fails, one process of a node sells at yesterday's price."""
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.api.catalog.front", shelf.database_url, shelf.gate_url, str(tmp_path / "other"),
        cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert other.stdout is not None
    assert other.stdin is not None
    try:
        there = (await asyncio.wait_for(other.stdout.readline(), 20)).decode().strip()
        waits = []
        for price in range(1300, 1310):
            for url in (there, shelf.front.url):
                assert await price_at(shelf.client, url)
            await set_prices(shelf.db, {"MUG-CLASSIC": {"EUR": Price(price)}})
            changed = time.monotonic()
            for url in (there, shelf.front.url):
                while await price_at(shelf.client, url) != price:
                    assert time.monotonic() - changed < 5, "never seen"
                    await asyncio.sleep(0.002)
            waits.append(time.monotonic() - changed)
        assert max(waits) <= limits.INVALIDATION_MAX_S, waits
    finally:
        other.stdin.close()
        await asyncio.wait_for(other.wait(), 10)


async def test_a_product_off_sale_is_gone_everywhere(shelf: Shelf) -> None:
    """If it fails, an archived product can still be seen, or bought."""
    product = await shelf.db.fetchval("SELECT id FROM products WHERE slug = 'mug-classic'")
    offers = Offers(lambda skus, currency: store.offers(shelf.front.pool, skus, currency))
    before = (await offers.get_many(["MUG-CLASSIC"], "EUR"))["MUG-CLASSIC"]
    assert (await shelf.get("/v1/products/mug-classic"))[0] == 200
    assert await archive(shelf.db, [product]) == [product]
    assert await archive(shelf.db, [product]) == []
    offers.invalidate(str(product))
    await asyncio.sleep(limits.INVALIDATION_MAX_S)
    assert await offers.get_many(["MUG-CLASSIC"], "EUR") == {}
    for path in ("/v1/products/mug-classic", "/v1/skus/MUG-CLASSIC/availability"):
        assert (await shelf.get(path))[0] == 404
    assert (await shelf.read("/v1/products?q=classic+mug"))["total"] == 0
    await publish(shelf.db, [product])
    offers.invalidate(str(product))
    await asyncio.sleep(limits.INVALIDATION_MAX_S)
    assert (await shelf.get("/v1/products/mug-classic"))[0] == 200
    assert (await offers.get_many(["MUG-CLASSIC"], "EUR"))["MUG-CLASSIC"].offer_version > before.offer_version


async def test_offers_are_of_published_prices_of_that_currency(shelf: Shelf) -> None:
    """If it fails, a draft is sold, or a price of another currency is charged."""
    draft = ProductDraft("draft", "Draft", (VariantDraft("DRAFT-1", {"EUR": Price(5)}),), status="draft")
    await upsert_products(shelf.db, [draft])
    found = await store.offers(shelf.front.pool, ["DRAFT-1", "TEE-BLACK-M"], "EUR")
    assert [(o.sku, o.unit_minor, o.currency, o.title) for o in found] == [
        ("TEE-BLACK-M", 1990, "EUR", "Black T-shirt – M")
    ]
    assert await store.offers(shelf.front.pool, ["TEE-BLACK-M"], "GBP") == []


async def test_pages_of_offers_are_what_is_offered(shelf: Shelf) -> None:
    """If it fails, what a process learns ahead is not what it would have been told, or ends before the catalogue does."""
    pool = shelf.front.pool
    many = [
        ProductDraft(f"p{n}", "P", (VariantDraft(f"P-{n}", {"EUR": Price(n)}),), status="draft" if n < 220 else "published")
        for n in range(1, 260)
    ]  # fmt: skip
    await upsert_products(shelf.db, many)
    await archive(shelf.db, [await shelf.db.fetchval("SELECT id FROM products WHERE slug = 'mug-classic'")])
    skus = [row["sku"] for row in await shelf.db.fetch("SELECT sku FROM variants ORDER BY item_id")]
    for currency in ("EUR", "USD", "XXX"):
        found, pages, after = [], 0, 0
        while after is not None:
            page, after = await store.offers_after(pool, after, currency)
            found += page
            pages += 1
        told = await store.offers(pool, skus, currency)
        assert found == sorted(told, key=lambda offer: offer.item_id)
        assert pages >= (4 if currency == "EUR" else 1)
        assert bool(told) == (currency != "XXX")


async def test_a_variant_just_made_has_the_first_version_an_older_one_the_next(shelf: Shelf) -> None:
    """If it fails, an import writes each new stock row thrice, or a new price leaves an open quote of the old one good."""
    version = "SELECT offer_version FROM stock JOIN variants USING (item_id) WHERE sku = $1"
    new = ProductDraft("new", "New", (VariantDraft("NEW-1", {"EUR": Price(5), "USD": Price(6)}, on_hand=3),))
    async with shelf.db.transaction():
        await upsert_products(shelf.db, [new])
        before = await shelf.db.fetchval(version, "TEE-BLACK-M")
        await set_prices(shelf.db, {"TEE-BLACK-M": {"EUR": Price(7)}})
        assert await shelf.db.fetchval(version, "TEE-BLACK-M") == before + 1
        assert await shelf.db.fetchval(version, "NEW-1") == 1
    await set_prices(shelf.db, {"NEW-1": {"EUR": Price(8)}})
    assert await shelf.db.fetchval(version, "NEW-1") == 2
    await set_prices(shelf.db, {"NEW-1": {"GBP": Price(9)}})
    assert await shelf.db.fetchval(version, "NEW-1") == 3
    prices = (
        "SELECT currencies, lowest FROM product_search JOIN products ON id = product_id WHERE slug = 'new'"
    )
    assert tuple(await shelf.db.fetchrow(prices)) == (["EUR", "GBP", "USD"], [8, 9, 6])


async def test_the_demo_changes_nothing_the_second_time(shelf: Shelf) -> None:
    """If it fails, every start of the demo makes open quotes stale or adds stock."""
    state = "SELECT sum(on_hand), sum(offer_version), count(*) FROM stock"
    before = tuple(await shelf.db.fetchrow(state))
    assert (await seed_demo(shelf.db)).changed_nothing
    assert tuple(await shelf.db.fetchrow(state)) == before


async def test_stock_is_what_the_ledger_says(shelf: Shelf) -> None:
    """If it fails, the catalogue puts units on the shelf that no receipt accounts for."""
    wrong = await shelf.db.fetch(
        """SELECT s.item_id FROM stock s LEFT JOIN stock_ledger l USING (item_id)
           WHERE s.kind = 'variant' GROUP BY s.item_id, s.on_hand HAVING s.on_hand <> coalesce(sum(l.on_hand_delta), 0)"""
    )
    assert wrong == []


async def test_without_the_gate_the_catalogue_stays_open(shelf: Shelf) -> None:
    """If it fails, losing Redis takes the shop window down."""
    await shelf.front.lane.close()
    assert (await shelf.get("/v1/products/tee-black"))[0] == 200
    await set_prices(shelf.db, {"TEE-BLACK-M": {"EUR": Price(2100)}})
    await asyncio.sleep(limits.INVALIDATION_MAX_S)
    assert b"2100" in (await shelf.get("/v1/products/tee-black"))[1]
