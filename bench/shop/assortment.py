"""An assortment to search in, written with COPY: words with the frequencies of a language, a tree of categories, filters.

Shape: about half of the products say `quality` in their description, a fifth say `classic` in their title; the rarest words
occur once. The same seed makes the same products.
"""

import random
import uuid
from datetime import UTC, datetime, timedelta

import orjson
from msgspec import Struct

from bench.report.progress import Say
from bench.shop.store import Bulk

COLOURS = (
    "black",
    "white",
    "red",
    "blue",
    "green",
    "yellow",
    "grey",
    "navy",
    "beige",
    "pink",
    "brown",
    "orange",
)
MATERIALS = (
    "cotton",
    "wool",
    "linen",
    "leather",
    "steel",
    "oak",
    "glass",
    "ceramic",
    "paper",
    "silk",
    "bamboo",
    "cork",
)
SIZES = ("XS", "S", "M", "L", "XL", "XXL")
_SYLLABLES = (
    "ba",
    "co",
    "da",
    "fe",
    "gi",
    "ho",
    "ja",
    "ke",
    "li",
    "mo",
    "nu",
    "pa",
    "ra",
    "se",
    "ti",
    "vo",
    "wa",
    "zo",
)
_WORDS = 30_000
_VENDORS = 500
_TAGS = 200
_CHUNK = 5_000
_SPREAD_S = 2 * 365 * 24 * 3600


class Assortment(Struct, frozen=True):
    """What was written: words from common to rare, and the slugs of categories, the largest first."""

    words: list[str]
    categories: list[str]


def _word(dice: random.Random) -> str:
    return "".join(dice.choices(_SYLLABLES, k=dice.choice((2, 3, 3, 4)))) + dice.choice(
        ("", "n", "r", "s", "l")
    )


def _id(dice: random.Random) -> uuid.UUID:
    return uuid.UUID(int=dice.getrandbits(128), version=4)


async def add_assortment(bulk: Bulk, count: int, say: Say, *, seed: int = 1) -> Assortment:
    """Adds so many published products of two variants each. Nobody may use the shop meanwhile."""
    dice = random.Random(seed)
    words = list(dict.fromkeys(_word(dice) for _ in range(_WORDS * 2)))[:_WORDS]
    weights = [1 / rank for rank in range(3, len(words) + 3)]
    vendors = [word.title() for word in dice.sample(words, _VENDORS)]
    tags = dice.sample(words, _TAGS)
    categories = await _add_categories(bulk, dice)
    leaves = [one for one in categories if one[1].count("-") == 2]
    leaf_weights = [1 / rank for rank in range(2, len(leaves) + 2)]
    item = await bulk.highest_item() + 1
    began = datetime.now(UTC) - timedelta(seconds=_SPREAD_S)
    for done in range(0, count, _CHUNK):
        products, variants, prices, memberships = [], [], [], []
        for number in range(done, min(done + _CHUNK, count)):
            product, colour, material = _id(dice), dice.choice(COLOURS), dice.choice(MATERIALS)
            said = dice.choices(words, weights, k=62)
            title = (
                " ".join(said[:2]).title()
                + (" Classic" if dice.random() < 0.2 else "")
                + f" {colour.title()}"
            )
            description = f"{material} {' '.join(said[2:])}" + (" quality" if dice.random() < 0.5 else "")
            at = began + timedelta(seconds=_SPREAD_S * dice.random())
            products.append(
                (product, f"range-{number:07d}", title, description, dice.choice(vendors), "published",
                 dice.sample(tags, 3), orjson.dumps({"colour": colour, "material": material}).decode(), at)
            )  # fmt: skip
            memberships.append((product, dice.choices(leaves, leaf_weights)[0][0]))
            price = int(10 ** dice.uniform(2, 5.5))
            for place, size in enumerate(dice.sample(SIZES, 2)):
                options = orjson.dumps({"size": size}).decode()
                variants.append((item, product, f"RANGE-{number:07d}-{size}", size, options, place))
                prices += [(item, "EUR", price), (item, "USD", price * 11 // 10)]
                item += 1
        items = range(item - len(variants), item)
        await bulk.copy("stock", ("item_id", "kind", "on_hand"), ((i, "variant", 10) for i in items))
        await bulk.copy(
            "location_stock", ("item_id", "location", "on_hand"), ((i, "main", 10) for i in items)
        )
        await bulk.copy(
            "stock_movements",
            ("movement_id", "item_id", "kind", "on_hand_delta", "reason"),
            ((_id(dice), i, "receipt", 10, "benchmark") for i in items),
        )
        await bulk.copy(
            "products",
            ("id", "slug", "title", "description", "vendor", "status", "tags", "attributes", "published_at"),
            products,
        )
        await bulk.copy(
            "variants", ("item_id", "product_id", "sku", "title", "options", "position"), variants
        )
        await bulk.copy("prices", ("item_id", "currency", "amount_minor"), prices)
        await bulk.copy("product_categories", ("product_id", "category_id"), memberships)
        await bulk.searchable([row[0] for row in products])
        say.move(min(done + _CHUNK, count), count)
    await bulk.settle()
    return Assortment(words, [slug for _, slug, _ in categories])


async def _add_categories(bulk: Bulk, dice: random.Random) -> list[tuple[uuid.UUID, str, uuid.UUID | None]]:
    """(id, slug, parent) of 5 × 8 × 8 categories and those above them."""
    made: list[tuple[uuid.UUID, str, uuid.UUID | None]] = []
    for top in range(5):
        made.append((_id(dice), f"range{top}", None))
        root = made[-1]
        for middle in range(8):
            made.append((_id(dice), f"range{top}-{middle}", root[0]))
            branch = made[-1]
            made += [(_id(dice), f"range{top}-{middle}-{leaf}", branch[0]) for leaf in range(8)]
    await bulk.copy(
        "categories", ("id", "slug", "name", "parent_id"), ((i, s, s.title(), p) for i, s, p in made)
    )
    return made
