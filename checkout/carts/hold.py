"""Holds: every line of a cart reserved in the gate for a while, all or nothing, also when a held cart is edited."""

import time
import uuid
from collections.abc import Sequence
from typing import Protocol

from checkout.carts.carts import Carts, Held
from checkout.carts.model import Cart, Op, Verdict, apply, hold_id
from checkout.carts.price import Priced, Pricing
from checkout.errors import Conflict, Stale, Unavailable
from checkout.stock.model import HoldResult, Item
from ratelimit.toll import PAID, Toll

_TRIES = 5


class HoldGate(Protocol):
    """What is needed of the stock gate."""

    async def hold(self, claim_id: uuid.UUID, items: Sequence[Item], *, ttl_s: float) -> HoldResult: ...

    async def release(self, claim_id: uuid.UUID) -> None: ...


class Holds:
    """Places, renews, follows and ends the holds of carts. Limited coupons are held with the goods."""

    def __init__(self, carts: Carts, pricing: Pricing, gate: HoldGate, *, ttl_s: float) -> None:
        self._carts = carts
        self._pricing = pricing
        self._gate = gate
        self._ttl_s = ttl_s

    async def place(self, cart_id: str, *, expected: int | None, who: str = "", toll: Toll = PAID) -> Cart:
        """Holds every line, or renews the hold there is.

        Raises: OverLimit, NotFound, Stale, Conflict (`cart_empty`, `out_of_stock`, `coupon_used_up`, `cart_ordered`),
        Unavailable while the gate is away. Retry: safe, by the cart's id.
        """
        for _ in range(_TRIES):
            cart = await self._carts.read(cart_id, who=who, toll=toll)
            if expected is not None and cart.version != expected:
                raise Stale(f"The cart is at version {cart.version}.", extra={"version": cart.version})
            if cart.ordered:
                raise Conflict("This cart has been ordered; begin a new one.", code="cart_ordered")
            if cart.merged_into is not None:
                raise Conflict(
                    "This cart went into the account's own; go on with that one.", code="cart_merged"
                )
            until_ms = await self._take(cart, ttl_s=self._ttl_s)
            try:
                hold: list[Op] = [("S", "hold", str(until_ms))]
                return await self._carts.edit(cart_id, hold, expected=cart.version, who=who)
            except Stale:
                if expected is not None:
                    await self._gate.release(hold_id(cart_id))
                    raise
        await self._gate.release(hold_id(cart_id))
        raise _contended()

    async def end(self, cart_id: str, *, expected: int | None, who: str = "", toll: Toll = PAID) -> Cart:
        """Gives the held units back. Raises: OverLimit, NotFound, Stale, Unavailable. Retry: safe."""
        cart = await self._carts.edit(cart_id, [("D", "hold", "")], expected=expected, who=who, toll=toll)
        await self._gate.release(hold_id(cart_id))
        return cart

    async def edit(
        self, cart_id: str, ops: Sequence[Op], *, expected: int | None, who: str = "", toll: Toll = PAID
    ) -> Cart:
        """Edits lines or coupons; when the cart is held, the hold follows first, or nothing changes.

        Raises: what `Carts.edit` raises, and Conflict (`out_of_stock`, `coupon_used_up`) for a held cart.
        """
        for _ in range(_TRIES):
            try:
                return await self._carts.edit(
                    cart_id, ops, expected=expected, guard_hold=True, who=who, toll=toll
                )
            except Held as held:
                cart, fields = held.cart, held.fields
            verdict, after = apply(fields, ops, expected=None, guard_hold=False, now_ms=0, who=who)
            if verdict is not Verdict.DONE or after is fields:
                return await self._carts.edit(cart_id, ops, expected=cart.version, who=who)
            left_s = cart.hold_until_ms / 1000 - time.time()
            target = self._carts.seen(cart_id, after)
            follow: list[Op] = list(ops)
            if target.lines and left_s > 0:
                await self._take(target, ttl_s=left_s)
            else:
                await self._gate.release(hold_id(cart_id))
                follow.append(("D", "hold", ""))
            try:
                return await self._carts.edit(cart_id, follow, expected=cart.version, who=who)
            except Stale:
                if expected is not None:
                    raise
        raise _contended()

    async def _take(self, cart: Cart, *, ttl_s: float) -> int:
        if not cart.lines:
            raise Conflict("The cart is empty; add something to it first.", code="cart_empty")
        priced = await self._pricing.of(cart)
        if priced.gone:
            raise _out_of_stock([(sku, quantity, 0) for sku, quantity in priced.gone])
        items = [(item_id, quantity) for item_id, quantity, _ in priced.quote.claims]
        result = await self._gate.hold(hold_id(cart.id), items, ttl_s=ttl_s)
        if result.held:
            return result.expires_at_ms
        available = {item_id: units for (item_id, _), units in zip(items, result.available, strict=True)}
        raise _short(priced, available)


def _short(priced: Priced, available: dict[int, int]) -> Conflict:
    lines = [
        (line.offer.sku, line.quantity, max(0, available[line.offer.item_id]))
        for line in priced.quote.lines
        if available[line.offer.item_id] < line.quantity
    ]
    if lines:
        return _out_of_stock(lines)
    used_up = [
        effect.code
        for effect in priced.quote.coupons
        if effect.coupon is not None and available.get(effect.coupon.item_id or 0, 1) < 1
    ]
    return Conflict(
        f"{', '.join(used_up)} has been used up.", code="coupon_used_up", extra={"coupons": used_up}
    )


def _out_of_stock(lines: Sequence[tuple[str, int, int]]) -> Conflict:
    return Conflict(
        "Not all of these can be had in the quantity asked for.",
        code="out_of_stock",
        extra={
            "lines": [
                {"sku": sku, "requested": requested, "available": units} for sku, requested, units in lines
            ]
        },
    )


def _contended() -> Unavailable:
    return Unavailable("The cart is being edited by others; try again.", retry_after_ms=200)
