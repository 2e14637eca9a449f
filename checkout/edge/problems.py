"""The one place that maps an error to a problem document.

Source: RFC 9457 (problem details), RFC 9110 (Retry-After, Allow).
"""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from catalog_cache import EncodedResponse, encoded
from checkout.errors import Invalid, NotFound, ShopError, TooLarge, Unavailable
from ratelimit import headers as limit_headers

CONTENT_TYPE = "application/problem+json"


class MethodNotAllowed(ShopError):
    """The path exists, and not with this method; the Allow field names those it has."""

    status, code, title = 405, "method_not_allowed", "Not with this method"


class Timeout(ShopError):
    """The client took too long to send its request."""

    status, code, title = 408, "request_timeout", "The request came too slowly"


class ExpectationFailed(ShopError):
    """An Expect field other than 100-continue."""

    status, code, title = 417, "expectation_failed", "Only 100-continue can be expected"


class Overloaded(Unavailable):
    """Refused so that what is being served stays fast; checkouts are the last to be refused."""

    code, title = "overloaded", "Too busy right now"


def overloaded(retry_after_ms: int) -> Overloaded:
    """The refusal of a full process. Units: ms."""
    return Overloaded("The shop is very busy; nothing was done. Try again.", retry_after_ms=retry_after_ms)


class DeadlineExceeded(Unavailable):
    """The work did not finish within its time; a write may still have happened."""

    code, title = "deadline_exceeded", "This took too long"


class Internal(ShopError):
    """A bug on our side; the log has it under the request's id."""


def document(error: ShopError) -> dict[str, Any]:
    """The problem document of this error; `extra` fields never hide the standard ones."""
    found: dict[str, Any] = {
        **error.extra,
        "type": f"/docs/errors#{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
    }
    if isinstance(error, Invalid):
        found["errors"] = error.errors
    if error.retry_after_ms is not None:
        found["retry_after_ms"] = error.retry_after_ms
    return found


def response(error: ShopError, headers: Mapping[str, str] | None = None) -> EncodedResponse:
    """The answer for this error, with Retry-After where trying again helps."""
    body = orjson.dumps(document(error), default=str)
    made = encoded(body, status=error.status, content_type=CONTENT_TYPE)
    if headers:
        made.headers.update(headers)
    if error.retry_after_ms is not None:
        made.headers["Retry-After"] = limit_headers.retry_after(error.retry_after_ms)
    if error.status == 401:
        made.headers["WWW-Authenticate"] = "Bearer"
    return made


def of_http(error: web.HTTPException) -> ShopError:
    """Our error for one of aiohttp's own."""
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return TooLarge("Send fewer bytes to this route.")
    if isinstance(error, web.HTTPNotFound):
        return NotFound("Nothing is at this address.")
    if isinstance(error, web.HTTPMethodNotAllowed):
        return MethodNotAllowed(f"Use {', '.join(sorted(error.allowed_methods))}.")
    if isinstance(error, web.HTTPExpectationFailed):
        return ExpectationFailed("Expect: 100-continue is the only expectation understood.")
    if error.status == 503:
        return Unavailable("Try again in a moment.", retry_after_ms=limit_headers.jittered_ms())
    return Invalid("The request could not be read.", code="malformed_request", field="request")


def malformed(reason: str = "The body did not arrive as its header fields announced.") -> Invalid:
    """A request that breaks HTTP's own rules."""
    return Invalid(reason, code="malformed_request", field="request")
