"""The quote by example: figures that a person worked out."""

import pytest

from checkout.errors import Conflict, Invalid
from checkout.quoting.model import (
    Bracket,
    Coupon,
    Offer,
    Quote,
    Rulebook,
    ShippingRate,
    ShippingZone,
    TaxRule,
)
from checkout.quoting.quote import quote, refusal

NOW = 1_000_000
RULES = Rulebook(
    version=7,
    taxes=[
        TaxRule("DE", "", "standard", "VAT", 1900, True),
        TaxRule("DE", "", "reduced", "VAT", 700, True),
        TaxRule("US", "CA", "standard", "Sales tax", 725, False),
        TaxRule("US", "NY", "standard", "Sales tax", 888, False),
    ],
    zones=[
        ShippingZone(
            "Germany",
            ("DE",),
            {
                "EUR": (
                    ShippingRate(
                        "standard", "Standard", 2, 3, (Bracket(5000, 490, 5000), Bracket(30000, 990))
                    ),
                    ShippingRate("express", "Express", 1, 1, (Bracket(5000, 1290),)),
                )
            },
        ),
        ShippingZone(
            "US", ("US",), {"USD": (ShippingRate("standard", "Standard", 3, 7, (Bracket(30000, 700),)),)}
        ),
    ],
    coupons=[
        Coupon(1, "TEN", "percent", percent_bp=1000),
        Coupon(2, "FIVE", "amount", amount_minor=500, currency="EUR", item_id=99, offer_version=3),
        Coupon(3, "FREESHIP", "free_shipping"),
        Coupon(4, "BIG", "percent", percent_bp=1000, min_subtotal_minor=100_000),
        Coupon(5, "GONE", "percent", percent_bp=1000, valid_until_ms=NOW),
        Coupon(6, "SOON", "percent", percent_bp=1000, valid_from_ms=NOW + 1),
    ],
)


def offer(unit: int, item: int = 1, currency: str = "EUR", **more: object) -> Offer:
    """An offer of 300 g at a price."""
    return Offer(
        item_id=item,
        sku=f"SKU-{item}",
        product_id="p",
        slug="s",
        title="Thing",
        currency=currency,
        unit_minor=unit,
        offer_version=1,
        **{"weight_g": 300, **more},  # type: ignore[arg-type]
    )


def ask(*lines: tuple[Offer, int], country: str | None = "DE", **more: object) -> Quote:
    """The quote of these lines, in the currency of the first."""
    given = {"currency": lines[0][0].currency, "rulebook": RULES, "country": country, "now_ms": NOW, **more}
    return quote(lines, **given)  # type: ignore[arg-type]


def test_inclusive_tax_is_contained() -> None:
    """If this fails, a German shopper pays tax twice or an invoice shows the wrong VAT."""
    q = ask((offer(1190), 1), shipping_code="standard")
    assert (q.totals.total_minor, q.totals.tax_minor, q.totals.tax_included_minor) == (1680, 0, 190 + 78)
    assert [(t.base_minor, t.amount_minor, t.included) for t in q.taxes] == [(1000 + 412, 268, True)]


def test_exclusive_tax_is_added_by_region() -> None:
    """If this fails, a Californian is charged another state's tax or none."""
    for region in ("CA", "us-ca", " ca "):
        q = ask((offer(1000, currency="USD"), 1), country="US", region=region)
        assert (q.totals.tax_minor, q.totals.total_minor) == (73 + 51, 1000 + 700 + 124)
    assert ask((offer(1000, currency="USD"), 1), country="US", region="TX").totals.tax_minor == 0


def test_tax_classes() -> None:
    """If this fails, books are taxed like lamps or an exempt good is taxed at all."""
    q = ask(
        (offer(1070, 1, tax_class="reduced"), 1),
        (offer(1190, 2, tax_class="unheard-of"), 1),
        (offer(500, 3, tax_class="exempt"), 1),
        coupon_codes=["FREESHIP"],
    )
    assert [line.tax_minor for line in q.lines] == [70, 190, 0]
    assert sorted((t.rate_bp, t.amount_minor) for t in q.taxes) == [(700, 70), (1900, 190)]


def test_without_country_nothing_is_taxed_or_shipped() -> None:
    """If this fails, a cart without an address shows made-up tax or shipping."""
    q = ask((offer(1000), 2), country=None)
    assert (q.totals.total_minor, q.taxes, q.shipping, q.problems) == (2000, (), None, ())


def test_cheapest_option_is_the_default_and_free_above_its_limit() -> None:
    """If this fails, a shopper pays for shipping that was promised free, or for express unasked."""
    assert ask((offer(4999), 1)).totals.shipping_minor == 490
    assert ask((offer(5000), 1)).totals.shipping_minor == 0
    assert ask((offer(5000), 1), coupon_codes=["TEN"]).totals.shipping_minor == 490
    assert ask((offer(100), 20)).totals.shipping_minor == 990
    assert ask((offer(100), 1), shipping_code="express").totals.shipping_minor == 1290


def test_goods_that_need_no_shipping() -> None:
    """If this fails, a gift card cannot be sold to a country that we do not ship to."""
    q = ask((offer(1000, requires_shipping=False), 1), country="BR", shipping_code="express")
    assert (q.shipping, q.problems, q.totals.total_minor) == (None, (), 1000)


def test_discount_is_spread_and_claimed() -> None:
    """If this fails, a refund of one line pays back the wrong amount, or a limited coupon is not counted."""
    q = ask((offer(333, 5), 1), (offer(333, 4), 1), (offer(334, 5), 1), coupon_codes=["FIVE", "TEN", "TEN"])
    assert q.totals.discount_minor == 100 + 500
    assert [line.discount_minor for line in q.lines] == [200, 200, 200]
    assert q.claims == ((4, 1, 1), (5, 2, 1), (99, 1, 3))


@pytest.mark.parametrize(
    ("asked", "code", "error"),
    [
        ({"coupon_codes": ["NOPE"]}, "unknown_coupon", Invalid),
        ({"coupon_codes": ["GONE"]}, "coupon_expired", Conflict),
        ({"coupon_codes": ["SOON"]}, "coupon_not_yet_valid", Conflict),
        ({"coupon_codes": ["BIG"]}, "coupon_not_applicable", Conflict),
        ({"country": "BR"}, "no_shipping_to_country", Invalid),
        ({"shipping_code": "drone"}, "unknown_shipping_option", Invalid),
    ],
)
def test_problems_are_named(asked: dict[str, object], code: str, error: type[Exception]) -> None:
    """If this fails, an order is placed under terms that the shop does not offer."""
    q = ask((offer(1000), 1), **asked)  # type: ignore[arg-type]
    assert [problem.code for problem in q.problems] == [code]
    assert isinstance(refusal(q.problems[0]), error)
    assert q.totals.discount_minor == 0


def test_coupon_of_another_currency() -> None:
    """If this fails, five euros off becomes five yen off."""
    q = ask((offer(1000, currency="USD"), 1), country="US", coupon_codes=["FIVE"])
    assert q.problems[0].code == "coupon_not_applicable"
    assert q.claims == ((1, 1, 1),)
