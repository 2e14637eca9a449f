"""Random purchases under random rules: a plain seeded generator, fast enough for a million."""

import random
from collections.abc import Iterator
from typing import Any

from checkout.quoting.model import (
    Bracket,
    Coupon,
    Offer,
    Rulebook,
    ShippingRate,
    ShippingZone,
    TaxRule,
)

NOW_MS = 1_800_000_000_000
CURRENCIES = ("JPY", "EUR", "USD", "KWD")  # 0, 2, 2 and 3 decimals
INCLUSIVE = {"DE": 1900, "FR": 2000, "GB": 2000, "IN": 1800, "KW": 500}
EXCLUSIVE = {"US": 0, "CA": 500, "BR": 1733}
COUNTRIES = (*INCLUSIVE, *EXCLUSIVE, "ZZ", None)
CLASSES = ("standard", "reduced", "exempt", "books")


def rulebook(seed: int) -> Rulebook:
    """Inclusive and exclusive countries, regions, free shipping limits and every kind of coupon."""
    chance = random.Random(seed)
    taxes = [
        TaxRule(country, "", "standard", "VAT", rate, inclusive)
        for table, inclusive in ((INCLUSIVE, True), (EXCLUSIVE, False))
        for country, rate in table.items()
    ]
    taxes += [
        TaxRule("DE", "", "reduced", "VAT", 700, True),
        TaxRule("US", "CA", "standard", "Tax", 725, False),
    ]
    rates = {
        currency: tuple(
            ShippingRate(
                code,
                code.title(),
                1,
                3,
                (
                    Bracket(5_000, chance.randrange(2_000), chance.choice((None, 5_000))),
                    Bracket(10**12, chance.randrange(9_000)),
                ),
            )
            for code in ("standard", "express")
        )
        for currency in CURRENCIES
    }
    coupons = [
        Coupon(1, "PERCENT", "percent", percent_bp=chance.randint(1, 10_000), item_id=900_001),
        Coupon(2, "PERCENT2", "percent", percent_bp=chance.randint(1, 10_000)),
        Coupon(3, "SHIPFREE", "free_shipping", min_subtotal_minor=chance.randrange(20_000)),
        Coupon(4, "OLD", "percent", percent_bp=5_000, valid_until_ms=NOW_MS),
    ]
    coupons += [
        Coupon(
            10 + i,
            f"OFF{currency}",
            "amount",
            amount_minor=chance.randint(1, 50_000),
            currency=currency,
            item_id=910_000 + i,
        )
        for i, currency in enumerate(CURRENCIES)
    ]
    zones = [ShippingZone("some", ("DE", "US"), rates), ShippingZone("rest", ("*",), rates)]
    return Rulebook(version=seed, taxes=taxes, zones=zones, coupons=coupons)


def purchases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Keyword arguments of `quote`, `count` times."""
    chance = random.Random(seed)
    pick, below, uniform = chance.choice, chance.randrange, chance.random
    books = [rulebook(seed * 1_000 + i) for i in range(40)]
    pool = {
        currency: [
            Offer(
                item_id=i,
                sku=f"SKU-{i}",
                product_id=f"p{i}",
                slug=f"s{i}",
                title=f"Thing {i}",
                currency=currency,
                unit_minor=below(10 ** below(1, 9)),
                offer_version=1,
                tax_class=pick(CLASSES),
                weight_g=below(3_000),
                requires_shipping=uniform() < 0.9,
            )
            for i in range(300)
        ]
        for currency in CURRENCIES
    }
    codes = ["PERCENT", "PERCENT2", "SHIPFREE", "OLD", "NOSUCH", *(f"OFF{c}" for c in CURRENCIES)]
    for _ in range(count):
        currency = pick(CURRENCIES)
        offers = pool[currency]
        yield {
            "lines": [(offers[below(300)], 1 + below(pick((3, 10, 10_000)))) for _ in range(1 + below(6))],
            "currency": currency,
            "rulebook": pick(books),
            "country": pick(COUNTRIES),
            "region": "CA" if uniform() < 0.3 else "",
            "shipping_code": pick((None, "standard", "express")),
            "coupon_codes": chance.sample(codes, below(4)) if uniform() < 0.6 else (),
            "now_ms": NOW_MS,
        }
