"""What coupons take off, and how a discount is spread over lines."""

from collections.abc import Mapping, Sequence

from checkout.quoting.model import Coupon, CouponEffect, Problem
from config.limits import BASIS_POINTS

_KIND_ORDER = {"percent": 0, "amount": 1, "free_shipping": 2}


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Spreads an amount in proportion to the weights, to the last minor unit.

    Shape: as many parts as weights; they sum to `amount` (0 when all weights are 0); with
    `amount <= sum(weights)` no part exceeds its weight.
    Source: the largest-remainder method; ties go to the earlier line.
    """
    whole = sum(weights)
    if not amount or not whole:
        return [0] * len(weights)
    shares = [amount * weight // whole for weight in weights]
    left = amount - sum(shares)
    if left:
        by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % whole), i))
        for i in by_remainder[:left]:
            shares[i] += 1
    return shares


def obstacle(coupon: Coupon, *, currency: str, subtotal: int, now_ms: int) -> Problem | None:
    """Why the coupon takes nothing off these lines now, or None."""
    field = f"coupons.{coupon.code}"
    if now_ms < coupon.valid_from_ms:
        return Problem("coupon_not_yet_valid", field, f"{coupon.code} is not valid yet.")
    if coupon.valid_until_ms is not None and now_ms >= coupon.valid_until_ms:
        return Problem("coupon_expired", field, f"{coupon.code} has expired.")
    if coupon.currency is not None and coupon.currency != currency:
        return Problem(
            "coupon_not_applicable", field, f"{coupon.code} is for purchases in {coupon.currency}."
        )
    if subtotal < coupon.min_subtotal_minor:
        return Problem("coupon_not_applicable", field, f"{coupon.code} needs a larger subtotal.")
    return None


def redeem(
    codes: Sequence[str], coupons: Mapping[str, Coupon], *, currency: str, subtotal: int, now_ms: int
) -> tuple[int, bool, tuple[CouponEffect, ...], tuple[Problem, ...]]:
    """(discount, free shipping, effects, problems). Percentages come first, each of what is left, half up."""
    problems: list[Problem] = []
    idle: list[CouponEffect] = []
    usable: list[Coupon] = []
    for code in sorted({code.strip().upper() for code in codes}):
        coupon = coupons.get(code)
        if coupon is None:
            problem: Problem | None = Problem(
                "unknown_coupon", f"coupons.{code}", f"{code} is not a coupon of this shop."
            )
        else:
            problem = obstacle(coupon, currency=currency, subtotal=subtotal, now_ms=now_ms)
        if problem is not None:
            problems.append(problem)
            idle.append(CouponEffect(code, 0, coupon, False))
        elif coupon is not None:
            usable.append(coupon)
    usable.sort(key=lambda coupon: (_KIND_ORDER[coupon.kind], coupon.code))
    left = subtotal
    free_shipping = False
    effects: list[CouponEffect] = []
    for coupon in usable:
        if coupon.kind == "percent":
            off = (left * coupon.percent_bp * 2 + BASIS_POINTS) // (2 * BASIS_POINTS)
        elif coupon.kind == "amount":
            off = min(left, coupon.amount_minor)
        else:
            off = 0
            free_shipping = True
        left -= off
        effects.append(CouponEffect(coupon.code, off, coupon, True))
    return subtotal - left, free_shipping, (*effects, *idle), tuple(problems)
