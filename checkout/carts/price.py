"""What a cart comes to, from the offers and rules that this process knows."""

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from checkout.carts.model import Cart
from checkout.quoting.model import Offer, Quote, Rulebook, ShippingOption
from checkout.quoting.quote import quote
from checkout.quoting.shipping import shipping_options


class Offers(Protocol):
    """The priced catalogue of this process."""

    def peek(self, sku: str, currency: str) -> Offer | None: ...

    async def get_many(self, skus: Iterable[str], currency: str) -> Mapping[str, Offer]: ...


class Rules(Protocol):
    """The rulebook of this process."""

    @property
    def current(self) -> Rulebook: ...


class Priced(Struct, frozen=True):
    """The quote of a cart, and the lines that are not for sale any more and count for nothing."""

    quote: Quote
    gone: tuple[tuple[str, int], ...]


class Pricing:
    """Prices carts. Cost: no I/O while all offers are known to this process."""

    def __init__(self, offers: Offers, rules: Rules) -> None:
        self._offers = offers
        self._rules = rules

    @property
    def rulebook(self) -> Rulebook:
        """The rules in force."""
        return self._rules.current

    def knows(self, sku: str, currency: str) -> bool:
        """Whether this process knows an offer of the SKU, so that `offer` asks nobody."""
        return self._offers.peek(sku, currency) is not None

    async def offer(self, sku: str, currency: str) -> Offer | None:
        """The offer of a SKU, or None when it is not for sale in this currency. Raises: Unavailable."""
        return self._offers.peek(sku, currency) or (await self._offers.get_many((sku,), currency)).get(sku)

    async def of(self, cart: Cart, *, shipping_code: str | None = None, coupon: str | None = None) -> Priced:
        """The cart's price; with another shipping option or one more coupon, to see what they would do.

        Raises: Unavailable.
        """
        currency, peek = cart.currency, self._offers.peek
        lines: list[tuple[Offer, int]] = []
        gone: list[tuple[str, int]] = []
        for sku, quantity in cart.lines:
            offer = peek(sku, currency)
            if offer is None:
                lines, gone = await self._load(cart)
                break
            lines.append((offer, quantity))
        quoted = quote(
            lines,
            currency=currency,
            rulebook=self._rules.current,
            country=cart.country,
            region=cart.region,
            shipping_code=shipping_code or cart.shipping_code,
            coupon_codes=cart.coupons if coupon is None else (*cart.coupons, coupon),
            now_ms=int(time.time() * 1000),
        )
        return Priced(quoted, tuple(gone))

    async def _load(self, cart: Cart) -> tuple[list[tuple[Offer, int]], list[tuple[str, int]]]:
        found = await self._offers.get_many([sku for sku, _ in cart.lines], cart.currency)
        lines = [(found[sku], quantity) for sku, quantity in cart.lines if sku in found]
        return lines, [(sku, quantity) for sku, quantity in cart.lines if sku not in found]

    def options(self, priced: Priced, *, country: str) -> tuple[ShippingOption, ...]:
        """The shipping options of these goods to a country, cheapest first."""
        quoted = priced.quote
        return shipping_options(
            self.rulebook,
            country=country,
            currency=quoted.currency,
            weight_g=quoted.weight_g,
            goods_minor=quoted.totals.subtotal_minor - quoted.totals.discount_minor,
            free_shipping=any(
                effect.applied and effect.coupon is not None and effect.coupon.kind == "free_shipping"
                for effect in quoted.coupons
            ),
        )
