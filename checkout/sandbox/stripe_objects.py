"""Stripe's objects, as plain documents, and the errors that its API answers with. Pure but for random ids."""

import secrets
from typing import Any

from checkout.sandbox.stripe_cards import DECLINED, MESSAGES, Card

API_VERSION = "2026-10-28.endive"
Document = dict[str, Any]


class StripeError(Exception):
    """An answer other than 2xx: the body's `error` and its status."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        error: Document = {"type": kind, "message": message}
        if code is not None:
            error["code"] = code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        if param is not None:
            error["param"] = param
        error.update(more)
        self.body: Document = {"error": error}


def invalid(message: str, *, code: str | None = None, param: str | None = None, **more: Any) -> StripeError:
    """A 400 of type `invalid_request_error`."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param, **more)


def missing(kind: str, object_id: str, param: str = "intent") -> StripeError:
    """A 404: no such object."""
    return StripeError(
        404, "invalid_request_error", f"No such {kind}: '{object_id}'", code="resource_missing", param=param
    )


def new_id(prefix: str) -> str:
    """An id that looks like Stripe's."""
    return f"{prefix}_{secrets.token_hex(12)}"


def intent(params: Document, *, amount: int, created: int) -> Document:
    """A fresh PaymentIntent, before it is confirmed."""
    intent_id = new_id("pi")
    automatic = "payment_method_types" not in params
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True} if automatic else None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": params.get("capture_method", "automatic_async"),
        "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
        "confirmation_method": params.get("confirmation_method", "automatic"),
        "created": created,
        "currency": params["currency"].lower(),
        "customer": None,
        "description": params.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": params.get("metadata") or {},
        "next_action": None,
        "payment_method": params.get("payment_method"),
        "payment_method_types": params.get("payment_method_types", ["card"]),
        "processing": None,
        "receipt_email": params.get("receipt_email"),
        "setup_future_usage": None,
        "shipping": params.get("shipping"),
        "statement_descriptor": params.get("statement_descriptor"),
        "status": "requires_confirmation" if params.get("payment_method") else "requires_payment_method",
    }


def charge(of: Document, card: Card, *, created: int) -> Document:
    """The attempt to charge a PaymentIntent with a card: succeeded, or failed as the card says."""
    failed = card.decline
    manual = of["capture_method"] == "manual"
    amount = of["amount"]
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": amount,
        "amount_captured": 0 if failed or manual else amount,
        "amount_refunded": 0,
        "balance_transaction": None if failed or manual else new_id("txn"),
        "captured": not failed and not manual,
        "created": created,
        "currency": of["currency"],
        "customer": None,
        "description": of["description"],
        "disputed": False,
        "failure_code": failed[0] if failed else None,
        "failure_message": decline_message(failed) if failed else None,
        "livemode": False,
        "metadata": of["metadata"],
        "outcome": {
            "network_status": "declined_by_network" if failed else "approved_by_network",
            "reason": failed[1] if failed else None,
            "risk_level": "normal",
            "type": "issuer_declined" if failed else "authorized",
        },
        "paid": not failed,
        "payment_intent": of["id"],
        "payment_method": of["payment_method"],
        "payment_method_details": {
            "card": {
                "brand": card.brand,
                "country": card.country,
                "exp_month": 12,
                "exp_year": 2034,
                "funding": card.funding,
                "last4": card.last4,
                "three_d_secure": {"result": "authenticated"} if card.challenge else None,
            },
            "type": "card",
        },
        "receipt_email": of["receipt_email"],
        "refunded": False,
        "status": "failed" if failed else "succeeded",
    }


def decline_message(decline: tuple[str, str]) -> str:
    """What Stripe tells the shopper."""
    return MESSAGES.get(decline[1], DECLINED)


def payment_error(of: Document, decline: tuple[str, str], charge_id: str | None) -> Document:
    """`last_payment_error`, also the `error` of a 402."""
    code, decline_code = decline
    error: Document = {
        "type": "card_error",
        "code": code,
        "message": decline_message(decline),
        "payment_method": {"id": of["payment_method"], "object": "payment_method", "type": "card"},
    }
    if charge_id is not None:
        error["charge"] = charge_id
        if decline_code != code or code == "card_declined":
            error["decline_code"] = decline_code
    return error


def refund(of: Document, *, amount: int, reason: str | None, metadata: Document, created: int) -> Document:
    """A refund of a charge; test refunds succeed at once."""
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": new_id("txn"),
        "charge": of["id"],
        "created": created,
        "currency": of["currency"],
        "metadata": metadata,
        "payment_intent": of["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "status": "succeeded",
    }


def event(kind: str, subject: Document, *, created: int, request_id: str, key: str | None) -> Document:
    """An event with the object as it is now."""
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": created,
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": request_id, "idempotency_key": key},
        "type": kind,
    }


def listing(documents: list[Document], *, limit: int, url: str, kind: str = "list") -> Document:
    """A list answer; `documents` holds one more than the page when there are more."""
    return {"object": kind, "data": documents[:limit], "has_more": len(documents) > limit, "url": url}
