"""A signed-in shopper takes a guest's cart: it becomes the account's open cart, or its lines go into that one.

Postgres says which cart is the account's, under a lock that the account's claims take one after the other; the gate merges,
in one call, whatever edits come meanwhile; both carts are kept before the lock is let go. Without the gate the same merge
runs on the locked rows. Dies between the merge and the commit: the gate has merged, the next claim finds it so.
"""

import uuid
from dataclasses import dataclass

import structlog

from checkout.carts.carts import UNGATED_STEP, Carts
from checkout.carts.hold import HoldGate, Holds
from checkout.carts.live import LiveCarts
from checkout.carts.merge import Merged, merge
from checkout.carts.model import COUPON, LINE, Cart, Fields, Verdict, hold_id
from checkout.carts.persist import Persister
from checkout.carts.store import CartStore, Claiming
from checkout.errors import Conflict, NotFound, ShopError, Unavailable
from config import limits
from ratelimit.toll import PAID, Toll

log = structlog.get_logger()
_TRIES = 6


@dataclass(frozen=True, slots=True)
class Claimed:
    """The account's cart, and what of the guest's did not fit. Shape: `capped` are (sku, units wanted)."""

    cart: Cart
    capped: tuple[tuple[str, int], ...] = ()
    coupons_left_out: tuple[str, ...] = ()


class Claims:
    """Gives carts to accounts. Cost: one transaction of three statements, two calls of the gate."""

    def __init__(
        self,
        carts: Carts,
        live: LiveCarts,
        store: CartStore,
        persister: Persister,
        holds: Holds,
        gate: HoldGate,
    ) -> None:
        self._carts = carts
        self._live = live
        self._store = store
        self._persister = persister
        self._holds = holds
        self._gate = gate

    async def claim(self, cart_id: str, account_id: uuid.UUID, *, toll: Toll = PAID) -> Claimed:
        """The guest's cart is the account's from now on. Retry: safe: a cart that was claimed gives the same cart again.

        Raises: OverLimit, NotFound (also for another account's cart), Conflict (`cart_ordered`; `cart_full`: both stay as
        they are), Unauthenticated, Unavailable.
        """
        who = str(account_id)
        guest = await self._carts.read(cart_id, who=who, toll=toll)
        if guest.merged_into is not None:
            return Claimed(await self._carts.read(guest.merged_into, who=who))
        async with self._store.claiming(account_id, guest.currency, cart_id) as claiming:
            merged = await self._merge(cart_id, who, claiming)
            if not merged.own:  # another claim of the same cart was faster
                return Claimed(await self._carts.read(merged.guest["into"], who=who))
            await claiming.keep({cart_id: merged.guest, claiming.own_id: merged.own})
            own_id = claiming.own_id
        cart = self._carts.seen(own_id, merged.own)
        if "held" in merged.report:
            cart = await self._hold_again(cart, cart_id, who)
        return Claimed(
            cart,
            tuple(
                (field.removeprefix(LINE), int(units))
                for field, units in sorted(merged.report.items())
                if field.startswith(LINE)
            ),
            tuple(field.removeprefix(COUPON) for field in sorted(merged.report) if field.startswith(COUPON)),
        )

    async def _merge(self, cart_id: str, who: str, claiming: Claiming) -> Merged:
        for _ in range(_TRIES):
            await self._carts.settle(cart_id)
            await self._carts.settle(claiming.own_id)
            merged = await self._live.claim(cart_id, claiming.own_id, who)
            if merged.verdict is Verdict.CLOSED:
                merged = await self._without_gate(cart_id, who, claiming)
            elif merged.verdict is Verdict.MISSING:
                missing = cart_id if merged.missing == 1 else claiming.own_id
                if not await self._bring(missing, claiming):
                    merged = Merged(Verdict.FOREIGN if missing == cart_id else Verdict.GONE, {}, {}, {})
            elif merged.verdict is Verdict.DONE:
                self._persister.mark(cart_id, merged.guest)
                if merged.own:
                    self._persister.mark(claiming.own_id, merged.own)
            match merged.verdict:
                case Verdict.DONE:
                    return merged
                case Verdict.GONE:
                    await claiming.point(cart_id)
                case Verdict.ORDERED:
                    raise Conflict("This cart has been ordered; begin a new one.", code="cart_ordered")
                case Verdict.LINES_FULL:
                    raise Conflict(
                        f"Together the carts have more than {limits.CART_LINES_MAX} articles; take some out first.",
                        code="cart_full",
                    )
                case Verdict.FOREIGN:
                    raise NotFound("There is no such cart.", code="unknown_cart")
        raise Unavailable("The cart is being moved; try again.", code="gate_away", retry_after_ms=500)

    async def _bring(self, cart_id: str, claiming: Claiming) -> bool:
        """Puts the kept copy into the gate; False when there is none."""
        fields = self._persister.pending(cart_id) or await claiming.get(cart_id)
        if fields is not None:
            await self._live.restore(cart_id, {k: v for k, v in fields.items() if k != "hold"})
        return fields is not None

    async def _without_gate(self, cart_id: str, who: str, claiming: Claiming) -> Merged:
        own_id = claiming.own_id
        kept = await claiming.lock([cart_id, own_id])
        guest = self._newest(cart_id, kept.get(cart_id, {}))
        own = None if own_id == cart_id else self._newest(own_id, kept.get(own_id, {}))
        merged = merge(guest, own, account=who, own_id=own_id)
        if merged.verdict is Verdict.MISSING:
            return Merged(Verdict.GONE if merged.missing == 2 else Verdict.FOREIGN, {}, {}, {})
        if merged.verdict is not Verdict.DONE:
            return merged
        merged = Merged(
            merged.verdict, _outrank(guest, merged.guest), _outrank(own or guest, merged.own), merged.report
        )
        self._carts.ungated(cart_id, merged.guest)
        if merged.own:
            self._carts.ungated(own_id, merged.own)
        return merged

    def _newest(self, cart_id: str, kept: Fields) -> Fields:
        pending = self._persister.pending(cart_id)
        newest = kept if pending is None or int(pending["v"]) <= int(kept.get("v", "0")) else pending
        return {name: value for name, value in newest.items() if name != "hold"}

    async def _hold_again(self, cart: Cart, guest_id: str, who: str) -> Cart:
        """The holds of the two carts ended with the merge; the whole is held instead, if it can be had."""
        await self._gate.release(hold_id(guest_id))
        await self._gate.release(hold_id(cart.id))
        try:
            return await self._holds.place(cart.id, expected=None, who=who)
        except ShopError as error:
            log.info("claimed cart not held again", code=error.code)
            return cart


def _outrank(before: Fields, after: Fields) -> Fields:
    """A version made without the gate jumps, as in `Carts.edit`."""
    if after == before or not after:
        return after
    return after | {"v": str(int(after["v"]) - 1 + UNGATED_STEP)}
