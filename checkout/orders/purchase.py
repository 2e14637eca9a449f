"""What is to be bought, and what it comes to: the request and its cart, resolved and quoted."""

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from checkout.carts.model import Cart, hold_id
from checkout.carts.request import CartAddress
from checkout.errors import Conflict, Invalid
from checkout.orders.refusals import out_of_stock
from checkout.orders.request import Address, CheckoutRequest
from checkout.quoting.model import Offer, Quote, Rulebook
from checkout.quoting.quote import quote, refusal
from checkout.quoting.shape import totals_of


class Carts(Protocol):
    """Where carts come from."""

    async def read(self, cart_id: str, *, who: str = "") -> Cart: ...


class Offers(Protocol):
    """The priced catalogue of this process."""

    def peek(self, sku: str, currency: str) -> Offer | None: ...
    async def get_many(self, skus: Sequence[str], currency: str) -> Mapping[str, Offer]: ...
    def invalidate(self, payload: str) -> None: ...


class Rules(Protocol):
    """The rulebook of this process."""

    @property
    def current(self) -> Rulebook: ...


class Purchase(Struct, frozen=True, gc=False):
    """What is to be bought, resolved from the request and, if it names one, the cart."""

    currency: str
    quantities: Mapping[str, int]
    coupons: Sequence[str]
    address: Address | None
    shipping_option: str | None
    cart_id: str | None
    hold: uuid.UUID | None


class Pricing:
    """Resolves and quotes for one process. Cost: no I/O while caches are warm, but for one gate call to read a cart."""

    def __init__(self, *, carts: Carts, offers: Offers, rules: Rules) -> None:
        self._carts = carts
        self._offers = offers
        self._rules = rules

    async def purchase(self, request: CheckoutRequest, *, who: str = "") -> Purchase:
        """The request, resolved; `who` asks: an account's id, or empty.

        Raises: Invalid, NotFound, Conflict (`cart_empty`, `cart_ordered`), Unavailable.
        """
        if (request.cart_id is None) == (request.lines is None):
            raise Invalid("Give either cart_id, or lines and currency.", field="cart_id")
        if request.cart_id is not None:
            if request.currency is not None:
                raise Invalid("The cart has its currency already; leave it out.", field="currency")
            return await self._of_cart(request.cart_id, request, who)
        if request.currency is None:
            raise Invalid("currency: needed with lines", field="currency")
        quantities: dict[str, int] = {}
        for line in request.lines or ():
            quantities[line.sku] = quantities.get(line.sku, 0) + line.quantity
        return Purchase(
            request.currency,
            quantities,
            request.coupons,
            request.shipping_address,
            request.shipping_option,
            None,
            None,
        )

    async def _of_cart(self, cart_id: str, request: CheckoutRequest, who: str) -> Purchase:
        cart = await self._carts.read(cart_id, who=who)
        if cart.ordered:
            raise Conflict("This cart is an order already; start a new cart.", code="cart_ordered")
        if not cart.lines:
            raise Conflict("The cart is empty; add something to it first.", code="cart_empty")
        return Purchase(
            cart.currency,
            dict(cart.lines),
            [*cart.coupons, *request.coupons],
            request.shipping_address or _full(cart.address),
            request.shipping_option or cart.shipping_code,
            cart.id,
            hold_id(cart.id) if cart.hold_until_ms else None,
        )

    async def quote(self, purchase: Purchase, expected_total: int | None) -> Quote:
        """What it comes to. Raises: Invalid, Conflict (`out_of_stock`, `total_changed`, coupon codes), Unavailable."""
        currency, peek = purchase.currency, self._offers.peek
        lines = []
        for sku, quantity in purchase.quantities.items():
            offer = peek(sku, currency)
            if offer is None:
                lines = await self._load(purchase)
                break
            lines.append((offer, quantity))
        address = purchase.address
        quoted = quote(
            lines,
            currency=currency,
            rulebook=self._rules.current,
            country=address.country if address else None,
            region=(address.region or "") if address else "",
            shipping_code=purchase.shipping_option,
            coupon_codes=purchase.coupons,
            now_ms=int(time.time() * 1000),
        )
        if quoted.problems:
            raise refusal(quoted.problems[0])
        if address is None and quoted.requires_shipping:
            raise Invalid("shipping_address: these goods are shipped; say where to", field="shipping_address")
        if expected_total is not None and expected_total != quoted.totals.total_minor:
            raise Conflict(
                "The total has changed since you saw it; show the new one and ask again.",
                code="total_changed",
                extra={"totals": msgspec.to_builtins(totals_of(quoted.totals)), "currency": currency},
            )
        return quoted

    async def _load(self, purchase: Purchase) -> list[tuple[Offer, int]]:
        found = await self._offers.get_many(list(purchase.quantities), purchase.currency)
        unknown = [sku for sku in purchase.quantities if sku not in found]
        if unknown and purchase.cart_id is not None:
            raise out_of_stock([(sku, purchase.quantities[sku], 0) for sku in unknown])
        if unknown:
            order = list(purchase.quantities)
            raise Invalid(
                f"{unknown[0]}: not sold here in {purchase.currency}",
                errors=[
                    (f"lines[{order.index(sku)}].sku", f"{sku} is not sold here in {purchase.currency}")
                    for sku in unknown
                ],
                code="unknown_sku",
            )
        return [(found[sku], quantity) for sku, quantity in purchase.quantities.items()]

    def forget(self, quoted: Quote) -> None:
        """These offers turned out to be outdated: load them again."""
        for line in quoted.lines:
            self._offers.invalidate(line.offer.product_id)


def _full(address: CartAddress | None) -> Address | None:
    """A cart's address, when it is complete enough to ship to."""
    if address is None:
        return None
    try:
        return msgspec.convert(msgspec.to_builtins(address), Address)
    except msgspec.ValidationError:
        return None
