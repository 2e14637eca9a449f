"""The quote's parts as the contract spells them: plain names, integers in the document's currency."""

from typing import Any

from checkout.quoting.model import CouponEffect, Problem, Quote, QuoteLine, ShippingOption, TaxLine

Document = dict[str, Any]


def line_document(line: QuoteLine) -> Document:
    """One line. Shape: `total` is what the shopper pays for it: subtotal - discount + tax added on top."""
    offer, rule = line.offer, line.rule
    included = rule is not None and rule.inclusive
    added = 0 if included else line.tax_minor
    return {
        "sku": offer.sku,
        "product_id": offer.product_id,
        "slug": offer.slug,
        "title": offer.title,
        "quantity": line.quantity,
        "unit_price": offer.unit_minor,
        "subtotal": line.subtotal_minor,
        "discount": line.discount_minor,
        "tax": added,
        "tax_included": line.tax_minor - added,
        "tax_rate_bp": 0 if rule is None else rule.rate_bp,
        "total": line.subtotal_minor - line.discount_minor + added,
    }


def totals_document(quote: Quote) -> Document:
    """The totals with their tax breakdown."""
    totals = quote.totals
    return {
        "subtotal": totals.subtotal_minor,
        "discount": totals.discount_minor,
        "shipping": totals.shipping_minor,
        "tax": totals.tax_minor,
        "total": totals.total_minor,
        "tax_included": totals.tax_included_minor,
        "taxes": [tax_document(tax) for tax in quote.taxes],
    }


def tax_document(tax: TaxLine) -> Document:
    """One rate of the breakdown. Units: rate in basis points."""
    return {
        "name": tax.name,
        "rate_bp": tax.rate_bp,
        "base": tax.base_minor,
        "amount": tax.amount_minor,
        "included": tax.included,
    }


def coupon_document(effect: CouponEffect) -> Document:
    """A coupon and what it took off."""
    coupon = effect.coupon
    return {
        "code": effect.code,
        "kind": None if coupon is None else coupon.kind,
        "applied": effect.applied,
        "discount": effect.discount_minor,
    }


def option_document(option: ShippingOption | None) -> Document | None:
    """A shipping option at its price, or null."""
    if option is None:
        return None
    return {
        "code": option.code,
        "title": option.title,
        "amount": option.amount_minor,
        "days_min": option.days_min,
        "days_max": option.days_max,
    }


def problem_document(problem: Problem) -> Document:
    """What stands in the way of ordering, in the words of a problem document's `errors`."""
    return {"code": problem.code, "field": problem.field, "message": problem.detail}


def quote_document(quote: Quote) -> Document:
    """All parts under the names that carts and orders share."""
    return {
        "lines": [line_document(line) for line in quote.lines],
        "coupons": [coupon_document(effect) for effect in quote.coupons],
        "shipping": option_document(quote.shipping),
        "totals": totals_document(quote),
    }
