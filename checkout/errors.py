"""Every error that the shop can answer with, drawn first.

ShopError
├── Invalid 400            a field is missing, malformed or out of range
├── Unauthenticated 401    no token, or one that is no longer good
├── Declined 402           the payment provider said no
├── Forbidden 403          known caller, not allowed (only where its existence is no secret)
├── NotFound 404           not there, or not for this caller
├── Conflict 409           true at another moment: out of stock, total changed, still running
├── Mismatch 412 / 422     the caller's idea of the document or of the request is another one
├── TooLarge 413           more bytes than the route takes
├── Limited 429            too many requests of this kind by this client
└── Unavailable 503        a store or a bound is in the way: try again
    └── OutcomeUnknown 503 sent, not answered: repeat with the same Idempotency-Key to learn what happened

`code` is stable and documented in docs/errors.md (generated). Bugs are assertions (`ensure`), never one of these.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class ShopError(Exception):
    """A refusal with a stable `code`; the edge turns it into an RFC 9457 problem document."""

    status = 500
    code = "internal"
    title = "Something broke on our side"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        retry_after_ms: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code
        self.retry_after_ms = retry_after_ms
        self.extra: Mapping[str, Any] = extra or {}
        self.headers: Mapping[str, str] = {}


class Invalid(ShopError):
    """The request names a field that is missing, malformed or out of range."""

    status, code, title = 400, "invalid", "The request is not valid"

    def __init__(
        self,
        detail: str,
        *,
        field: str | None = None,
        errors: Sequence[tuple[str, str]] = (),
        code: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail, code=code, extra=extra)
        pairs = list(errors) or [(field or "body", detail)]
        self.errors = [{"field": name, "message": message} for name, message in pairs]


class Unauthenticated(ShopError):
    """No token, or one that is no longer good."""

    status, code, title = 401, "unauthenticated", "Sign in first"


class Declined(ShopError):
    """The payment provider refused the payment."""

    status, code, title = 402, "payment_declined", "The payment was declined"


class Forbidden(ShopError):
    """The caller is known and not allowed."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(ShopError):
    """Not there, or not for this caller."""

    status, code, title = 404, "not_found", "Not found"


class Conflict(ShopError):
    """The request was fine and the shop is in another state: out of stock, changed total, still running."""

    status, code, title = 409, "conflict", "The shop is in another state"


class Stale(ShopError):
    """If-Match names a version that is no longer current."""

    status, code, title = 412, "stale_version", "The document has changed"


class Mismatch(ShopError):
    """The same Idempotency-Key came with another request."""

    status, code, title = 422, "idempotency_mismatch", "The key was used for another request"


class TooLarge(ShopError):
    """More bytes than this route takes."""

    status, code, title = 413, "too_large", "The request is too large"


class Limited(ShopError):
    """Too many requests of this kind by this client."""

    status, code, title = 429, "rate_limited", "Too many requests"


class Unavailable(ShopError):
    """A store or a bound is in the way; nothing was done; the same request may be sent again."""

    status, code, title = 503, "unavailable", "Not available right now"


class OutcomeUnknown(Unavailable):
    """Sent and not answered. Repeating with the same Idempotency-Key tells what happened."""

    code, title = "outcome_unknown", "The outcome is not known yet"


def ensure(condition: object, message: str) -> None:
    """An assertion that survives -O: for states that only a bug can reach."""
    if not condition:
        raise AssertionError(message)
