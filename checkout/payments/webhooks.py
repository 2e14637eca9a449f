"""The webhook inbox: verified, kept, answered; applied afterwards, as often and in whatever order they come."""

import time
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from checkout.kit.ids import parse_uuid
from checkout.kit.query import all_storable
from checkout.outbox.model import Later, Row
from checkout.payments.ask import Providers, Unanswered, fact_of, read_reference
from checkout.payments.model import apply
from checkout.payments.providers.protocol import (
    ActionRequired,
    BadSignature,
    Declined,
    PaymentOutcome,
    PaymentProvider,
    Pending,
    Succeeded,
    Voided,
)
from checkout.payments.store import PaymentStore
from config import limits

_NAME_MAX_CHARS = 255


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an event: our reading of it, beside the provider's own words."""

    reference: str | None
    outcome: Succeeded | Declined | ActionRequired | Pending | Voided | None
    event: msgspec.Raw


_decoder = msgspec.json.Decoder(Kept)


async def receive(
    provider: PaymentProvider,
    *,
    headers: Mapping[str, str],
    body: bytes,
    store: PaymentStore,
    now_s: int | None = None,
) -> bool:
    """Verifies and keeps one webhook; False for one that was known. Raises: BadSignature, having stored nothing.

    Cost: one statement.
    """
    event = provider.verify_webhook(
        headers=headers, body=body, now_s=now_s if now_s is not None else int(time.time())
    )
    long = max(len(event.event_id), len(event.kind)) > _NAME_MAX_CHARS
    if long or not all_storable((event.event_id, event.kind, event.payload)):
        raise BadSignature("the body is not an event")
    kept = {
        "reference": event.reference,
        "outcome": msgspec.to_builtins(event.outcome) if event.outcome is not None else None,
        "event": orjson.Fragment(body),
    }
    order_id = parse_uuid(event.order_id) if event.order_id else None
    return await store.receive(
        provider=provider.name,
        event_id=event.event_id,
        kind=event.kind,
        payload=orjson.dumps(kept),
        order_id=order_id,
    )


async def apply_webhook(row: Row, *, store: PaymentStore, providers: Providers) -> None:
    """Applies a kept webhook through the state machine.

    An order that we do not know yet is waited for (the webhook may be faster than the commit that places it), then the
    webhook is parked until its order comes. Raises: Later. Retry: safe.
    """
    kept = await store.webhook(row.subject_id)
    if kept is None or kept["status"] in ("applied", "ignored"):
        await store.close_webhook(row.subject_id, kept["status"] if kept else "ignored", row.id)
        return
    reading = _decoder.decode(kept["payload"])
    named = read_reference(reading.reference)
    outcome: PaymentOutcome | None = reading.outcome
    if named is None or outcome is None or kept["provider"] not in providers:
        await store.close_webhook(row.subject_id, "ignored", row.id)
        return
    order_id, number = named
    state = await store.load(order_id)
    if state is None:
        await _wait(row, kept, store)
        return
    fact = fact_of(outcome, number, state.currency)
    if isinstance(fact, Unanswered):
        await store.close_webhook(row.subject_id, "ignored", row.id)
        return
    before = state
    state = await store.settle(state, lambda now: apply(now, fact))
    await store.close_webhook(row.subject_id, "applied" if state is not before else "ignored", row.id)


async def _wait(row: Row, kept: Any, store: PaymentStore) -> None:
    age_s = float(kept["age_s"])
    if age_s < limits.WEBHOOK_UNKNOWN_ORDER_S:
        raise Later("no such order yet", delay_s=min(30.0, max(0.2, age_s)))
    await store.close_webhook(uuid.UUID(str(kept["id"])), "parked", row.id)
