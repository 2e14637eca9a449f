"""A product as rows of Shopify's product CSV, in one currency: what Shopify imports, and our import reads again.

Source: https://help.shopify.com/en/manual/products/import-export/using-csv
"""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

import orjson

from checkout.bulk import cells
from checkout.catalog.model import ANY_QUANTITY

_PRODUCT = ("Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published")
_OPTIONS = tuple(f"Option{n} {part}" for n in (1, 2, 3) for part in ("Name", "Value"))
_VARIANT = (
    "Variant SKU",
    "Variant Grams",
    "Variant Inventory Tracker",
    "Variant Inventory Qty",
    "Variant Inventory Policy",
    "Variant Fulfillment Service",
    "Variant Price",
    "Variant Compare At Price",
    "Variant Requires Shipping",
    "Variant Taxable",
    "Variant Barcode",
)
_IMAGE = ("Image Src", "Image Position", "Image Alt Text")
COLUMNS = (*_PRODUCT, *_OPTIONS, *_VARIANT, *_IMAGE, "Status")
_STATUSES = {"published": "active", "draft": "draft", "archived": "archived"}


def rows(record: Any, categories: Mapping[Any, str], currency: str) -> Iterator[list[str]]:
    """The rows of a row of bulk_products: a variant each, then a row for each image that is left.

    Variants without a price in the currency have a blank one, which imports refuse. A fourth option is left out, and
    archived variants, which Shopify does not know: it would sell them.
    """
    variants = [found for found in orjson.loads(record["variants"]) if not found["archived"]]
    images = orjson.loads(record["images"])
    names = list(dict.fromkeys(name for variant in variants for name in variant["options"]))[:3]
    for number, (variant, image) in enumerate(zip_longest(variants, images), 1):
        row = dict.fromkeys(COLUMNS, "")
        row["Handle"] = record["slug"]
        if number == 1:
            row |= _head(record, categories)
        if variant is not None:
            row |= _variant(variant, names, currency, is_first=number == 1)
            row["Variant Taxable"] = "false" if record["tax_class"] == "exempt" else "true"
        if image is not None:
            row |= {
                "Image Src": image["url"],
                "Image Position": str(number),
                "Image Alt Text": image.get("alt", ""),
            }
        yield [row[name] for name in COLUMNS]


def _head(record: Any, categories: Mapping[Any, str]) -> dict[str, str]:
    kinds = sorted(categories[at] for at in record["category_ids"] if at in categories)
    return {
        "Title": record["title"],
        "Body (HTML)": record["description"],
        "Vendor": record["vendor"],
        "Type": kinds[0] if kinds else "",
        "Tags": ", ".join(tag.replace(",", " ") for tag in record["tags"]),
        "Published": "true" if record["status"] == "published" else "false",
        "Status": _STATUSES[record["status"]],
    }


def _variant(found: Mapping[str, Any], names: list[str], currency: str, *, is_first: bool) -> dict[str, str]:
    amount, compare_at = found["prices"].get(currency, (None, None))
    places = cells.digits(currency) or 0
    row = {
        "Variant SKU": found["sku"],
        "Variant Grams": str(found["weight_g"]),
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Qty": str(found["on_hand"]),
        "Variant Inventory Policy": "continue" if found["backorder_limit"] == ANY_QUANTITY else "deny",
        "Variant Fulfillment Service": "manual",
        "Variant Price": "" if amount is None else cells.money(amount, places),
        "Variant Compare At Price": "" if compare_at is None else cells.money(compare_at, places),
        "Variant Requires Shipping": "true" if found["requires_shipping"] else "false",
        "Variant Barcode": found["barcode"] or "",
    }
    for n, name in enumerate(names or ["Title"], 1):
        row[f"Option{n} Name"] = name if is_first else ""
        row[f"Option{n} Value"] = found["options"].get(name, "") if names else "Default Title"
    return row
