"""What Stripe does when asked: PaymentIntents, charges, refunds, events. Synchronous; all in one transaction.

Guarantees:
- A PaymentIntent succeeds at most once; refunds of a charge never exceed it.
- Every change is an event, filed in the same transaction.
- Nothing is done before every parameter was found good.
"""

import re
from collections.abc import Callable
from typing import Any, Protocol

from checkout.sandbox import stripe_objects as make
from checkout.sandbox.store import Store
from checkout.sandbox.stripe_cards import CARDS, Card
from checkout.sandbox.stripe_objects import Document, StripeError, invalid, missing
from checkout.sandbox.stripe_params import amount_of, check, integer, page_of, text, truth

_CANCELLABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)
_QUERY = re.compile(r"""metadata\[["']([A-Za-z0-9_]{1,40})["']\]:["']([^"'\\]{1,500})["']""")
_CREATE = {
    "amount", "currency", "payment_method", "payment_method_types", "automatic_payment_methods", "confirm",
    "capture_method", "confirmation_method", "description", "metadata", "receipt_email", "return_url", "shipping",
    "statement_descriptor", "off_session", "error_on_requires_action", "expand",
}  # fmt: skip


class Call(Protocol):
    """One request as the operations need it."""

    params: Document
    now_s: int
    request_id: str
    key: str | None


class Payments:
    """The operations. `announce` hands an event to the webhooks; `page_url` is where challenges are shown."""

    def __init__(
        self, store: Store, announce: Callable[[Document], None], page_url: Callable[[], str]
    ) -> None:
        self._store, self._announce, self._page_url = store, announce, page_url

    def create(self, call: Call) -> Document:
        """POST /v1/payment_intents."""
        params = call.params
        check(params, _CREATE)
        amount = amount_of(params)
        confirm = truth(params, "confirm")
        if method := params.get("payment_method"):
            _card(method)
        types = params.get("payment_method_types")
        if types is not None and (not isinstance(types, list) or types != ["card"]):
            raise invalid("The sandbox knows the payment method type card.", param="payment_method_types")
        if params.get("capture_method", "automatic") not in ("automatic", "automatic_async", "manual"):
            raise invalid("Invalid capture_method: must be one of automatic, manual", param="capture_method")
        if confirm and not method:
            raise invalid(
                "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update "
                "the PaymentIntent with a payment method and then confirm it again, or confirm it again directly "
                "with a payment method or ConfirmationToken.",
                code="payment_intent_unexpected_state",
            )
        if not confirm and params.get("return_url"):
            raise invalid(
                "`return_url` can only be set when `confirm` is true.",
                code="parameter_missing",
                param="confirm",
            )
        automatic = params.get("automatic_payment_methods") or {}
        redirects = automatic.get("allow_redirects", "always") if isinstance(automatic, dict) else "always"
        if confirm and types is None and redirects == "always" and not params.get("return_url"):
            raise invalid(
                "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some "
                "of these payment methods might redirect your customer off of your page, you must provide a "
                "`return_url`. If you don't want to accept redirect-based payment methods, set "
                "`automatic_payment_methods[enabled]` to `true` and "
                "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment "
                "Intents."
            )
        _metadata(params)
        intent = make.intent(params, amount=amount, created=call.now_s)
        if intent["automatic_payment_methods"]:
            intent["automatic_payment_methods"]["allow_redirects"] = redirects
        if confirm:
            return self._confirm(intent, call)
        self._save(intent)
        return intent

    def retrieve(self, call: Call, intent_id: str) -> Document:
        """GET /v1/payment_intents/{id}."""
        check(call.params, {"expand", "client_secret"})
        return self._expanded(self._intent(intent_id), call.params)

    def confirm(self, call: Call, intent_id: str) -> Document:
        """POST /v1/payment_intents/{id}/confirm: also pays again with another method after a decline."""
        check(call.params, {"payment_method", "return_url", "expand", "off_session", "receipt_email"})
        intent = self._intent(intent_id)
        self._in_state(
            intent,
            "confirm",
            "confirmed",
            ("requires_payment_method", "requires_confirmation", "requires_action"),
        )
        if method := call.params.get("payment_method"):
            _card(method)
            intent["payment_method"] = method
        if not intent["payment_method"]:
            raise invalid(
                "You cannot confirm this PaymentIntent because it's missing a payment method.",
                code="payment_intent_unexpected_state",
                payment_intent=intent,
            )
        return self._confirm(intent, call)

    def capture(self, call: Call, intent_id: str) -> Document:
        """POST /v1/payment_intents/{id}/capture, for capture_method manual."""
        check(call.params, {"amount_to_capture", "expand", "metadata"})
        intent = self._intent(intent_id)
        self._in_state(intent, "capture", "captured", ("requires_capture",))
        amount = integer(call.params, "amount_to_capture", intent["amount_capturable"])
        if not 1 <= amount <= intent["amount_capturable"]:
            raise invalid(
                "The amount to capture must be between 1 and the amount that is capturable.",
                code="amount_too_large",
                param="amount_to_capture",
            )
        charge = self._store.get("charge", intent["latest_charge"]) or {}
        charge.update(amount_captured=amount, captured=True, balance_transaction=make.new_id("txn"))
        intent.update(amount_capturable=0, amount_received=amount, status="succeeded")
        self._taken(intent, charge, amount, call)
        return intent

    def cancel(self, call: Call, intent_id: str) -> Document:
        """POST /v1/payment_intents/{id}/cancel."""
        check(call.params, {"cancellation_reason", "expand"})
        reason = call.params.get("cancellation_reason")
        if reason not in (None, "duplicate", "fraudulent", "requested_by_customer", "abandoned"):
            raise invalid("Invalid cancellation_reason", param="cancellation_reason")
        intent = self._intent(intent_id)
        self._in_state(intent, "cancel", "canceled", _CANCELLABLE)
        intent.update(
            status="canceled",
            canceled_at=call.now_s,
            cancellation_reason=reason,
            next_action=None,
            amount_capturable=0,
        )
        self._save(intent)
        self._tell("payment_intent.canceled", intent, call)
        return intent

    def challenge(self, call: Call, intent_id: str, *, approved: bool) -> Document:
        """What the bank tells Stripe after the shopper's 3-D Secure challenge. A settled challenge changes nothing."""
        intent = self._intent(intent_id)
        if intent["status"] != "requires_action":
            return intent
        intent["next_action"] = None
        if approved:
            return self._charge(intent, _card(intent["payment_method"]), call, raising=False)
        intent["last_payment_error"] = {
            **make.payment_error(intent, ("payment_intent_authentication_failure", ""), None),
            "message": "The provided PaymentMethod has failed authentication. You can provide payment_method_data or "
            "a new PaymentMethod to attempt to fulfill this PaymentIntent again.",
            "type": "invalid_request_error",
        }
        intent.update(status="requires_payment_method", payment_method=None)
        self._save(intent)
        self._tell("payment_intent.payment_failed", intent, call)
        return intent

    def search(self, call: Call) -> Document:
        """GET /v1/payment_intents/search by one metadata value. Unlike Stripe's, the index does not lag."""
        check(call.params, {"query", "limit", "page", "expand"})
        found = _QUERY.fullmatch(text(call.params, "query").strip())
        if found is None:
            raise invalid("The sandbox searches for metadata['key']:'value'.", param="query")
        intents = self._store.by_reference("payment_intent", f"{found[1]}={found[2]}")
        answer = make.listing(intents, limit=10, url="/v1/payment_intents/search", kind="search_result")
        return {**answer, "next_page": None}

    def refund(self, call: Call) -> Document:
        """POST /v1/refunds, of a PaymentIntent or a charge, fully or in part."""
        params = call.params
        check(params, {"payment_intent", "charge", "amount", "reason", "metadata", "expand"})
        if params.get("reason") not in (None, "duplicate", "fraudulent", "requested_by_customer"):
            raise invalid(
                "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer",
                param="reason",
            )
        if ("payment_intent" in params) == ("charge" in params):
            raise invalid(
                "One of the following params should be provided for this request: payment_intent or charge."
            )
        charge_id = params.get("charge")
        if charge_id is None:
            intent = self._store.get("payment_intent", text(params, "payment_intent"))
            if intent is None:
                raise missing("payment_intent", params["payment_intent"], "payment_intent")
            charge_id = intent["latest_charge"] if intent["status"] == "succeeded" else None
            if charge_id is None:
                raise invalid(
                    f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                    code="payment_intent_unexpected_state",
                    param="payment_intent",
                )
        charge = self._store.get("charge", charge_id)
        if charge is None:
            raise missing("charge", charge_id, "charge")
        left = charge["amount_captured"] - charge["amount_refunded"]
        if not charge["paid"] or charge["refunded"]:
            raise invalid(f"Charge {charge_id} has already been refunded.", code="charge_already_refunded")
        amount = integer(params, "amount", left)
        if amount < 1:
            raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
        if amount > left:
            raise invalid(
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
                code="amount_too_large",
                param="amount",
            )
        _metadata(params)
        refund = make.refund(
            charge,
            amount=amount,
            reason=params.get("reason"),
            metadata=params.get("metadata") or {},
            created=call.now_s,
        )
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self._store.put("refund", refund, parent=charge["payment_intent"])
        self._store.put("charge", charge, parent=charge["payment_intent"])
        self._store.refunded(charge["id"], amount)
        self._tell("charge.refunded", charge, call)
        self._tell("refund.created", refund, call)
        return refund

    def one(self, call: Call, kind: str, object_id: str) -> Document:
        """GET of a charge, refund or event."""
        check(call.params, {"expand"})
        document = self._store.get(kind, object_id)
        if document is None:
            raise missing(kind, object_id, "id")
        return document

    def several(self, call: Call, kind: str, url: str) -> Document:
        """GET of a list, newest first: limit, starting_after, created, and by payment intent or event type."""
        filters = {"event": "type", "charge": "payment_intent", "refund": "payment_intent"}
        name = filters.get(kind)
        check(call.params, {"limit", "starting_after", "created", "expand"} | ({name} if name else set()))
        limit, after, created = page_of(call.params)
        parent = call.params.get(name) if name else None
        try:
            found = self._store.page(kind, limit=limit + 1, after=after, parent=parent, created=created)
        except KeyError as error:
            raise missing(kind, after or "", "starting_after") from error
        return make.listing(found, limit=limit, url=url)

    def _confirm(self, intent: Document, call: Call) -> Document:
        card = _card(intent["payment_method"])
        intent["last_payment_error"] = None
        if not card.challenge:
            return self._expanded(self._charge(intent, card, call, raising=True), call.params)
        url = f"{self._page_url()}/3ds/{intent['id']}?client_secret={intent['client_secret']}"
        back = call.params.get("return_url")
        if back:
            intent["next_action"] = {
                "type": "redirect_to_url",
                "redirect_to_url": {"url": url, "return_url": back},
            }
        else:
            intent["next_action"] = {
                "type": "use_stripe_sdk",
                "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
            }
        intent["status"] = "requires_action"
        self._save(intent)
        self._tell("payment_intent.requires_action", intent, call)
        return intent

    def _charge(self, intent: Document, card: Card, call: Call, *, raising: bool) -> Document:
        charge = make.charge(intent, card, created=call.now_s)
        intent["latest_charge"] = charge["id"]
        if card.decline is not None:
            error = make.payment_error(intent, card.decline, charge["id"])
            intent.update(status="requires_payment_method", last_payment_error=error, payment_method=None)
            self._save(intent)
            self._store.put("charge", charge, parent=intent["id"])
            self._tell("payment_intent.payment_failed", intent, call)
            if not raising:
                return intent
            more = {name: value for name, value in error.items() if name not in ("type", "message", "code")}
            raise StripeError(
                402, "card_error", error["message"], code=error["code"], payment_intent=intent, **more
            )
        if intent["capture_method"] == "manual":
            intent.update(status="requires_capture", amount_capturable=intent["amount"])
            self._save(intent)
            self._store.put("charge", charge, parent=intent["id"])
            self._tell("payment_intent.amount_capturable_updated", intent, call)
            return intent
        intent.update(status="succeeded", amount_received=intent["amount"])
        self._taken(intent, charge, intent["amount"], call)
        return intent

    def _taken(self, intent: Document, charge: Document, amount: int, call: Call) -> None:
        self._save(intent)
        self._store.put("charge", charge, parent=intent["id"])
        self._store.charged(
            charge_id=charge["id"],
            intent_id=intent["id"],
            order_id=str(intent["metadata"].get("order_id") or intent["id"]),
            currency=intent["currency"],
            amount=amount,
        )
        self._tell("payment_intent.succeeded", intent, call)

    def _intent(self, intent_id: str) -> Document:
        intent = self._store.get("payment_intent", intent_id)
        if intent is None:
            raise missing("payment_intent", intent_id)
        return intent

    def _in_state(self, intent: Document, verb: str, done: str, allowed: tuple[str, ...]) -> None:
        if intent["status"] in allowed:
            return
        raise invalid(
            f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
            f"with one of the following statuses may be {done}: {', '.join(allowed)}.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )

    def _expanded(self, intent: Document, params: Document) -> Document:
        if "latest_charge" in (params.get("expand") or ()) and intent["latest_charge"]:
            return {**intent, "latest_charge": self._store.get("charge", intent["latest_charge"])}
        return intent

    def _save(self, intent: Document) -> None:
        reference = intent["metadata"].get("reference")
        self._store.put("payment_intent", intent, reference=f"reference={reference}" if reference else None)

    def _tell(self, kind: str, subject: Document, call: Call) -> None:
        event = make.event(kind, subject, created=call.now_s, request_id=call.request_id, key=call.key)
        self._store.put("event", event, parent=kind)
        self._announce(event)


def _card(method: Any) -> Card:
    card = CARDS.get(method) if isinstance(method, str) else None
    if card is None:
        raise invalid(f"No such PaymentMethod: '{method}'", code="resource_missing", param="payment_method")
    return card


def _metadata(params: Document) -> None:
    metadata = params.get("metadata") or {}
    good = isinstance(metadata, dict) and len(metadata) <= 50
    if not good or any(not isinstance(v, str) or len(v) > 500 or len(k) > 40 for k, v in metadata.items()):
        raise invalid(
            "Invalid metadata: up to 50 keys of 40 characters with values of 500.", param="metadata"
        )
