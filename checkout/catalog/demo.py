"""The demo catalogue: more than 200 products multiplied out of demo_ranges.py, the same ones every time.

Barcodes are of the range that GS1 keeps for use inside one company (prefix 20), so that none belongs to anyone's article.
"""

import random
from collections.abc import Callable, Iterator

from checkout.catalog import gtin
from checkout.catalog.demo_ranges import CATEGORIES, RANGES, SIZES, Range
from checkout.catalog.model import CategoryDraft, Price, ProductDraft, VariantDraft, Written, slugify
from checkout.catalog.write import BATCH_PRODUCTS, upsert_categories, upsert_products
from checkout.kit.db import Connection

Progress = Callable[[int, int], None]
"""(products done, products in all)"""

USD_PER_100_EUR = 110
_FIRST_ARTICLE = 1_000


def categories() -> list[CategoryDraft]:
    """The demo shop's tree."""
    return [
        CategoryDraft(slug=slug, name=name, parent=parent, position=position)
        for position, (slug, name, parent) in enumerate(CATEGORIES)
    ]


def products() -> list[ProductDraft]:
    """All demo products. The first three are those that README, tests and benchmarks name."""
    numbers = iter(range(_FIRST_ARTICLE, 1_000_000))
    drafts = list(_fixed(numbers))
    for goods in RANGES:
        drafts.extend(_designs(goods, numbers))
    return drafts


async def seed_demo(connection: Connection, progress: Progress | None = None) -> Written:
    """Writes the demo catalogue. Retry: safe, a second time changes nothing. Cost: about a second."""
    await upsert_categories(connection, categories())
    drafts = products()
    written = Written()
    for at in range(0, len(drafts), BATCH_PRODUCTS):
        batch = drafts[at : at + BATCH_PRODUCTS]
        written.add(await upsert_products(connection, batch, reason="demo catalogue"))
        if progress is not None:
            progress(at + len(batch), len(drafts))
    return written


def _barcode(number: int) -> str:
    return gtin.complete(f"20{number:010d}")


def _prices(euro_cents: int) -> dict[str, Price]:
    """Euro as given; dollars at a flat rate, brought to the next price that ends in 90."""
    dollar_cents = (euro_cents * USD_PER_100_EUR // 100) // 100 * 100 + 90
    return {"EUR": Price(euro_cents), "USD": Price(dollar_cents)}


def _fixed(numbers: Iterator[int]) -> Iterator[ProductDraft]:
    yield ProductDraft(
        slug="tee-black",
        title="Black T-shirt",
        description="The plain black tee: organic cotton, straight cut, no print.",
        vendor="Nordhafen",
        tags=("basics", "bestseller"),
        attributes={"material": "organic cotton", "design": "plain"},
        categories=("tees",),
        variants=tuple(
            VariantDraft(
                sku=f"TEE-BLACK-{size}",
                title=size,
                options={"size": size, "colour": "black"},
                barcode=_barcode(next(numbers)),
                prices=_prices(1990),
                weight_g=180,
                on_hand=10_000,
            )
            for size in SIZES
        ),
    )
    yield ProductDraft(
        slug="mug-classic",
        title="Classic Mug",
        description="A white stoneware mug for 300 ml. The one that everybody takes out of the cupboard first.",
        vendor="Tonwerk",
        tags=("bestseller", "gift"),
        attributes={"material": "stoneware", "design": "classic"},
        categories=("mugs",),
        variants=(
            VariantDraft(
                sku="MUG-CLASSIC",
                barcode=_barcode(next(numbers)),
                prices=_prices(1250),
                weight_g=340,
                on_hand=10_000,
            ),
        ),
    )
    yield ProductDraft(
        slug="poster-launch",
        title="Launch Poster",
        description="The poster of the launch, numbered: there are one hundred, and there will be no more.",
        vendor="Studio Kante",
        tags=("art", "drop"),
        attributes={"material": "cotton paper", "design": "launch"},
        categories=("posters",),
        variants=(
            VariantDraft(
                sku="POSTER-LAUNCH",
                barcode=_barcode(next(numbers)),
                prices=_prices(2500),
                weight_g=150,
                on_hand=100,
            ),
        ),
    )


def _designs(goods: Range, numbers: Iterator[int]) -> Iterator[ProductDraft]:
    for design in goods.designs:
        dice = random.Random(f"{goods.code}/{design}")  # the same product on every machine, for ever
        material = dice.choice(goods.materials)
        low, high = goods.euro_cents
        price = dice.randrange(low // 100, high // 100 + 1) * 100 - 10
        weight = dice.randrange(goods.weight_g[0], goods.weight_g[1] + 1, 10)
        was = price + dice.choice((500, 1000, 2000)) if dice.random() < 0.2 else None
        code = f"{goods.code}-{slugify(design).upper()}"
        yield ProductDraft(
            slug=slugify(f"{goods.noun} {design}"),
            title=f"{design} {goods.noun}",
            description=goods.text.format(material=material),
            vendor=goods.vendor,
            tags=(*goods.tags, *(("sale",) if was else ()), *(("new",) if dice.random() < 0.15 else ())),
            attributes={"material": material, "design": design.lower()},
            categories=(goods.category,),
            tax_class=goods.tax_class,
            variants=tuple(_choices(goods, code, price, was, weight, dice, numbers)),
        )


def _choices(
    goods: Range,
    code: str,
    price: int,
    was: int | None,
    weight_g: int,
    dice: random.Random,
    numbers: Iterator[int],
) -> Iterator[VariantDraft]:
    choices = goods.choices or ("",)
    for step, choice in enumerate(choices):
        # Capacity, length and count are paid for; clothes cost the same in every size.
        dearer = step * (price // 1000) * 100 if choice.isdigit() and goods.category != "shoes" else 0
        prices = _prices(price + dearer)
        if was is not None:
            before = _prices(was + dearer)
            prices = {c: Price(p.amount_minor, before[c].amount_minor) for c, p in prices.items()}
        yield VariantDraft(
            sku=f"{code}-{slugify(choice).upper()}" if choice else code,
            title=choice,
            options={goods.option: choice} if choice else {},
            barcode=_barcode(next(numbers)),
            prices=prices,
            weight_g=weight_g + (step * weight_g // 4 if dearer else 0),
            on_hand=dice.choice((0, 25, 120, 400, 1000, 1000, 5000)),
            backorder_limit=dice.choice((0, 0, 0, 0, 50)),
        )
