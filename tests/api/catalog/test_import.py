"""Shopify's real exports and our sample, imported into a database."""

import csv
import os
from pathlib import Path

import pytest

from checkout.catalog.import_shopify import import_shopify, write_report
from tests.api.catalog.conftest import Shelf

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("CHECKOUT_TEST_DATA") or ROOT.parent / "shared" / "data")
SAMPLE = ROOT / "tests" / "unit" / "catalog" / "sample.csv"
WHOLE = {"apparel.csv": (20, 22), "home-and-garden.csv": (20, 21), "jewelery.csv": (20, 23)}


@pytest.mark.parametrize("name", WHOLE)
async def test_a_real_export_comes_in_whole(shelf: Shelf, name: str) -> None:
    """If it fails, a shop that moves here loses products, variants, prices or stock."""
    file = DATA / "shopify-csv" / name
    if not file.exists():
        pytest.skip("the real exports are not on this machine; set CHECKOUT_TEST_DATA")
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = [row for row in csv.DictReader(lines) if row["Variant Price"]]
    steps: list[tuple[int, int]] = []
    report = await import_shopify(
        shelf.db, file, currency="USD", progress=lambda done, of: steps.append((done, of))
    )
    assert (report.products, report.variants) == WHOLE[name] == (len({r["Handle"] for r in rows}), len(rows))
    assert (report.skipped, report.errors) == (0, 0)
    assert steps[-1] == (report.rows, report.rows)
    stored = await shelf.db.fetchrow(
        """SELECT sum(r.amount_minor) AS prices, sum(s.on_hand) AS units
           FROM products p JOIN variants v ON v.product_id = p.id JOIN stock s USING (item_id)
           JOIN prices r ON r.item_id = v.item_id AND r.currency = 'USD' WHERE p.slug = ANY ($1)""",
        sorted({row["Handle"] for row in rows}),
    )
    assert stored["prices"] == sum(round(float(row["Variant Price"]) * 100) for row in rows)
    assert stored["units"] == sum(int(row["Variant Inventory Qty"] or 0) for row in rows)
    again = await import_shopify(shelf.db, file, currency="USD")
    assert again.written.changed_nothing


async def test_what_is_wrong_is_reported_by_row(shelf: Shelf, tmp_path: Path) -> None:
    """If it fails, an admin cannot find the rows to mend."""
    report = await import_shopify(shelf.db, SAMPLE, currency="EUR")
    assert (report.rows, report.products, report.skipped) == (9, 3, 3)
    write_report(report, tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [int(row["row"]) for row in rows] == sorted(int(row["row"]) for row in rows)
    assert {"row": "6", "column": "Variant Price", "severity": "error"}.items() <= next(
        row for row in rows if row["row"] == "6"
    ).items()


async def test_a_sku_of_another_product_keeps_only_that_product_out(shelf: Shelf, tmp_path: Path) -> None:
    """If it fails, an import takes over another product's SKU, or one clash stops the file."""
    file = tmp_path / "clash.csv"
    file.write_text("Handle,Title,Variant SKU,Variant Price\nmine,Mine,TEE-BLACK-M,5\nfine,Fine,FINE-1,5\n")
    report = await import_shopify(shelf.db, file, currency="EUR")
    assert (report.products, report.skipped) == (1, 1)
    assert "TEE-BLACK-M" in report.problems[0].message
    assert await shelf.db.fetchval("SELECT count(*) FROM products WHERE slug = 'mine'") == 0
