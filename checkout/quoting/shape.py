"""What a quote's parts look like in JSON, for the OpenAPI document; tests/api/edge holds the real answers to it."""

import msgspec


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
