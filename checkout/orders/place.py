"""Place an order: resolve → quote → admit → decide → answer.

Whatever refuses on the way, a key that has placed its order before gets that order's answer: before a refusal is said,
Postgres is asked for the claim, unless the gate's memory already answers for it.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from checkout.errors import (
    Conflict,
    Invalid,
    Limited,
    Mismatch,
    NotFound,
    OutcomeUnknown,
    ShopError,
    Unavailable,
)
from checkout.kit.crash import crash_point
from checkout.kit.ids import uuid7
from checkout.kit.lane import Arg
from checkout.kit.tokens import order_token
from checkout.orders.committer import Committer
from checkout.orders.document import (
    Document,
    placed_document,
    placed_from_row,
    stored_document,
    totals_document,
)
from checkout.orders.model import CartUsed, Decision, Draft, Earlier, Outdated, Placed, SoldOut
from checkout.orders.request import Address, CheckoutRequest
from checkout.orders.store import OrderStore
from checkout.quoting.model import Offer, Quote, Rulebook
from checkout.quoting.quote import quote, refusal
from checkout.stock.gate import UNLIMITED, Gate
from checkout.stock.model import Admission, Item, Verdict

_REQUOTES = 3


class CartToOrder(Protocol):
    """What placing needs of a cart. Shape: `lines` sku → quantity; `hold_claim` the claim that its hold has in the gate."""

    id: str
    currency: str
    lines: Mapping[str, int]
    coupons: Sequence[str]
    address: Mapping[str, Any] | None
    shipping_option: str | None
    hold_claim: uuid.UUID | None


class Carts(Protocol):
    """Where carts come from, and who is told that one became an order."""

    async def to_order(self, cart_id: str) -> CartToOrder: ...
    def ordered(self, cart_id: str, order_id: uuid.UUID) -> None: ...


class Offers(Protocol):
    """The priced catalogue of this process."""

    def peek(self, sku: str, currency: str) -> Offer | None: ...
    async def get_many(self, skus: Sequence[str], currency: str) -> Mapping[str, Offer]: ...
    def forget(self, skus: Sequence[str]) -> None: ...


class Rules(Protocol):
    """The rulebook of this process."""

    @property
    def current(self) -> Rulebook: ...


class CustomerCounters(Protocol):
    """Redemption counters of coupons that are limited per customer."""

    async def counter(self, coupon_id: int, email: str, limit: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. Shape: `limit` is (key, emission interval µs, burst) for the gate."""

    account_id: uuid.UUID | None = None
    limit: tuple[Arg, int, int] = UNLIMITED


@dataclass(frozen=True, slots=True)
class Purchase:
    """What is to be bought, resolved from the request and, if it names one, the cart."""

    currency: str
    quantities: Mapping[str, int]
    coupons: Sequence[str]
    address: Address | None
    shipping_option: str | None
    cart_id: str | None
    hold: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The 201's body, and what the limiter said."""

    body: bytes
    replayed: bool
    admission: Admission | None


class Placer:
    """Places orders for one process. Cost: one gate call and a share of one statement; no other I/O when caches are warm."""

    def __init__(
        self,
        *,
        gate: Gate,
        committer: Committer,
        orders: OrderStore,
        offers: Offers,
        rules: Rules,
        carts: Carts,
        counters: CustomerCounters,
        secret: bytes,
        payment_window_s: float,
        providers: frozenset[str],
    ) -> None:
        self._gate = gate
        self._committer = committer
        self._orders = orders
        self._offers = offers
        self._rules = rules
        self._carts = carts
        self._counters = counters
        self._secret = secret
        self._window_s = payment_window_s
        self._providers = providers
        self._running: dict[uuid.UUID, uuid.UUID] = {}

    async def place(
        self, request: CheckoutRequest, *, claim_id: uuid.UUID, fingerprint: uuid.UUID, caller: Caller
    ) -> Answer:
        """The order's 201, new or repeated.

        Raises: Mismatch (key used for another request), Conflict `in_progress`, Invalid, Limited, Conflict `out_of_stock`,
        `total_changed`, `coupon_used_up`, `cart_ordered`, Unavailable, OutcomeUnknown.
        Retry: always safe with the same key and body.
        """
        running = self._running.setdefault(claim_id, fingerprint)
        if running is not fingerprint:
            if running != fingerprint:
                raise Mismatch("This Idempotency-Key is in use for another request; take a new key.")
            raise Conflict(
                "A request with this Idempotency-Key is still running; ask again in a moment.",
                code="in_progress",
                retry_after_ms=200,
            )
        try:
            return await self._place(request, claim_id, fingerprint, caller)
        except (Invalid, NotFound, Conflict) as refused:
            if refused.code == "out_of_stock" and self._gate.is_open and not self._gate.forgets:
                raise
            earlier = await self._orders.by_claim(claim_id)
            if earlier is None:
                raise
            return await self._replay(earlier.id, earlier.fingerprint, fingerprint)
        finally:
            del self._running[claim_id]

    async def _place(
        self, request: CheckoutRequest, claim_id: uuid.UUID, fingerprint: uuid.UUID, caller: Caller
    ) -> Answer:
        crash_point("checkout.after_parse")
        if request.payment.provider not in self._providers:
            known = ", ".join(sorted(self._providers))
            raise Invalid(f"payment.provider: choose one of {known}", field="payment.provider")
        purchase = await self._purchase(request)
        admission: Admission | None = None
        for _ in range(_REQUOTES):
            quoted = await self._quote(purchase, request.expected_total)
            crash_point("checkout.after_quote")
            extra = await self._customer_counters(quoted, request.email)
            if admission is None:
                admission = await self._admit(claim_id, quoted, purchase, caller)
                if admission.verdict is Verdict.SETTLED:
                    earlier = await self._orders.by_claim(claim_id)
                    if earlier is not None:
                        return await self._replay(earlier.id, earlier.fingerprint, fingerprint, admission)
            draft, stored = self._draft(
                request, purchase, quoted, extra, claim_id, fingerprint, caller, admission
            )
            decision = await self._committer.submit(draft)
            if isinstance(decision, Placed):
                return self._answer(draft, stored, quoted, decision, admission)
            if isinstance(decision, Outdated):
                self._offers.forget(list(purchase.quantities))
                continue
            await self._give_back(draft, decision)
            if isinstance(decision, Earlier):
                return await self._replay(decision.id, decision.fingerprint, fingerprint, admission)
            raise _refused(decision, quoted)
        await self._gate.give_back([claim_id])
        raise Unavailable("Prices are changing right now; try again in a moment.", retry_after_ms=1000)

    async def _purchase(self, request: CheckoutRequest) -> Purchase:
        if (request.cart_id is None) == (request.lines is None):
            raise Invalid("Give either cart_id, or lines and currency.", field="cart_id")
        if request.cart_id is not None:
            if request.currency is not None:
                raise Invalid("The cart has its currency already; leave it out.", field="currency")
            cart = await self._carts.to_order(request.cart_id)
            if not cart.lines:
                raise Conflict("The cart is empty; add something to it first.", code="cart_empty")
            address = request.shipping_address
            if address is None and cart.address is not None:
                address = Address(**cart.address)
            return Purchase(
                cart.currency,
                cart.lines,
                [*cart.coupons, *request.coupons],
                address,
                request.shipping_option or cart.shipping_option,
                cart.id,
                cart.hold_claim,
            )
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

    async def _quote(self, purchase: Purchase, expected_total: int | None) -> Quote:
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
                extra={"totals": totals_document(quoted.totals), "currency": currency},
            )
        return quoted

    async def _load(self, purchase: Purchase) -> list[tuple[Offer, int]]:
        found = await self._offers.get_many(list(purchase.quantities), purchase.currency)
        unknown = [sku for sku in purchase.quantities if sku not in found]
        if unknown and purchase.cart_id is not None:
            raise _out_of_stock([(sku, purchase.quantities[sku], 0) for sku in unknown])
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

    async def _customer_counters(self, quoted: Quote, email: str) -> list[int]:
        """Counters that limit a coupon per customer: rare, known to Postgres alone."""
        return [
            await self._counters.counter(effect.coupon.id, email, effect.coupon.per_customer_limit)
            for effect in quoted.coupons
            if effect.applied and effect.coupon is not None and effect.coupon.per_customer_limit is not None
        ]

    async def _admit(
        self, claim_id: uuid.UUID, quoted: Quote, purchase: Purchase, caller: Caller
    ) -> Admission:
        items: list[Item] = [(item, units) for item, units, _ in quoted.claims]
        crash_point("admit.before")
        admission = await self._gate.admit(claim_id, items, turn_in=purchase.hold, limit=caller.limit)
        crash_point("admit.after")
        if admission.verdict is Verdict.LIMITED:
            raise Limited(
                "Too many checkouts from here; wait a moment.",
                retry_after_ms=admission.retry_ms,
                extra={"_admission": admission},
            )
        if admission.verdict is Verdict.REFUSED:
            short = {
                item: available
                for (item, units), available in zip(items, admission.available, strict=True)
                if available < units
            }
            raise _refused(SoldOut(short), quoted)
        return admission

    def _draft(
        self,
        request: CheckoutRequest,
        purchase: Purchase,
        quoted: Quote,
        extra: Sequence[int],
        claim_id: uuid.UUID,
        fingerprint: uuid.UUID,
        caller: Caller,
        admission: Admission,
    ) -> tuple[Draft, Document]:
        stored = stored_document(quoted, purchase.address, request.billing_address)
        totals, address = quoted.totals, purchase.address
        goods = {line.offer.item_id: line.offer for line in quoted.lines}
        lines = [
            (item, units, goods[item].unit_minor if item in goods else 0, version)
            for item, units, version in quoted.claims
        ]
        lines += [(counter, 1, 0, 1) for counter in extra]
        draft = Draft(
            id=uuid7(),
            claim_id=claim_id,
            fingerprint=fingerprint,
            account_id=caller.account_id,
            cart_id=purchase.cart_id,
            email=request.email,
            country=address.country if address else "",
            currency=quoted.currency,
            subtotal_minor=totals.subtotal_minor,
            discount_minor=totals.discount_minor,
            shipping_minor=totals.shipping_minor,
            tax_minor=totals.tax_minor,
            total_minor=totals.total_minor,
            document=orjson.dumps(stored).decode(),
            payment_provider=request.payment.provider,
            payment_method=request.payment.method,
            deadline_s=self._window_s,
            lines=lines,
            # A claim that was open already may have been admitted for other lines: let its items be repaired.
            epoch=admission.epoch if admission.verdict is Verdict.ADMITTED else 0,
        )
        return draft, stored

    def _answer(
        self, draft: Draft, stored: Document, quoted: Quote, placed: Placed, admission: Admission
    ) -> Answer:
        crash_point("answer.before_encode")
        body = orjson.dumps(
            {
                "order": placed_document(
                    order_id=draft.id,
                    number=placed.number,
                    currency=draft.currency,
                    totals=totals_document(quoted.totals),
                    stored=stored,
                    provider=draft.payment_provider,
                    method=draft.payment_method,
                    placed_at=placed.placed_at,
                    payment_deadline=placed.payment_deadline,
                ),
                "access_token": order_token(self._secret, draft.id),
            },
            option=orjson.OPT_UTC_Z,
        )
        crash_point("settle.before")
        self._gate.settle(draft.claim_id, admission.epoch or self._gate.epoch)
        if draft.cart_id is not None:
            self._carts.ordered(draft.cart_id, draft.id)
        crash_point("answer.after_encode")
        return Answer(body, False, admission)

    async def _give_back(self, draft: Draft, decision: Decision) -> None:
        """Postgres did not take the claim: its units are free again. Of an unknown outcome nothing is given back."""
        if getattr(decision, "unknown", False) or not draft.epoch:
            return
        crash_point("give_back.before")
        await self._gate.give_back([draft.claim_id])
        crash_point("give_back.after")

    async def _replay(
        self, order_id: uuid.UUID, known: uuid.UUID, asked: uuid.UUID, admission: Admission | None = None
    ) -> Answer:
        if known != asked:
            raise Mismatch("This Idempotency-Key placed another order; take a new key for a new order.")
        row = await self._orders.by_id(order_id)
        if row is None:
            raise Unavailable(
                "The order was found and cannot be read; try again in a moment.", retry_after_ms=1000
            )
        body = orjson.dumps(
            {"order": placed_from_row(row), "access_token": order_token(self._secret, order_id)},
            option=orjson.OPT_UTC_Z,
        )
        return Answer(body, True, admission)


def _refused(decision: Decision, quoted: Quote) -> ShopError:
    """The error that says why there is no order."""
    if isinstance(decision, SoldOut):
        by_item = {line.offer.item_id: line for line in quoted.lines}
        short = [
            (by_item[item].offer.sku, by_item[item].quantity, max(0, available))
            for item, available in decision.available.items()
            if item in by_item
        ]
        if short:
            return _out_of_stock(short)
        return Conflict(
            "A coupon has been used as often as it may be; take it off and ask again.",
            code="coupon_used_up",
            extra={"field": "coupons"},
        )
    if isinstance(decision, CartUsed):
        return Conflict("This cart is an order already; start a new cart for another.", code="cart_ordered")
    detail = getattr(decision, "detail", "Try again in a moment.")
    if getattr(decision, "unknown", False):
        return OutcomeUnknown(detail, retry_after_ms=1000)
    return Unavailable(detail, retry_after_ms=1000)


def _out_of_stock(lines: Sequence[tuple[str, int, int]]) -> Conflict:
    return Conflict(
        "There is not enough in stock; lower the quantity or take the line out.",
        code="out_of_stock",
        extra={
            "lines": [
                {"sku": sku, "requested": requested, "available": available}
                for sku, requested, available in lines
            ]
        },
    )
