"""What a quote's parts look like in JSON, for the OpenAPI document; tests/api/edge holds the real answers to it."""

from collections.abc import Iterable

import msgspec

from checkout.quoting import model


class TaxShare(msgspec.Struct, frozen=True, gc=False):
    """One rate of the tax breakdown. Units: the rate in basis points, the rest minor."""

    name: str
    rate_bp: int
    base: int
    amount: int
    included: bool


class Totals(msgspec.Struct, frozen=True, gc=False):
    """The sums: subtotal - discount + shipping + tax = total. Shape: `tax_included` is in the prices already."""

    subtotal: int
    discount: int
    shipping: int
    tax: int
    total: int
    tax_included: int
    taxes: list[TaxShare] | msgspec.UnsetType = msgspec.UNSET


def totals_of(totals: model.Totals, taxes: list[TaxShare] | msgspec.UnsetType = msgspec.UNSET) -> Totals:
    """The sums as the contract names them."""
    return Totals(
        totals.subtotal_minor,
        totals.discount_minor,
        totals.shipping_minor,
        totals.tax_minor,
        totals.total_minor,
        totals.tax_included_minor,
        taxes,
    )


def tax_shares(taxes: Iterable[model.TaxLine]) -> list[TaxShare]:
    """The tax breakdown as the contract names it."""
    return [TaxShare(tax.name, tax.rate_bp, tax.base_minor, tax.amount_minor, tax.included) for tax in taxes]
