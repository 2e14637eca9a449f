"""DHL Express's MyDHL API behind the carrier Protocol: a thin adapter over one keep-alive connection pool.

MyDHL has no idempotency key: our reference travels as Message-Reference. Its sandbox answers a repeated one with the same
shipment; against the real API a repeated booking is a second, unbilled waybill at worst, and the lost one is never
handed over.

Source: https://developer.dhl.com/api-reference/dhl-express-mydhl-api
"""

import contextlib
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec

from checkout.payments.providers.breaker import Breaker, Resting
from checkout.shipping.carriers import dhl_wire as wire
from checkout.shipping.carriers.protocol import (
    BadSignature,
    BookingOutcome,
    BookingRefused,
    BookingRequest,
    CarrierEvent,
    CarrierUnknown,
    Rate,
    Tracking,
)
from config import limits

_PLAN_AHEAD = timedelta(hours=1)


class DhlCarrier:
    """The Protocol's methods. `now` is injected so that tests choose the day of shipping."""

    name = "dhl"

    def __init__(
        self,
        *,
        api_key: str,
        api_secret: str,
        account: str,
        webhook_secrets: Sequence[str],
        api_base: str = "https://express.api.dhl.com/mydhlapi",
        request_pickup: bool = True,
        timeout_s: float = limits.PROVIDER_TIMEOUT_S,
        connect_timeout_s: float = limits.PROVIDER_CONNECT_TIMEOUT_S,
        concurrency: int = limits.PROVIDER_CONCURRENCY,
        breaker: Breaker | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._auth = {"Authorization": aiohttp.encode_basic_auth(api_key, api_secret)}
        self._account, self._secrets = account, tuple(secret.encode() for secret in webhook_secrets)
        self._base, self._pickup, self._now = api_base.rstrip("/"), request_pickup, now
        self._breaker = breaker or Breaker(concurrency=concurrency)
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=connect_timeout_s)
        self._concurrency = concurrency
        self._session: aiohttp.ClientSession | None = None

    async def rates(self, request: BookingRequest) -> tuple[Rate, ...] | CarrierUnknown | BookingRefused:
        """Offers for this shipment now. Cost: one call."""
        body = wire.rate_request(request, account=self._account, planned=self._planned())
        answer = await self._ask("POST", "/rates", body=body)
        if isinstance(answer, CarrierUnknown | BookingRefused):
            return answer
        try:
            return wire.read_rates(answer)
        except (msgspec.MsgspecError, ValueError):
            return CarrierUnknown(reason="the answer cannot be read")

    async def book(self, request: BookingRequest) -> BookingOutcome:
        """Book with a label. Retry: always, with the same request. Cost: one call."""
        body = wire.shipment_request(
            request, account=self._account, planned=self._planned(), pickup=self._pickup
        )
        answer = await self._ask(
            "POST",
            "/shipments",
            body=body,
            headers={"Message-Reference": message_reference(request.reference)},
        )
        if isinstance(answer, CarrierUnknown | BookingRefused):
            return answer
        try:
            return wire.read_booking(answer)
        except (msgspec.MsgspecError, ValueError):
            return CarrierUnknown(reason="the answer cannot be read")

    async def track(self, tracking_number: str) -> Tracking | CarrierUnknown | BookingRefused:
        """All scans so far. Cost: one call."""
        answer = await self._ask("GET", f"/shipments/{tracking_number}/tracking")
        if isinstance(answer, CarrierUnknown | BookingRefused):
            return answer
        try:
            return wire.read_tracking(answer)
        except (msgspec.MsgspecError, ValueError):
            return CarrierUnknown(reason="the answer cannot be read")

    async def cancel(self, *, tracking_number: str, cancel_ref: str | None) -> bool | CarrierUnknown:
        """Cancel the pickup; a waybill without one lapses by itself when nobody hands the parcel over."""
        if cancel_ref is None:
            return True
        query = {"requestorName": "Shop", "reason": "not needed"}
        answer = await self._ask("DELETE", f"/pickups/{cancel_ref}", query=query)
        if isinstance(answer, CarrierUnknown):
            return answer
        return not isinstance(answer, BookingRefused)

    def verify_webhook(self, *, headers: Mapping[str, str], body: bytes, now_s: int) -> CarrierEvent:
        """Check `DHL-Signature: t=…,v1=…` (HMAC-SHA256 over time, dot, body) and read the scans.

        Raises: BadSignature.
        """
        header = next((value for name, value in headers.items() if name.lower() == "dhl-signature"), "")
        signed_at = _signed_at(header, body, self._secrets)
        if signed_at is None:
            raise BadSignature("no accepted secret fits the signature")
        if abs(now_s - signed_at) > limits.WEBHOOK_TOLERANCE_S:
            raise BadSignature("the signature is too old")
        try:
            return wire.read_push(body)
        except (msgspec.MsgspecError, ValueError, IndexError) as error:
            raise BadSignature("the body is not a tracking push") from error

    async def close(self) -> None:
        """Close the connection pool."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _planned(self) -> str:
        return (self._now() + _PLAN_AHEAD).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S GMT+00:00")

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._concurrency)
            self._session = aiohttp.ClientSession(
                headers=self._auth,
                timeout=self._timeout,
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> bytes | CarrierUnknown | BookingRefused:
        """One guarded call: the body of a 2xx, a refusal for good, or no usable answer."""
        sent_headers = {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
        try:
            async with self._breaker.call() as call:
                try:
                    async with self._client().request(
                        method, self._base + path, data=body, headers=sent_headers, params=query
                    ) as answer:
                        content, status = await answer.read(), answer.status
                except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                    call.failed()
                    return CarrierUnknown(reason=f"not reached: {type(error).__name__}", sent=False)
                except (aiohttp.ClientError, TimeoutError) as error:
                    call.failed()
                    return CarrierUnknown(reason=f"no answer: {type(error).__name__}")
                if status >= 500:
                    call.failed()
        except Resting as error:
            return CarrierUnknown(reason=str(error), sent=False)
        if 200 <= status < 300:
            return content
        if status in (401, 403, 408, 429) or status >= 500:
            return CarrierUnknown(reason=f"HTTP {status}", sent=status >= 500)
        return refusal_of(status, content)


def message_reference(reference: str) -> str:
    """Our reference as MyDHL takes it: 28 to 36 characters. A UUID's text fits as it is."""
    if 28 <= len(reference) <= 36 and reference.isascii():
        return reference
    return hashlib.sha256(reference.encode()).hexdigest()[:32]


def refusal_of(status: int, content: bytes) -> BookingRefused:
    """MyDHL's problem document as a refusal."""
    document: Any = None
    with contextlib.suppress(msgspec.DecodeError):
        document = msgspec.json.decode(content)
    if not isinstance(document, dict):
        document = {}
    details = document.get("additionalDetails")
    return BookingRefused(
        code="not_found" if status == 404 else f"http_{status}",
        message=str(document.get("detail") or document.get("title") or f"HTTP {status}"),
        details=tuple(str(line) for line in details) if isinstance(details, list) else (),
    )


def _signed_at(header: str, body: bytes, secrets: Sequence[bytes]) -> int | None:
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    at, given = parts.get("t", ""), parts.get("v1", "")
    if not (at.isascii() and at.isdigit() and len(at) < 16):
        return None
    for secret in secrets:
        fits = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        if hmac.compare_digest(fits.encode(), given.encode()):
            return int(at)
    return None
