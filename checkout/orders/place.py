"""Place an order: resolve → quote → admit → decide → answer.

Whatever refuses on the way, a key that has placed its order before gets that order's answer: before a refusal is said,
Postgres is asked for the claim, unless the gate's memory already answers for it.
"""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from checkout.accounts.model import plain_email
from checkout.errors import (
    Conflict,
    Invalid,
    Mismatch,
    NotFound,
    Unavailable,
)
from checkout.kit.cipher import Cipher
from checkout.kit.crash import crash_point
from checkout.kit.ids import uuid7
from checkout.kit.tokens import order_token
from checkout.kit.turn import breathe
from checkout.orders.committer import Committer
from checkout.orders.document import (
    head_of,
    placed_body,
    placed_head,
    stored_document,
)
from checkout.orders.model import Decision, Draft, Earlier, Outdated, Placed, SoldOut
from checkout.orders.personal import addresses_of, seal_order, told
from checkout.orders.purchase import Pricing, Purchase
from checkout.orders.refusals import refused
from checkout.orders.request import CheckoutRequest
from checkout.orders.store import OrderStore
from checkout.quoting.model import Quote
from checkout.quoting.shape import totals_of
from checkout.stock.gate import Gate
from checkout.stock.model import Admission, Item, Verdict
from config import limits
from ratelimit.toll import Toll

_REQUOTES = 3


class CustomerCounters(Protocol):
    """Redemption counters of coupons that are limited per customer."""

    async def counter(self, coupon_id: int, email: str, limit: int) -> int: ...


class Caller(Struct, frozen=True, gc=False):
    """Who asks, and what the request owes its limit."""

    account_id: uuid.UUID | None
    toll: Toll


class Answer(Struct, frozen=True, gc=False):
    """The 201's body."""

    body: bytes
    replayed: bool


class Placer:
    """Places orders for one process. Cost: one gate call and a share of one statement; no other I/O when caches are warm."""

    def __init__(
        self,
        *,
        gate: Gate,
        committer: Committer,
        orders: OrderStore,
        pricing: Pricing,
        cart_ordered: Callable[[str], None],
        counters: CustomerCounters,
        secret: bytes,
        cipher: Cipher,
        providers: frozenset[str],
    ) -> None:
        self._gate = gate
        self._committer = committer
        self._orders = orders
        self._pricing = pricing
        self._cart_ordered = cart_ordered
        self._counters = counters
        self._gateless = asyncio.Semaphore(limits.GATELESS_CONCURRENCY)
        self._secret = secret
        self._cipher = cipher
        self._providers = providers
        self._running: dict[uuid.UUID, uuid.UUID] = {}

    async def place(
        self, request: CheckoutRequest, *, claim_id: uuid.UUID, fingerprint: uuid.UUID, caller: Caller
    ) -> Answer:
        """The order's 201, new or repeated.

        Raises: Mismatch (key used for another request), Conflict `in_progress`, Invalid, OverLimit, Conflict `out_of_stock`,
        `total_changed`, `coupon_used_up`, `cart_ordered`, Unavailable, OutcomeUnknown.
        Retry: always safe with the same key and body.
        """
        running = self._running.setdefault(claim_id, fingerprint)
        if running is not fingerprint:
            caller.toll.waive()
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
            await caller.toll.pay()  # a request over its limit asks Postgres nothing
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
        purchase, quoted = await self._price(request, caller)
        crash_point("checkout.after_quote")
        admission: Admission | None = None
        for _ in range(_REQUOTES):
            extra = await self._customer_counters(quoted, request.email) if quoted.coupons else ()
            if admission is None:
                admission = await self._admit(claim_id, quoted, purchase, caller)
                if admission.verdict is Verdict.SETTLED:
                    earlier = await self._orders.by_claim(claim_id)
                    if earlier is not None:
                        return await self._replay(earlier.id, earlier.fingerprint, fingerprint)
            draft, document = self._draft(
                request, purchase, quoted, extra, claim_id, fingerprint, caller, admission
            )
            decision = await self._decide(draft, admission)
            if isinstance(decision, Placed):
                return self._answer(draft, document, quoted, decision, admission.epoch)
            if isinstance(decision, Outdated):
                self._pricing.forget(quoted)
                quoted = await self._pricing.quote(purchase, request.expected_total)
                continue
            await self._give_back(draft, decision)
            if isinstance(decision, Earlier):
                return await self._replay(decision.id, decision.fingerprint, fingerprint)
            raise refused(decision, quoted)
        await self._gate.give_back([claim_id])
        raise Unavailable("Prices are changing right now; try again in a moment.", retry_after_ms=1000)

    async def _price(self, request: CheckoutRequest, caller: Caller) -> tuple[Purchase, Quote]:
        if request.payment.provider not in self._providers:
            known = ", ".join(sorted(self._providers))
            raise Invalid(f"payment.provider: choose one of {known}", field="payment.provider")
        who = "" if caller.account_id is None else str(caller.account_id)
        purchase = await self._pricing.purchase(request, who=who)
        return purchase, await self._pricing.quote(purchase, request.expected_total)

    async def _decide(self, draft: Draft, admission: Admission) -> Decision:
        """What Postgres says. What no gate admitted may be hopeless: a bounded number at once gets that far."""
        if admission.verdict is not Verdict.CLOSED:
            return await self._committer.submit(draft)
        async with self._gateless:
            return await self._committer.submit(draft)

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
        admission = await self._gate.admit(
            claim_id,
            items,
            turn_in=purchase.hold,
            toll=caller.toll,
        )
        crash_point("admit.after")
        breathe()
        if admission.verdict is Verdict.REFUSED:
            short = {
                item: available
                for (item, units), available in zip(items, admission.available, strict=True)
                if available < units
            }
            raise refused(SoldOut(short), quoted)
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
    ) -> tuple[Draft, bytes]:
        stored, order_id, cipher = stored_document(quoted), uuid7(), self._cipher
        addresses = addresses_of(purchase.address, request.billing_address)
        totals, address = quoted.totals, purchase.address
        goods = {line.offer.item_id: line.offer for line in quoted.lines}
        lines = [
            (item, units, goods[item].unit_minor if item in goods else 0, version)
            for item, units, version in quoted.claims
        ]
        lines += [(counter, 1, 0, 1) for counter in extra]
        draft = Draft(
            id=order_id,
            claim_id=claim_id,
            fingerprint=fingerprint,
            account_id=caller.account_id,
            cart_id=purchase.cart_id,
            personal=seal_order(cipher, order_id, request.email, addresses),
            email_index=cipher.index(plain_email(request.email)),
            country=address.country if address else "",
            currency=quoted.currency,
            subtotal_minor=totals.subtotal_minor,
            discount_minor=totals.discount_minor,
            shipping_minor=totals.shipping_minor,
            tax_minor=totals.tax_minor,
            total_minor=totals.total_minor,
            document=stored,
            payment_provider=request.payment.provider,
            payment_method=request.payment.method,
            lines=lines,
            # A claim that was open already may have been admitted for other lines: let its items be repaired.
            epoch=admission.epoch if admission.verdict is Verdict.ADMITTED else 0,
        )
        return draft, told(addresses, stored)

    def _answer(self, draft: Draft, document: bytes, quoted: Quote, placed: Placed, epoch: int) -> Answer:
        crash_point("answer.before_encode")
        head = placed_head(
            order_id=draft.id,
            number=placed.number,
            currency=draft.currency,
            totals=totals_of(quoted.totals),
            provider=draft.payment_provider,
            method=draft.payment_method,
            placed_at=placed.placed_at,
            payment_deadline=placed.payment_deadline,
        )
        body = placed_body(head, document, order_token(self._secret, draft.id))
        crash_point("settle.before")
        self._gate.settle(draft.claim_id, epoch or self._gate.epoch)
        if draft.cart_id is not None:
            self._cart_ordered(draft.cart_id)
        crash_point("answer.after_encode")
        return Answer(body, False)

    async def _give_back(self, draft: Draft, decision: Decision) -> None:
        """Postgres did not take the claim: its units are free again. Of an unknown outcome nothing is given back."""
        if getattr(decision, "unknown", False) or not draft.epoch:
            return
        crash_point("give_back.before")
        await self._gate.give_back([draft.claim_id])
        crash_point("give_back.after")

    async def _replay(self, order_id: uuid.UUID, known: uuid.UUID, asked: uuid.UUID) -> Answer:
        if known != asked:
            raise Mismatch("This Idempotency-Key placed another order; take a new key for a new order.")
        row = await self._orders.by_id(order_id)
        if row is None:
            raise Unavailable(
                "The order was found and cannot be read; try again in a moment.", retry_after_ms=1000
            )
        body = placed_body(head_of(row), row["document"].encode(), order_token(self._secret, order_id))
        return Answer(body, True)
