"""The cart as the contract spells it."""

from datetime import UTC, datetime

from checkout.carts.model import Cart
from checkout.carts.price import Priced
from checkout.carts.shape import CartAnswer, CartCoupon, CartLine, CartShipping, Obstacle, OfferedShipping
from checkout.quoting.model import QuoteLine, ShippingOption
from checkout.quoting.shape import tax_shares, totals_of


def cart_answer(cart: Cart, priced: Priced, *, now_ms: int) -> CartAnswer:
    """The cart with its price; lines that are not for sale any more come last and cost nothing.

    Shape: `hold_expires_at` and the countdown `hold_expires_in_s` are null unless the cart is held now.
    Cost: about 3 µs for three lines.
    """
    quote = priced.quote
    option = quote.shipping
    held = cart.hold_until_ms > now_ms
    return CartAnswer(
        id=cart.id,
        version=cart.version,
        status="ordered" if cart.ordered else "open" if cart.merged_into is None else "merged",
        currency=cart.currency,
        lines=[_line(line) for line in quote.lines]
        + [CartLine(sku, quantity, False, 0, 0, 0, 0) for sku, quantity in priced.gone],
        coupons=[
            CartCoupon(
                effect.code,
                None if effect.coupon is None else effect.coupon.kind,
                effect.applied,
                effect.discount_minor,
            )
            for effect in quote.coupons
        ],
        country=cart.country,
        address=cart.address,
        shipping_option=None if option is None else CartShipping(*_option(option)),
        requires_shipping=quote.requires_shipping,
        totals=totals_of(quote.totals, tax_shares(quote.taxes)),
        problems=[Obstacle(problem.code, problem.field, problem.detail) for problem in quote.problems]
        + [
            Obstacle("not_for_sale", f"lines.{sku}", f"{sku} is not for sale any more.")
            for sku, _ in priced.gone
        ],
        hold_expires_at=datetime.fromtimestamp(cart.hold_until_ms // 1000, UTC) if held else None,
        hold_expires_in_s=(cart.hold_until_ms - now_ms) // 1000 if held else None,
        merged_into=cart.merged_into,
    )


def _line(line: QuoteLine) -> CartLine:
    """Shape: `total` is what the shopper pays for it: subtotal - discount + tax added on top."""
    offer, rule = line.offer, line.rule
    added = 0 if rule is None or rule.inclusive else line.tax_minor
    return CartLine(
        offer.sku,
        line.quantity,
        True,
        line.subtotal_minor,
        line.discount_minor,
        added,
        line.subtotal_minor - line.discount_minor + added,
        line.tax_minor - added if rule is not None else line.tax_minor,
        0 if rule is None else rule.rate_bp,
        offer.unit_minor,
        offer.product_id,
        offer.slug,
        offer.title,
    )


def _option(option: ShippingOption) -> tuple[str, str, int, int, int]:
    return option.code, option.title, option.amount_minor, option.days_min, option.days_max


def offered(option: ShippingOption) -> OfferedShipping:
    """A way to ship, with what to choose it by."""
    return OfferedShipping(*_option(option), option=option.code)
