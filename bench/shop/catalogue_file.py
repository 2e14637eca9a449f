"""A catalogue file of any size in the shop's own format, the same at each run."""

import csv
import random
from pathlib import Path

from checkout.bulk import sheet

_SIZES, _COLOURS = ("S", "M", "L", "XL"), ("black", "blue", "green", "red", "white")
_WORDS = ("linen", "cotton", "wool", "canvas", "steel", "oak", "glass", "paper", "copper", "leather")
_THINGS = ("shirt", "mug", "lamp", "chair", "bag", "poster", "bowl", "scarf", "knife", "notebook")


def write_catalogue(target: Path, rows: int, *, seed: int = 1) -> int:
    """Writes at least so many rows, ten at most to a product; gives the number of products."""
    dice = random.Random(seed)
    names = sheet.columns(["EUR", "USD"], ["material", "origin"])
    written = products = 0
    with target.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, names, restval="")
        out.writeheader()
        while written < rows:
            products += 1
            word, thing = dice.choice(_WORDS), dice.choice(_THINGS)
            slug = f"{word}-{thing}-{products}"
            row = {
                "slug": slug,
                "title": f"{word.capitalize()} {thing} {products}",
                "description": f"<p>A {thing} of {word}, made to last.</p>\n"
                + "Care for it well. " * dice.randint(2, 20),
                "vendor": f"Workshop {dice.randint(1, 200)}",
                "status": "published",
                "tax_class": "standard",
                "tags": f"{word}, {thing}",
                "categories": f"file:File > file-{thing}:{thing.capitalize()}",
                "images": f"https://images.test/{slug}.jpg The {thing}",
                "attr.material": word,
                "attr.origin": dice.choice(("DE", "FR", "IT", "PT")),
            }
            for number in range(dice.choice((1, 1, 2, 3, 4, 10))):
                price = dice.randint(500, 50_000)
                row |= {
                    "slug": slug,
                    "sku": f"F{products}-{number}",
                    "options": f"size={_SIZES[number % 4]}, colour={_COLOURS[number % 5]}" if number else "",
                    "weight_g": str(dice.randint(10, 5000)),
                    "requires_shipping": "yes",
                    "stock": str(dice.randint(0, 500)),
                    "backorder_limit": "0",
                    "price_EUR": f"{price / 100:.2f}",
                    "price_USD": f"{price * 11 // 10 / 100:.2f}",
                }
                out.writerow(row)
                written += 1
                row = {}
    return products
