"""Shopify's CSV: what is read, what is said about rows that are wrong."""

import asyncio
from pathlib import Path

import pytest

from checkout.bulk.model import Parsed
from checkout.bulk.records import Records, chunk, header
from checkout.bulk.shopify import Reading
from checkout.catalog.model import ANY_QUANTITY, Price, problems
from checkout.errors import Invalid

SAMPLE = Path(__file__).with_name("sample.csv")


def read(text: str | None = None, currency: str = "EUR") -> list[Parsed]:
    """The products of a file."""
    content = SAMPLE.read_bytes() if text is None else text.encode()

    async def piece(seq: int) -> bytes:
        return content if seq == 0 else b""

    async def work() -> list[Parsed]:
        records = Records(piece)
        names = await header(records)
        reading = Reading(names, currency)
        found = await chunk(records, names, reading.key, blank_continues=reading.blank_continues)
        assert found.is_last
        return [reading.product(group, None) for group in found.groups]

    return asyncio.run(work())


def test_a_product_with_variants_is_read_whole() -> None:
    """If it fails, a migrating shop loses variants, pictures or prices."""
    coat = read()[0].product
    assert coat is not None
    assert (coat.slug, coat.categories, coat.tags, coat.status) == (
        "rain-coat",
        ("coats",),
        ("rain", "outdoor"),
        "published",
    )
    assert coat.description == "<p>Keeps you dry.</p>"
    assert [image.url[-10:] for image in coat.images] == ["coat-m.jpg", "t/coat.jpg", "t/back.jpg"]
    small, medium = coat.variants
    assert (small.sku, small.title, small.options) == (
        "COAT-S-Y",
        "S / Yellow",
        {"size": "S", "colour": "Yellow"},
    )
    assert (small.prices["EUR"], small.barcode, small.weight_g) == (Price(9900, 12000), "4006381333931", 900)
    assert (small.on_hand, small.backorder_limit) == (5, 0)
    assert (medium.sku, medium.barcode, medium.backorder_limit) == ("COAT-M-Y", None, ANY_QUANTITY)
    assert not list(problems(coat))


def test_a_product_without_options_or_sku_gets_one_made() -> None:
    """If it fails, products without SKU cannot be bought, or change SKU at each import."""
    note = read()[1].product
    assert note is not None
    (variant,) = note.variants
    assert (variant.sku, variant.options, variant.on_hand) == ("GIFT-NOTE", {}, 0)
    assert (note.status, note.tax_class, variant.requires_shipping) == ("draft", "exempt", False)
    assert [p.product for p in read()] == [p.product for p in read()]


def test_rows_that_are_wrong_are_named_and_spoil_their_product_alone() -> None:
    """If it fails, one typing error costs a whole import, goes unnoticed, or changes half a product."""
    found = read()
    said = {(p.row, p.column, p.severity) for parsed in found for p in parsed.problems}
    assert said >= {
        (3, "Variant SKU", "warning"),
        (3, "Variant Barcode", "warning"),
        (5, "Variant Inventory Qty", "warning"),
        (6, "Variant Price", "error"),
        (8, "Variant Price", "error"),
        (9, "Handle", "error"),
    }
    half = next(parsed for parsed in found if parsed.product and parsed.product.slug == "half-bad")
    assert half.has_error
    assert sum(parsed.rows for parsed in found) == 9


@pytest.mark.parametrize(
    ("price", "currency", "minor"),
    [("1500", "JPY", 1500), ("1.234", "KWD", 1234), ("0.1", "EUR", 10), ("1e2", "EUR", 10000), ("1.5", "JPY", None),
     ("NaN", "EUR", None), ("Infinity", "EUR", None), ("-1", "EUR", None), ("1,50", "EUR", None), ("1e30", "EUR", None),
     ("1e999999999", "EUR", None), ("9" * 40, "EUR", None)],
)  # fmt: skip
def test_money_is_exact_or_refused(price: str, currency: str, minor: int | None) -> None:
    """If it fails, prices are off by a factor or a cent."""
    text = f'Handle,Title,Variant Price\na,A,"{price}"\n'
    product = read(text, currency)[0].product
    assert (None if product is None else product.variants[0].prices[currency].amount_minor) == minor


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "Handle,Title\nx,y\n"])
def test_another_file_is_refused(text: str) -> None:
    """If it fails, any file is taken for an export and nothing is said."""
    with pytest.raises(Invalid):
        read(text)


def test_an_unknown_currency_is_refused() -> None:
    """If it fails, prices are stored in a currency that nobody can pay."""
    with pytest.raises(Invalid):
        read("Handle,Title,Variant Price\na,A,1\n", "XXZ")
