"""Stripe behind the provider Protocol, through its official async client. The only file that uses `stripe`.

One PaymentIntent an attempt, created and confirmed in one call under our reference as Idempotency-Key. The client never
retries by itself: a lost answer is `Unknown`, and the caller asks again under the same key, which Stripe answers with
the first result.

Source: https://docs.stripe.com/api/payment_intents, /api/refunds, /api/errors, /webhooks
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from checkout.payments.providers.breaker import Breaker, Resting
from checkout.payments.providers.protocol import (
    Absent,
    ActionRequired,
    BadSignature,
    CaptureRequest,
    Declined,
    PaymentOutcome,
    Pending,
    ProviderEvent,
    Refunded,
    RefundOutcome,
    RefundPending,
    RefundRefused,
    RefundRequest,
    Succeeded,
    Unknown,
    Voided,
)
from checkout.payments.providers.stripe_client import stripe
from config import limits

stripe.enable_telemetry = (
    False  # the client's figures about its last call, and of this machine, with every call
)
_REFERENCE = re.compile(r"[A-Za-z0-9:_.-]{1,120}")


class StripeProvider:
    """The Protocol's methods over one keep-alive connection pool."""

    name = "stripe"

    def __init__(
        self,
        *,
        api_key: str,
        webhook_secrets: Sequence[str],
        api_base: str = "https://api.stripe.com",
        timeout_s: float = limits.PROVIDER_TIMEOUT_S,
        connect_timeout_s: float = limits.PROVIDER_CONNECT_TIMEOUT_S,
        concurrency: int = limits.PROVIDER_CONCURRENCY,
        breaker: Breaker | None = None,
    ) -> None:
        self._secrets = tuple(webhook_secrets)
        self._breaker = breaker or Breaker(concurrency=concurrency)
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=connect_timeout_s)
        self._concurrency = concurrency
        self._api_key, self._api_base = api_key, api_base.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._made: stripe.StripeClient | None = None

    @property
    def breaker(self) -> Breaker:
        """The bound on calls, for metrics."""
        return self._breaker

    async def authorise_and_capture(self, request: CaptureRequest) -> PaymentOutcome:
        """Create and confirm the attempt's PaymentIntent.

        Retry: always, with the same request: its reference is the Idempotency-Key. Cost: one call, two when Stripe
        repeats a broken answer.
        """
        params: dict[str, Any] = {
            "amount": request.amount_minor,
            "currency": request.currency.lower(),
            "payment_method": request.method,
            "confirm": True,
            "capture_method": "automatic",
            "automatic_payment_methods": {"enabled": True},
            "return_url": request.return_url,
            "metadata": {"reference": request.reference, "order_id": request.order_id},
        }
        if request.email:
            params["receipt_email"] = request.email
        if request.description:
            params["description"] = request.description
        answer = await self._ask("post", "/v1/payment_intents", params, key=request.reference)
        if isinstance(answer, stripe.StripeError) and _kept_broken(answer):
            # Stripe repeats a broken answer for as long as it keeps the key: only a search tells what was done.
            found = await self.look_up(provider_ref=None, reference=request.reference)
            return _unusable(answer) if isinstance(found, Absent) else found
        return self._read(answer)

    async def look_up(self, *, provider_ref: str | None, reference: str) -> PaymentOutcome:
        """Retrieve by id, or search by our reference (Stripe's search lags up to a minute). Cost: one call."""
        if provider_ref is not None:
            outcome = await self._payment("get", _intent(provider_ref), {"expand": ["latest_charge"]})
            # A refusal to retrieve says nothing about the money: there is no such payment.
            missing = isinstance(outcome, Declined) and outcome.provider_ref is None
            return Absent() if missing else outcome
        if not _REFERENCE.fullmatch(reference):
            return Absent()
        found = await self._ask(
            "get",
            "/v1/payment_intents/search",
            {"query": f"metadata['reference']:'{reference}'", "limit": 2},
        )
        if isinstance(found, Unknown):
            return found
        if isinstance(found, stripe.StripeError):
            return _unusable(found)
        intents = found["data"]
        return outcome_of(intents[0]) if intents else Absent()

    async def void(self, *, provider_ref: str, reference: str) -> PaymentOutcome:
        """Cancel the PaymentIntent; when Stripe says that its state forbids it, tell that state instead."""
        return await self._payment(
            "post",
            f"{_intent(provider_ref)}/cancel",
            {"cancellation_reason": "abandoned"},
            key=f"{reference}:void",
        )

    async def refund(self, request: RefundRequest) -> RefundOutcome:
        """Refund a part or all of a PaymentIntent. Retry: always, with the same request. Cost: one call."""
        answer = await self._ask(
            "post",
            "/v1/refunds",
            {
                "payment_intent": request.provider_ref,
                "amount": request.amount_minor,
                "reason": "requested_by_customer",
                "metadata": {"reference": request.reference, "order_id": request.order_id},
            },
            key=request.reference,
        )
        if isinstance(answer, stripe.StripeError) and _kept_broken(answer):
            answer = await self._find_refund(request) or answer
        if isinstance(answer, Unknown):
            return answer
        if isinstance(answer, stripe.StripeError):
            if isinstance(answer, stripe.InvalidRequestError) and answer.http_status != 409:
                return RefundRefused(code=answer.code or "invalid_request", message=answer.user_message or "")
            return _unusable(answer)
        return refund_outcome_of(answer)

    def verify_webhook(self, *, headers: Mapping[str, str], body: bytes, now_s: int) -> ProviderEvent:
        """Check the signature with Stripe's own verifier, against every accepted secret, and read the event.

        Raises: BadSignature when no secret fits, the time is further than five minutes from ours, or it is no event.
        """
        header = next((value for name, value in headers.items() if name.lower() == "stripe-signature"), "")
        signed_at = _signed_at(header)
        if signed_at is None or not any(_signed(body, header, secret) for secret in self._secrets):
            raise BadSignature("no accepted secret fits the signature")
        # Stripe's verifier refuses old events by the wall clock; the caller's clock counts here, both ways.
        if abs(now_s - signed_at) > limits.WEBHOOK_TOLERANCE_S:
            raise BadSignature("the signature is too old")
        try:
            return event_of(msgspec.json.decode(body))
        except (
            msgspec.DecodeError,
            KeyError,
            TypeError,
            AttributeError,
            ValueError,
            RecursionError,
        ) as error:
            raise BadSignature("the body is not an event") from error

    async def close(self) -> None:
        """Close the connection pool."""
        if self._session is not None:
            await self._session.close()
            self._session = self._made = None

    async def _find_refund(self, request: RefundRequest) -> Any:
        """The refund of this reference among the payment's newest hundred; None when it is not there."""
        listed = await self._ask("get", "/v1/refunds", {"payment_intent": request.provider_ref, "limit": 100})
        if isinstance(listed, Unknown | stripe.StripeError):
            return None
        for refund in listed["data"]:
            if (refund.get("metadata") or {}).get("reference") == request.reference:
                return refund
        return None

    def _client(self) -> stripe.StripeClient:
        if self._made is None:
            connector = aiohttp.TCPConnector(limit=self._concurrency)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
            self._made = stripe.StripeClient(
                self._api_key,
                base_addresses={"api": self._api_base},
                max_network_retries=0,
                http_client=stripe.AIOHTTPClient(timeout=self._timeout, session=self._session),
            )
        return self._made

    async def _payment(
        self, method: str, path: str, params: Mapping[str, Any], *, key: str | None = None
    ) -> PaymentOutcome:
        return self._read(await self._ask(method, path, params, key=key))

    def _read(self, answer: Any) -> PaymentOutcome:
        if isinstance(answer, Unknown):
            return answer
        if isinstance(answer, stripe.StripeError):
            return outcome_of_error(answer)
        return outcome_of(answer)

    async def _ask(self, method: str, path: str, params: Mapping[str, Any], *, key: str | None = None) -> Any:
        """One guarded call: the answer's document, the error that Stripe answered with, or Unknown without a usable answer.

        The client's raw requests are its own way to do without its objects, whose making costs more than the call.
        """
        try:
            async with self._breaker.call() as call:
                try:
                    answer = await self._client().raw_request_async(
                        method, path, **params, **({"idempotency_key": key} if key else {})
                    )
                    return answer.data
                except stripe.APIConnectionError as error:
                    call.failed()
                    cause = error.__cause__
                    sent = not isinstance(
                        cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError
                    )
                    return Unknown(reason=f"no answer: {type(cause or error).__name__}", sent=sent)
                except stripe.StripeError as error:
                    if (error.http_status or 500) >= 500:
                        call.failed()
                    return error
                except (aiohttp.ClientError, TimeoutError) as error:
                    # The body of an answer is read outside the client's own error handling.
                    call.failed()
                    return Unknown(reason=f"answer cut off: {type(error).__name__}")
        except Resting as error:
            return Unknown(reason=str(error), sent=False)


def outcome_of(intent: Mapping[str, Any]) -> PaymentOutcome:
    """What a PaymentIntent says. A status that we do not know is Pending: never success, never failure.

    Source: https://docs.stripe.com/payments/paymentintents/lifecycle
    """
    ref, status = str(intent["id"]), intent.get("status")
    match status:
        case "succeeded":
            charge = intent.get("latest_charge")
            refunded = charge.get("amount_refunded", 0) if isinstance(charge, Mapping) else 0
            return Succeeded(
                provider_ref=ref,
                amount_minor=int(intent.get("amount_received") or 0),
                currency=str(intent["currency"]).upper(),
                refunded_minor=int(refunded),
            )
        case "requires_action":
            action = intent.get("next_action") or {}
            redirect = action.get("redirect_to_url") or {}
            return ActionRequired(
                provider_ref=ref,
                client_secret=str(intent.get("client_secret") or ""),
                url=redirect.get("url"),
            )
        case "canceled":
            return Voided(provider_ref=ref)
        case "requires_payment_method" if intent.get("last_payment_error"):
            error = intent["last_payment_error"]
            code = error.get("decline_code") or error.get("code") or "declined"
            return Declined(code=str(code), message=str(error.get("message") or ""), provider_ref=ref)
        case _:
            return Pending(provider_ref=ref, status=str(status))


def outcome_of_error(error: stripe.StripeError) -> PaymentOutcome:
    """What Stripe's refusal says about the payment.

    A card error is a decline. A state error carries the PaymentIntent, whose state tells. A request that Stripe finds
    invalid took no money and never will under this reference. All else is unknown.
    """
    body = error.json_body if isinstance(error.json_body, Mapping) else {}
    detail = body.get("error") or {}
    intent = detail.get("payment_intent")
    if isinstance(error, stripe.CardError):
        ref = intent.get("id") if isinstance(intent, Mapping) else None
        code = detail.get("decline_code") or error.code or "card_declined"
        return Declined(code=str(code), message=error.user_message or "", provider_ref=ref)
    if error.code == "payment_intent_unexpected_state" and isinstance(intent, Mapping):
        return outcome_of(intent)
    if isinstance(error, stripe.InvalidRequestError) and error.http_status in (400, 404):
        return Declined(code=error.code or "invalid_request", message=error.user_message or "")
    return _unusable(error)


def refund_outcome_of(refund: Mapping[str, Any]) -> RefundOutcome:
    """What a Refund says; an unknown status is pending."""
    match refund.get("status"):
        case "succeeded":
            return Refunded(refund_ref=str(refund["id"]), amount_minor=int(refund["amount"]))
        case "failed" | "canceled":
            return RefundRefused(code=str(refund.get("failure_reason") or refund["status"]), message="")
        case status:
            return RefundPending(refund_ref=str(refund["id"]), status=str(status))


def event_of(event: Mapping[str, Any]) -> ProviderEvent:
    """Read an event. Only PaymentIntent events tell an outcome; for others `kind` and `payload` do."""
    subject = event["data"]["object"]
    is_intent = subject.get("object") == "payment_intent"
    metadata = subject.get("metadata") or {}
    ref = subject["id"] if is_intent else subject.get("payment_intent")
    return ProviderEvent(
        event_id=str(event["id"]),
        kind=str(event["type"]),
        created_s=int(event["created"]),
        provider_ref=_text(ref),
        reference=_text(metadata.get("reference")),
        order_id=_text(metadata.get("order_id")),
        outcome=outcome_of(subject) if is_intent else None,
        payload=event,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _unusable(error: stripe.StripeError) -> Unknown:
    """Limited, still running under the same key, wrong credentials or broken: nothing is known, ask again."""
    sent = error.http_status not in (401, 403, 429)
    return Unknown(
        reason=f"{type(error).__name__} {error.http_status}: {error.code or ''}".strip(), sent=sent
    )


def _kept_broken(error: stripe.StripeError) -> bool:
    """Whether this is a 5xx that Stripe keeps under the key and repeats."""
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return (error.http_status or 0) >= 500 and headers.get("idempotent-replayed") == "true"


def _intent(provider_ref: str) -> str:
    return f"/v1/payment_intents/{quote(provider_ref, safe='')}"


def _signed_at(header: str) -> int | None:
    """The one time that the header names. Two of them, or one that is no plain number, could be read in two ways."""
    times = [part[2:] for part in header.split(",") if part.startswith("t=")]
    only = times[0] if len(times) == 1 and header.isascii() else ""
    return int(only) if only.isdigit() and len(only) <= 12 else None


def _signed(body: bytes, header: str, secret: str) -> bool:
    try:
        # Tolerance 0 turns the verifier's own clock off: the caller checks the time against its clock.
        return bool(stripe.WebhookSignature.verify_header(body, header, secret, 0))
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
