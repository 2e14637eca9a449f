"""T23: rounding. Random carts keep the laws of checkout/quoting/model.py; Hypothesis looks for the edges."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkout.quoting.discount import allocate
from checkout.quoting.model import Bracket, Coupon, Offer, Rulebook, ShippingRate, ShippingZone, TaxRule
from checkout.quoting.quote import quote
from config import limits

from .laws import check_exactly, check_sums
from .random_carts import NOW_MS, purchases

CARTS = int(os.environ.get("CARTS", "100000"))
EXACT_EVERY = 20


@pytest.mark.timeout(60 + CARTS // 2_000)
def test_random_carts_keep_the_identity() -> None:
    """If this fails, some cart's total is not the sum of its parts, or a part is negative or no integer."""
    coupons = shipped = added = included = 0
    for number, purchase in enumerate(purchases(seed=23, count=CARTS)):
        q = quote(**purchase)
        check_sums(q)
        if number % EXACT_EVERY == 0:
            check_exactly(q)
        coupons += q.totals.discount_minor > 0
        shipped += q.totals.shipping_minor > 0
        added += q.totals.tax_minor > 0
        included += q.totals.tax_included_minor > 0
    assert min(coupons, shipped, added, included) > CARTS // 20, "the generator must reach every part"


def test_coupon_order_does_not_matter() -> None:
    """If this fails, two shoppers with the same coupons pay different totals."""
    for purchase in purchases(seed=7, count=2_000):
        backwards = {**purchase, "coupon_codes": list(reversed(purchase["coupon_codes"]))}
        assert quote(**purchase) == quote(**backwards)


def test_more_units_never_cost_less_before_discounts() -> None:
    """If this fails, buying more lowers the subtotal, so prices are multiplied wrongly."""
    for purchase in purchases(seed=9, count=500):
        offer, quantity = purchase["lines"][0]
        more = {**purchase, "lines": [(offer, quantity + 1), *purchase["lines"][1:]]}
        assert (
            quote(**more).totals.subtotal_minor == quote(**purchase).totals.subtotal_minor + offer.unit_minor
        )


money = st.integers(0, limits.UNIT_PRICE_MAX_MINOR)


@given(
    st.lists(money, min_size=1, max_size=12).flatmap(
        lambda weights: st.tuples(st.just(weights), st.integers(0, sum(weights)))
    )
)
def test_allocation_is_complete_and_bounded(case: tuple[list[int], int]) -> None:
    """If this fails, spreading a discount loses or invents a minor unit, or makes a line negative."""
    weights, amount = case
    shares = allocate(amount, weights)
    assert sum(shares) == amount
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))
    assert shares == allocate(amount, weights)


@settings(max_examples=200, deadline=None)
@given(
    units=st.lists(st.tuples(money, st.integers(1, limits.LINE_QUANTITY_MAX)), min_size=1, max_size=8),
    rate=st.integers(0, limits.BASIS_POINTS),
    inclusive=st.booleans(),
    percent=st.integers(1, limits.BASIS_POINTS),
    amount=st.integers(1, 10**12),
    shipping=st.integers(0, 10**6),
)
def test_edges_keep_the_laws(
    *,
    units: list[tuple[int, int]],
    rate: int,
    inclusive: bool,
    percent: int,
    amount: int,
    shipping: int,
) -> None:
    """If this fails, an extreme price, rate or discount breaks the identity or an exact rounding."""
    rules = Rulebook(
        version=1,
        taxes=[TaxRule("XX", "", "standard", "Tax", rate, inclusive)],
        zones=[
            ShippingZone(
                "all", ("*",), {"EUR": (ShippingRate("standard", "S", 1, 2, (Bracket(10**12, shipping),)),)}
            )
        ],
        coupons=[
            Coupon(1, "P", "percent", percent_bp=percent),
            Coupon(2, "A", "amount", amount_minor=amount, currency="EUR", item_id=77),
        ],
    )
    lines = [
        (Offer(i % 5, f"S{i % 5}", "p", "s", "t", "EUR", price, 1), quantity)
        for i, (price, quantity) in enumerate(units)
    ]
    q = quote(
        lines,
        currency="EUR",
        rulebook=rules,
        country="XX",
        coupon_codes=["A", "P"],
        now_ms=NOW_MS,
    )
    assert not q.problems
    check_sums(q)
    check_exactly(q)
    assert q.totals.total_minor <= limits.JSON_INTEGER_MAX * 2
