"""The records of a quote: what is offered, by which rules, and what it comes to.

**Guarantees** (held by tests/property/quoting):
- `subtotal - discount + shipping + tax = total`, every part an integer of minor units and none negative.
- Line discounts sum to `discount`, and no line is discounted below zero; line taxes and the tax on shipping
  sum to the amounts of `taxes`; `tax` is what is added on top, `tax_included` what prices already contain.
- The same arguments give the same quote, whatever the order in which coupons were entered.
- `claims` names every item once, in item order: all units of its lines; one unit of each limited coupon.
- A coupon that does not apply takes nothing off; it is named in `problems` instead.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

CouponKind = Literal["percent", "amount", "free_shipping"]
Claim = tuple[int, int, int]
"""(item_id, quantity, offer_version)"""

STANDARD = "standard"
EXEMPT = "exempt"
REST_OF_WORLD = "*"


class Offer(Struct, frozen=True, gc=False):
    """One SKU at one price in one currency, as published at `offer_version`.

    Shape: `product_id` and `slug` as text, ready to be written; `title` is what an invoice line says;
    `tax_class` names a row of the tax table (`exempt`: never taxed; unknown: as `standard`).
    """

    item_id: int
    sku: str
    product_id: str
    slug: str
    title: str
    currency: str
    unit_minor: int
    offer_version: int
    tax_class: str = STANDARD
    weight_g: int = 0
    requires_shipping: bool = True


class Coupon(Struct, frozen=True, gc=False):
    """A code that takes something off.

    Shape: `percent_bp` for percent (basis points), `amount_minor` for amount; `currency` binds the coupon
    (and its least subtotal) to carts of that currency; `item_id` is the redemption counter of a limited
    coupon, None when unlimited; times in ms since 1970.
    """

    id: int
    code: str
    kind: CouponKind
    percent_bp: int = 0
    amount_minor: int = 0
    currency: str | None = None
    min_subtotal_minor: int = 0
    item_id: int | None = None
    offer_version: int = 1
    per_customer_limit: int | None = None
    valid_from_ms: int = 0
    valid_until_ms: int | None = None


class TaxRule(Struct, frozen=True, gc=False):
    """One rate. Units: basis points. `inclusive`: prices shown there already contain it."""

    country: str
    region: str
    tax_class: str
    name: str
    rate_bp: int
    inclusive: bool

    @property
    def key(self) -> str:
        """What one line of the tax breakdown is grouped by."""
        return f"{self.name}|{self.rate_bp}|{int(self.inclusive)}"


class Bracket(Struct, frozen=True, gc=False):
    """A shipping price up to a weight; free when the discounted goods reach `free_above_minor`."""

    up_to_weight_g: int
    amount_minor: int
    free_above_minor: int | None = None


class ShippingRate(Struct, frozen=True, gc=False):
    """An option of a zone in one currency. Shape: brackets rise by weight; none beyond the last."""

    code: str
    title: str
    days_min: int
    days_max: int
    brackets: tuple[Bracket, ...]


class ShippingZone(Struct, frozen=True, gc=False):
    """Countries that ship alike (`*`: all that no other zone names), and what each currency pays."""

    name: str
    countries: tuple[str, ...]
    rates: Mapping[str, tuple[ShippingRate, ...]]


class ShippingOption(Struct, frozen=True, gc=False):
    """A shipping option at the price that these lines pay."""

    code: str
    title: str
    amount_minor: int
    days_min: int
    days_max: int


class TaxTable(dict[str, TaxRule | None]):
    """Tax class → rule of one destination; an unknown class is taxed as `standard`."""

    def __missing__(self, tax_class: str) -> TaxRule | None:
        return self.get(STANDARD)


NO_TAX = TaxTable()


class Rulebook:
    """All rules of one version, arranged so that a quote looks each up once.

    Cost: building is linear in the rules and done once per change; a look-up is one dict access.
    """

    __slots__ = ("_tables", "coupons", "version", "zone_of")

    def __init__(
        self,
        *,
        version: int,
        taxes: Iterable[TaxRule],
        zones: Iterable[ShippingZone],
        coupons: Iterable[Coupon],
    ) -> None:
        self.version = version
        self.coupons: Mapping[str, Coupon] = {coupon.code: coupon for coupon in coupons}
        self.zone_of: dict[str, ShippingZone] = {
            country: zone for zone in zones for country in zone.countries
        }
        self._tables = _tax_tables(taxes)

    def zone(self, country: str) -> ShippingZone | None:
        """The zone that serves the country, or None."""
        return self.zone_of.get(country) or self.zone_of.get(REST_OF_WORLD)

    def tax_table(self, country: str, region: str) -> TaxTable:
        """The rules of a destination: the region's, where the region has its own, else the country's."""
        tables = self._tables
        table = tables.get((country, region))
        if table is None and region:
            table = tables.get((country, region_code(country, region)))
        if table is None:
            table = tables.get((country, ""))
        return NO_TAX if table is None else table


def region_code(country: str, region: str) -> str:
    """`us-ca`, ` ca ` and `CA` all mean CA in the US."""
    code = region.strip().upper()
    return code.removeprefix(f"{country}-")


def _tax_tables(rules: Iterable[TaxRule]) -> dict[tuple[str, str], TaxTable]:
    by_place: dict[tuple[str, str], TaxTable] = {}
    for rule in rules:
        by_place.setdefault((rule.country, rule.region), TaxTable())[rule.tax_class] = rule
    tables: dict[tuple[str, str], TaxTable] = {}
    for (country, region), own in by_place.items():
        table = TaxTable(by_place.get((country, ""), {}))
        table.update(own)
        table[EXEMPT] = None
        tables[country, region] = table
    return tables


class QuoteLine(Struct, frozen=True, gc=False):
    """Units of one offer. `tax_minor` is added on top or, when the rule is inclusive, contained."""

    offer: Offer
    quantity: int
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    rule: TaxRule | None


class TaxLine(Struct, frozen=True, gc=False):
    """One line of the breakdown: what a rate was charged on, and what it came to."""

    name: str
    rate_bp: int
    included: bool
    base_minor: int
    amount_minor: int


class CouponEffect(Struct, frozen=True, gc=False):
    """A coupon of this quote and what it took off (0 when it only frees shipping or does not apply)."""

    code: str
    discount_minor: int
    coupon: Coupon | None
    applied: bool


class Problem(Struct, frozen=True, gc=False):
    """Why the quote cannot be ordered as asked. `field` is the part of the request that would mend it."""

    code: str
    field: str
    detail: str


class Totals(Struct, frozen=True, gc=False):
    """The sums. Units: minor units of the quote's currency."""

    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    tax_included_minor: int


class Quote(Struct, frozen=True, gc=False):
    """What the lines come to. Shape: `shipping` is None without a country, or when nothing is shipped."""

    currency: str
    lines: tuple[QuoteLine, ...]
    totals: Totals
    taxes: tuple[TaxLine, ...]
    shipping: ShippingOption | None
    coupons: tuple[CouponEffect, ...]
    claims: tuple[Claim, ...]
    problems: tuple[Problem, ...]
    weight_g: int
    requires_shipping: bool
    rulebook_version: int


Lines = Sequence[tuple[Offer, int]]
