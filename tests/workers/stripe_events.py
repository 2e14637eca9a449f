"""Events and signatures as Stripe would send them, and as others would."""

import hashlib
import hmac
import time
import uuid
from typing import Any

import orjson

from config import limits

_KINDS = {
    "pending": ("processing", "payment_intent.processing"),
    "action_required": ("requires_action", "payment_intent.requires_action"),
    "declined": ("requires_payment_method", "payment_intent.payment_failed"),
    "succeeded": ("succeeded", "payment_intent.succeeded"),
    "voided": ("canceled", "payment_intent.canceled"),
}


def event(order_id: uuid.UUID, state: str, *, attempt: int = 1, amount: int = 1490) -> bytes:
    """A Stripe event about an attempt."""
    status, kind = _KINDS[state]
    intent: dict[str, Any] = {
        "id": f"pi_{order_id.hex}_{attempt}",
        "object": "payment_intent",
        "status": status,
        "amount": amount,
        "amount_received": amount if state == "succeeded" else 0,
        "currency": "eur",
        "client_secret": "secret",
        "metadata": {"order_id": str(order_id), "reference": f"{order_id}:{attempt}"},
    }
    if state == "declined":
        intent["last_payment_error"] = {
            "code": "card_declined",
            "decline_code": "generic_decline",
            "message": "no",
        }
    return orjson.dumps(
        {
            "id": f"evt_{order_id.hex}_{attempt}_{state}",
            "object": "event",
            "type": kind,
            "created": int(time.time()),
            "data": {"object": intent},
        }
    )


def signed(body: bytes, *, secret: str = "whsec_sandbox", at: int | None = None) -> dict[str, str]:
    """Stripe's signature header."""
    at = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={digest}"}


def forgeries(body: bytes, other: bytes, *, secret: str = "whsec_sandbox") -> dict[str, dict[str, str]]:
    """Header fields that are no good signature of `body`, by what is wrong with them."""
    now = int(time.time())
    good = signed(body, secret=secret)["Stripe-Signature"]
    digest = good.partition("v1=")[2]
    past = signed(body, secret=secret, at=now - limits.WEBHOOK_TOLERANCE_S - 5)["Stripe-Signature"]
    fields = {
        "unsigned": None,
        "empty": "",
        "forged": signed(body, secret="whsec_guess")["Stripe-Signature"],
        "signed with nothing": signed(body, secret="")["Stripe-Signature"],
        "of another body": signed(other, secret=secret)["Stripe-Signature"],
        "old": past,
        "old, renamed to now": f"t={now},{past.partition(',')[2]}",
        "old, behind the time of now": f"t={now},{past}",
        "old, before the time of now": past.replace(",", f",t={now},", 1),
        "old, with a time that is no number": past.replace(",", "=x,", 1),
        "old, with such a time and that of now": past.replace(",", f"=x,t={now},", 1),
        "future": signed(body, secret=secret, at=now + limits.WEBHOOK_TOLERANCE_S + 5)["Stripe-Signature"],
        "another scheme": good.replace("v1=", "v0="),
        "cut short": good[:-1],
        "no time": f"v1={digest}",
        "no number": f"t=now,v1={digest}",
        "not ASCII": f"t={now},v1=\u00e9{digest[1:]}",
        "not text": f"t={now},v1=\udcff{digest[1:]}",
    }
    return {how: {"Stripe-Signature": text} if text is not None else {} for how, text in fields.items()}
