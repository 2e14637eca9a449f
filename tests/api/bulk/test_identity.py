"""Export, import, export: the same catalogue."""

import asyncpg

from tests.api.bulk.conftest import Desk, rows_of, sheet, versions


async def empty(desk: Desk) -> None:
    """Takes all products out of the shop."""
    await desk.shop.db.execute(
        """TRUNCATE products, variants, prices, product_categories, categories, stock_movements, gate_suspects, bulk_jobs,
           location_stock, stock_policies, stock_counts, stock_feed CASCADE"""
    )
    await desk.shop.db.execute("DELETE FROM stock WHERE kind = 'variant'")


async def test_an_export_imported_into_an_empty_shop_is_the_same_catalogue(desk: Desk) -> None:
    """If this fails, a shop that moves, or that is put back from its file, is another shop."""
    await desk.shop.db.execute(
        """UPDATE products SET title = '=1+1', vendor = ' two blanks ', description = E'line\r\n"quoted", \\\\ end',
                  tags = ARRAY['a,b', 'c\\d', ' e', '-f'], attributes = '{"size": "=x", "note": " y", "empty": ""}',
                  images = '[{"url": "https://images.test/a.jpg", "alt": "two\\nlines"}, {"url": "https://images.test/b.jpg"}]'
           WHERE slug = 'tee-black'"""
    )
    await desk.shop.db.execute(
        "UPDATE products SET status = 'archived', archived_at = now() WHERE slug = 'mug-classic'"
    )
    first = await desk.export()
    assert len(rows_of(first)) == await desk.shop.db.fetchval("SELECT count(*) FROM variants")
    assert b",=1+1" not in first
    await empty(desk)
    job = await desk.take(first)
    assert (job["status"], job["rows_failed"], job["rows_done"]) == ("done", 0, len(rows_of(first))), job
    assert await desk.export() == first
    assert await desk.shop.db.fetchval("SELECT status FROM products WHERE slug = 'mug-classic'") == "archived"


async def test_an_archived_variant_is_exported_and_imported_as_one(desk: Desk) -> None:
    """If this fails, a shop that is put back from its file lost what old orders name, or sells what was taken out of sale."""
    archived = "SELECT archived_at IS NOT NULL FROM variants WHERE sku = 'TEE-BLACK-M'"
    await desk.shop.db.execute("UPDATE variants SET archived_at = now() WHERE sku = 'TEE-BLACK-M'")
    first = await desk.export()
    assert {row["sku"]: row["archived"] for row in rows_of(first)}["TEE-BLACK-M"] == "yes"
    assert sum(row["archived"] == "yes" for row in rows_of(first)) == 1
    assert b"TEE-BLACK-M" not in await desk.export(format="shopify", currency="EUR")
    await empty(desk)
    assert (await desk.take(first))["rows_failed"] == 0
    assert await desk.export() == first
    assert await desk.shop.db.fetchval(archived)
    for columns, cells, is_archived in (
        ("slug,sku,weight_g", "tee-black,TEE-BLACK-M,7", True),
        ("slug,sku,archived", "tee-black,TEE-BLACK-M,", True),
        ("slug,sku,archived", "tee-black,TEE-BLACK-M,no", False),
    ):
        assert (await desk.take(sheet(columns, cells)))["rows_failed"] == 0
        assert await desk.shop.db.fetchval(archived) == is_archived, cells


async def test_a_file_over_the_catalogue_it_came_from_changes_nothing(desk: Desk) -> None:
    """If this fails, a file that was only looked at makes every quote stale and empties every cache."""
    heard: list[str] = []
    listener = await asyncpg.connect(desk.shop.settings.database_url)
    await listener.add_listener("catalog", lambda *said: heard.append(said[3]))
    before = await versions(desk.shop)
    file = await desk.export()
    job = await desk.take(file)
    assert (job["status"], job["problems"]) == ("done", 0)
    assert not any(job["written"].values()), job["written"]
    assert await versions(desk.shop) == before
    await listener.execute("SELECT 1")
    assert heard == []
    await listener.close()
