"""Reads and edits carts wherever they are: in the gate; from Postgres when the gate lacks one or is away."""

import asyncio
import re
import time
import uuid
from collections.abc import Sequence

import structlog

from checkout.carts.live import LiveCarts
from checkout.carts.model import COUPON, LINE, Cart, Fields, Op, Verdict, apply, new_fields, parse
from checkout.carts.persist import Persister
from checkout.carts.personal import opener, seal_address
from checkout.carts.request import CartAddress
from checkout.carts.store import CartStore
from checkout.errors import Conflict, NotFound, ShopError, Stale, Unavailable
from checkout.kit.cipher import Cipher
from checkout.kit.db import PostgresError
from checkout.kit.ids import secret_id
from config import limits
from ratelimit.toll import PAID, Toll

log = structlog.get_logger()
_TRIES = 4
_ID = re.compile(rf"[A-Za-z0-9_-]{{{limits.CART_ID_MIN_CHARS},{limits.CART_ID_MAX_CHARS}}}")
UNGATED_STEP = 1_000
"""A version made without the gate jumps, so that it outranks whatever another process made in the gate meanwhile."""


class Held(Exception):
    """The cart is held: hold its new lines first."""

    def __init__(self, cart: Cart, fields: Fields) -> None:
        super().__init__(cart.id)
        self.cart = cart
        self.fields = fields


class Carts:
    """All carts, as one process sees them.

    Cost: one call of the gate; more only for a cart that the gate does not have.
    """

    def __init__(self, live: LiveCarts, store: CartStore, persister: Persister, cipher: Cipher) -> None:
        self._live = live
        self._store = store
        self._persister = persister
        self._cipher = cipher
        self._opened = opener(cipher)
        self._currencies: dict[str, str] = {}
        self._ungated: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to keep what is edited, and to hand over what was edited without the gate."""
        self._persister.start()
        self._task = asyncio.create_task(self._keep_handing_over(), name="cart-hand-over")

    async def stop(self) -> None:
        """Keeps what is left, then ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._persister.stop()

    async def create(
        self,
        currency: str,
        ops: Sequence[Op],
        *,
        country: str | None,
        account_id: uuid.UUID | None = None,
        toll: Toll = PAID,
    ) -> Cart:
        """A new cart with these lines. Raises: OverLimit, Unavailable."""
        self._persister.ensure_room()
        cart_id = secret_id()
        fields = new_fields(currency, country=country, account_id=account_id)
        for kind, field, value in ops:
            fields[field] = f"{value} {len(fields)}" if kind == "Q" else value
        verdict, _ = await self._live.restore(cart_id, fields, toll=toll)
        if verdict is Verdict.CLOSED:
            await self._store.keep({cart_id: fields})
            self._ungated[cart_id] = 1
        else:
            self._persister.mark(cart_id, fields)
        return self.seen(cart_id, fields)

    async def read(self, cart_id: str, *, who: str = "", toll: Toll = PAID) -> Cart:
        """The cart as it is now. Raises: NotFound, also for what is another account's; OverLimit, Unavailable."""
        return await self.edit(cart_id, (), who=who, toll=toll)

    async def currency(self, cart_id: str, *, who: str = "", toll: Toll = PAID) -> str:
        """The cart's currency, which never changes. Raises: NotFound, OverLimit, Unavailable. Cost: no call, mostly."""
        known = self._currencies.get(cart_id)
        return known if known is not None else (await self.read(cart_id, who=who, toll=toll)).currency

    async def _keep_handing_over(self) -> None:
        while True:
            await asyncio.sleep(limits.CART_PERSIST_INTERVAL_S)
            try:
                await self.hand_over_all()
            except (ShopError, PostgresError) as error:
                log.warning("carts_not_handed_over", carts=len(self._ungated), error=str(error))

    async def edit(
        self,
        cart_id: str,
        ops: Sequence[Op],
        *,
        expected: int | None = None,
        guard_hold: bool = False,
        who: str = "",
        toll: Toll = PAID,
    ) -> Cart:
        """Applies the ops, if the cart is at version `expected` (None: at any).

        Shape: `who` asks: an account's id, empty for nobody signed in, or ANYBODY; the first call pays the `toll`.
        Raises: OverLimit, NotFound, Stale, Conflict (`cart_full`, `cart_ordered`, `cart_merged`), Held (only with
        `guard_hold`), Unavailable.
        """
        if _ID.fullmatch(cart_id) is None:
            raise _unknown()
        if ops:
            self._persister.ensure_room()
        for _ in range(_TRIES):
            if cart_id in self._ungated:
                await toll.pay()  # what a limit refuses asks Postgres nothing
                await self._hand_over(cart_id)
            verdict, fields = await self._live.edit(
                cart_id, ops, expected=expected, guard_hold=guard_hold, who=who, toll=toll
            )
            if verdict is Verdict.CLOSED:
                verdict, fields = await self._without_gate(cart_id, ops, expected, who)
            elif verdict is Verdict.MISSING:
                await self.bring(cart_id)
                continue
            elif verdict is Verdict.DONE and ops:
                self._persister.mark(cart_id, fields)
            return self._judge(cart_id, verdict, fields)
        raise Unavailable("The cart is being moved; try again.", code="gate_away", retry_after_ms=500)

    def _judge(self, cart_id: str, verdict: Verdict, fields: Fields) -> Cart:
        if verdict in (Verdict.MISSING, Verdict.FOREIGN):
            raise _unknown()
        cart = self.seen(cart_id, fields)
        match verdict:
            case Verdict.STALE:
                raise Stale(f"The cart is at version {cart.version}.", extra={"version": cart.version})
            case Verdict.LINES_FULL:
                raise Conflict(f"A cart takes {limits.CART_LINES_MAX} different articles.", code="cart_full")
            case Verdict.COUPONS_FULL:
                raise Conflict(f"A cart takes {limits.COUPONS_MAX} coupons.", code="cart_full")
            case Verdict.ORDERED if cart.merged_into is not None:
                raise Conflict(
                    "This cart went into the account's own; go on with that one.", code="cart_merged"
                )
            case Verdict.ORDERED:
                raise Conflict("This cart has been ordered; begin a new one.", code="cart_ordered")
            case Verdict.HELD:
                raise Held(cart, fields)
        return cart

    async def set_address(
        self,
        cart_id: str,
        address: CartAddress,
        *,
        expected: int | None = None,
        who: str = "",
        toll: Toll = PAID,
    ) -> Cart:
        """Sets where the cart goes. Raises: as `edit`."""
        sealed = seal_address(self._cipher, cart_id, address)
        return await self.edit(cart_id, [("S", "addr", sealed)], expected=expected, who=who, toll=toll)

    async def empty(self, cart_id: str, account_id: uuid.UUID) -> None:
        """Takes everything out of a cart of this account, and leaves it to nobody. Raises: as `edit`."""
        who = str(account_id)
        fields = ["acct", "addr", "ship", "hold"]
        cart = await self.read(cart_id, who=who)
        fields += [LINE + sku for sku, _ in cart.lines] + [COUPON + code for code in cart.coupons]
        await self.edit(cart_id, [("D", field, "") for field in fields], who=who)

    def ungated(self, cart_id: str, fields: Fields) -> None:
        """This cart was changed without the gate: its copy there is an old one until it is handed over."""
        self._ungated[cart_id] = int(fields["v"])

    async def settle(self, cart_id: str) -> None:
        """Hands over what was changed without the gate, before the gate is asked for it. Cost: nothing, mostly."""
        if cart_id in self._ungated:
            await self._hand_over(cart_id)

    async def bring(self, cart_id: str) -> None:
        """Puts the kept copy into the gate. Raises: NotFound."""
        fields = self._persister.pending(cart_id) or await self._store.get(cart_id)
        if fields is None:
            raise _unknown()
        await self._live.restore(cart_id, {name: value for name, value in fields.items() if name != "hold"})

    async def _hand_over(self, cart_id: str) -> None:
        """After an edit without the gate, the gate's copy is an old one: the kept one takes its place."""
        fields = await self._store.get(cart_id)
        if fields is None:
            self._ungated.pop(cart_id, None)
            return
        verdict, _ = await self._live.restore(cart_id, fields)
        if verdict is not Verdict.CLOSED:
            self._ungated.pop(cart_id, None)

    async def hand_over_all(self) -> None:
        """Tells the gate of every edit made without it, so that other processes see them too. Raises: Unavailable."""
        for cart_id in list(self._ungated):
            await self._hand_over(cart_id)

    async def _without_gate(
        self, cart_id: str, ops: Sequence[Op], expected: int | None, who: str
    ) -> tuple[Verdict, Fields]:
        """The same edit on Postgres. A hold ends: it lives in the gate alone."""
        pending = self._persister.pending(cart_id)
        if not ops:
            kept = await self._store.get(cart_id) or {}
            if pending is not None and int(pending["v"]) > int(kept.get("v", "0")):
                kept = pending
            return apply(kept, (), expected=expected, guard_hold=False, now_ms=0, who=who)

        def change(fields: Fields) -> tuple[Verdict, Fields]:
            free = {name: value for name, value in fields.items() if name != "hold"}
            verdict, after = apply(
                free, ops, expected=expected, guard_hold=False, now_ms=int(time.time() * 1000), who=who
            )
            if not after or after is free:
                return verdict, fields
            after["v"] = str(int(after["v"]) - 1 + UNGATED_STEP)
            return verdict, after

        verdict, after = await self._store.change(cart_id, change, pending=pending)
        if verdict is Verdict.DONE:
            self.ungated(cart_id, after)
        return verdict, after

    def seen(self, cart_id: str, fields: Fields) -> Cart:
        """The cart that these fields spell; its currency is remembered."""
        currencies = self._currencies
        if cart_id not in currencies:
            if len(currencies) >= limits.CART_CURRENCIES_MAX:
                del currencies[next(iter(currencies))]
            currencies[cart_id] = fields["cur"]
        return parse(cart_id, fields, self._opened)


def _unknown() -> NotFound:
    return NotFound("There is no such cart.", code="unknown_cart")
