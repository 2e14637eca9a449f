"""The laws of a quote, checked with exact fractions and nothing that the quote itself uses."""

from fractions import Fraction
from math import floor

from checkout.quoting.model import Quote, TaxRule


def rounded(amount: int, rule: TaxRule) -> int:
    """The tax on or in an amount, half up, in exact arithmetic."""
    rate = Fraction(rule.rate_bp, 10_000)
    exact = amount * rate / (1 + rate) if rule.inclusive else amount * rate
    return floor(exact + Fraction(1, 2))


def check_sums(q: Quote) -> None:
    """The identity, signs and sums: cheap enough for every cart."""
    t = q.totals
    assert t.subtotal_minor - t.discount_minor + t.shipping_minor + t.tax_minor == t.total_minor
    assert min(t.subtotal_minor, t.discount_minor, t.shipping_minor, t.tax_minor, t.total_minor) >= 0
    assert 0 <= t.discount_minor <= t.subtotal_minor
    subtotal = discount = on_lines = 0
    for line in q.lines:
        assert line.subtotal_minor == line.offer.unit_minor * line.quantity
        assert 0 <= line.discount_minor <= line.subtotal_minor
        assert type(line.tax_minor) is int
        assert line.tax_minor >= 0
        subtotal += line.subtotal_minor
        discount += line.discount_minor
        on_lines += line.tax_minor
    assert (subtotal, discount) == (t.subtotal_minor, t.discount_minor)
    assert sum(effect.discount_minor for effect in q.coupons) == discount
    added = sum(tax.amount_minor for tax in q.taxes if not tax.included)
    included = sum(tax.amount_minor for tax in q.taxes if tax.included)
    assert (added, included) == (t.tax_minor, t.tax_included_minor)
    assert on_lines <= added + included
    assert t.tax_included_minor <= t.total_minor


def check_exactly(q: Quote) -> None:
    """Each rounding on its own, the spread of the discount, and the claims."""
    t = q.totals
    on_lines = 0
    for line in q.lines:
        taxable = line.subtotal_minor - line.discount_minor
        expected = 0 if line.rule is None else rounded(taxable, line.rule)
        assert line.tax_minor == expected
        on_lines += expected
        if t.subtotal_minor:
            fair = Fraction(t.discount_minor * line.subtotal_minor, t.subtotal_minor)
            assert abs(line.discount_minor - fair) < 1
    on_shipping = sum(tax.amount_minor for tax in q.taxes) - on_lines
    bases = sum(tax.base_minor for tax in q.taxes)
    if q.shipping is None:
        assert t.shipping_minor == on_shipping == 0
    taxed = sum(line.subtotal_minor - line.discount_minor for line in q.lines if line.rule is not None)
    assert bases + t.tax_included_minor in (taxed, taxed + t.shipping_minor)
    items = [item_id for item_id, _, _ in q.claims]
    assert items == sorted(set(items))
    claimed = {item_id: quantity for item_id, quantity, _ in q.claims}
    for line in q.lines:
        same = sum(other.quantity for other in q.lines if other.offer.item_id == line.offer.item_id)
        assert claimed[line.offer.item_id] == same
    limited = {e.coupon.item_id for e in q.coupons if e.applied and e.coupon and e.coupon.item_id}
    assert all(claimed[item_id] == 1 for item_id in limited)
    assert len(items) == len({line.offer.item_id for line in q.lines}) + len(limited)
    for effect in q.coupons:
        assert effect.applied or effect.discount_minor == 0
