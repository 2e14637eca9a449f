"""Stripe's HTTP: key check, forms, idempotency, error objects; what is done is in stripe_payments.py.

Idempotency as documented: the first result of a key is kept with its status, 402s and 500s included, and replayed with
`Idempotent-Replayed: true`; other parameters are a 400 `idempotency_error`; a request still running is a 409; results
of validation are not kept, for nothing was begun.
Source: https://docs.stripe.com/api/idempotent_requests
"""

import base64
import binascii
import secrets
import time
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from checkout.sandbox import forms
from checkout.sandbox.exchange import Answer, exchange
from checkout.sandbox.faults import Faults
from checkout.sandbox.store import Document, Store
from checkout.sandbox.stripe_objects import API_VERSION, StripeError, invalid
from checkout.sandbox.stripe_payments import Payments

_BODY_MAX_BYTES = 64 * 1024


class Call:
    """One request, read."""

    __slots__ = ("key", "now_s", "params", "request_id")

    def __init__(self, params: Document, request_id: str, key: str | None) -> None:
        self.params, self.request_id, self.key = params, request_id, key
        self.now_s = int(time.time())


Operation = Callable[[Call, str], Document]


class StripeApi:
    """The routes below /v1."""

    def __init__(self, store: Store, faults: Faults, payments: Payments, api_key: str) -> None:
        self._store, self._faults, self._payments = store, faults, payments
        self._keys = {f"Bearer {api_key}", "Basic " + base64.b64encode(f"{api_key}:".encode()).decode()}
        self._running: set[str] = set()

    def routes(self) -> list[web.RouteDef]:
        """Every route that the sandbox answers; all else below /v1 is Stripe's own 404."""
        do = self._payments

        def lists(kind: str, path: str) -> Operation:
            return lambda call, _: do.several(call, kind, path)

        def one(kind: str) -> Operation:
            return lambda call, object_id: do.one(call, kind, object_id)

        table: list[tuple[str, str, str, Operation]] = [
            ("POST", "/v1/payment_intents", "payment_intents.create", lambda call, _: do.create(call)),
            (
                "GET",
                "/v1/payment_intents",
                "payment_intents.list",
                lists("payment_intent", "/v1/payment_intents"),
            ),
            ("GET", "/v1/payment_intents/search", "payment_intents.search", lambda call, _: do.search(call)),
            ("GET", "/v1/payment_intents/{id}", "payment_intents.retrieve", do.retrieve),
            ("POST", "/v1/payment_intents/{id}/confirm", "payment_intents.confirm", do.confirm),
            ("POST", "/v1/payment_intents/{id}/capture", "payment_intents.capture", do.capture),
            ("POST", "/v1/payment_intents/{id}/cancel", "payment_intents.cancel", do.cancel),
            ("POST", "/v1/refunds", "refunds.create", lambda call, _: do.refund(call)),
            ("GET", "/v1/refunds", "refunds.list", lists("refund", "/v1/refunds")),
            ("GET", "/v1/refunds/{id}", "refunds.retrieve", one("refund")),
            ("GET", "/v1/charges", "charges.list", lists("charge", "/v1/charges")),
            ("GET", "/v1/charges/{id}", "charges.retrieve", one("charge")),
            ("GET", "/v1/events", "events.list", lists("event", "/v1/events")),
            ("GET", "/v1/events/{id}", "events.retrieve", one("event")),
            ("GET", "/v1/balance", "balance.retrieve", lambda call, _: self._balance()),
        ]
        routes = [
            web.route(method, path, self._handler(f"stripe.{name}", operation))
            for method, path, name, operation in table
        ]
        return [*routes, web.route("*", "/v1/{rest:.*}", self._unknown)]

    def _handler(
        self, name: str, operation: Operation
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            request_id = "req_" + secrets.token_hex(7)
            body = await request.read()

            async def work() -> Answer:
                return await self._answer(request, body, operation, request_id)

            async def spoil(answer: Answer) -> None:
                key = request.headers.get("Idempotency-Key")
                if key and request.method == "POST" and self._store.answer(key) is not None:
                    self._store.overwrite(key, 500, _refusal(500).body)
                    await self._store.committed()

            if request.headers.get("Authorization") not in self._keys:
                return _error(self._bad_key(request), request_id).response()
            return await exchange(
                request,
                name,
                self._faults,
                work=work,
                refuse=lambda status: _refusal(status, request_id),
                spoil=spoil,
            )

        return handle

    async def _answer(
        self, request: web.Request, body: bytes, operation: Operation, request_id: str
    ) -> Answer:
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        object_id = request.match_info.get("id", "")
        try:
            if len(body) > _BODY_MAX_BYTES:
                raise StripeError(413, "invalid_request_error", "Request body too large.")
            posted = request.method == "POST"
            pairs = forms.read_pairs(body.decode()) if posted else list(request.query.items())
            call = Call(forms.nest(pairs), request_id, key)
            if key is None:
                document = operation(call, object_id)
                await self._store.committed()
                return Answer(
                    200, orjson.dumps(document), {"Request-Id": request_id, "Stripe-Version": API_VERSION}
                )
            if len(key) > 255:
                raise invalid("Idempotency keys are at most 255 characters long.")
            return await self._once(
                request, call, key, forms.fingerprint("POST", request.path, pairs), operation
            )
        except UnicodeDecodeError:
            return _error(invalid("The request body is not UTF-8."), request_id)
        except forms.BadForm as error:
            return _error(invalid(f"Invalid parameter: {error.name}", param=error.name), request_id)
        except StripeError as error:
            # A decline is an effect: it is on file before it is told.
            await self._store.committed()
            return _error(error, request_id)

    async def _once(
        self, request: web.Request, call: Call, key: str, fingerprint: bytes, operation: Operation
    ) -> Answer:
        headers = {"Request-Id": call.request_id, "Stripe-Version": API_VERSION, "Idempotency-Key": key}
        if key in self._running:
            raise StripeError(
                409,
                "idempotency_error",
                "There is currently another in-progress request using this Idempotency Key.",
                code="idempotency_key_in_use",
            )
        kept = self._store.answer(key)
        if kept is not None:
            if kept[0] != fingerprint:
                raise StripeError(
                    400,
                    "idempotency_error",
                    "Keys for idempotent requests can only be used with the same parameters they were first used "
                    f"with. Try using a key other than '{key}' if you meant to execute a different request.",
                )
            return Answer(kept[1], kept[2], {**headers, "Idempotent-Replayed": "true"})
        self._running.add(key)
        try:
            await self._faults.delay("stripe.execution")
            try:
                answer = Answer(200, orjson.dumps(operation(call, request.match_info.get("id", ""))), headers)
            except StripeError as error:
                if error.status != 402:
                    raise  # found invalid before anything was begun: not kept
                answer = Answer(error.status, orjson.dumps(error.body), headers)
            self._store.remember(key, fingerprint, answer.status, answer.body)
            await self._store.committed()
            return answer
        finally:
            self._running.discard(key)

    def _balance(self) -> Document:
        available = [
            {"amount": row["charged"] - row["refunded"], "currency": row["currency"], "source_types": {}}
            for row in self._store.totals()
        ]
        return {"object": "balance", "available": available, "livemode": False, "pending": []}

    def _bad_key(self, request: web.Request) -> StripeError:
        given = request.headers.get("Authorization", "")
        scheme, _, value = given.partition(" ")
        if scheme == "Basic":
            try:
                value = base64.b64decode(value, validate=True).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                value = ""
        if not value:
            return StripeError(
                401,
                "invalid_request_error",
                "You did not provide an API key. You need to provide your API key in the Authorization header, using "
                "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            )
        shown = value[:7] + "*" * 8 + value[-4:] if len(value) > 12 else "*" * len(value)
        return StripeError(401, "invalid_request_error", f"Invalid API Key provided: {shown}")

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        error = StripeError(
            404,
            "invalid_request_error",
            f"Unrecognized request URL ({request.method}: {request.path}). If you are trying to list objects, remove "
            "the trailing slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) "
            "identifier in your code.",
        )
        return _error(error, "req_" + secrets.token_hex(7)).response()


def _error(error: StripeError, request_id: str) -> Answer:
    return Answer(
        error.status, orjson.dumps(error.body), {"Request-Id": request_id, "Stripe-Version": API_VERSION}
    )


def _refusal(status: int, request_id: str = "") -> Answer:
    if status == 429:
        error = StripeError(
            429, "invalid_request_error", "Too many requests. Please slow down.", code="rate_limit"
        )
    else:
        error = StripeError(500, "api_error", "Something went wrong on Stripe's end.")
    return _error(error, request_id)
