"""Messages to subscribers, signed by the Standard Webhooks specification.

**Guarantees** (held by tests/api/webhooks):
- A message is owed by the commit that it tells of, and told at least once, under one `webhook-id` however often.
- No secret is stored. It follows from the shop's secret key, the endpoint's id and its secret's number.
- After a rotation both secrets sign for WEBHOOK_ROTATION_S, so that no subscriber misses a message.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

Event = Literal[
    "stock.changed", "stock.low", "order.paid", "order.payment_failed", "order.cancelled", "order.booked"
]
EVENTS: tuple[str, ...] = get_args(Event)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A subscriber's address. Shape: `failing_since` of the first failure after the last success."""

    id: uuid.UUID
    url: str
    events: tuple[str, ...]
    description: str
    active: bool
    secret_number: int
    rotated_at: datetime | None
    failing_since: datetime | None
    last_error: str | None
    version: int
    created_by: str
    created_at: datetime

    def document(self) -> dict[str, Any]:
        """The endpoint as the API shows it; never with its secret."""
        return {
            "id": str(self.id),
            "url": self.url,
            "events": list(self.events),
            "description": self.description,
            "active": self.active,
            "rotated_at": self.rotated_at,
            "failing_since": self.failing_since,
            "last_error": self.last_error,
            "version": self.version,
            "created_at": self.created_at,
        }

    def logged(self) -> dict[str, Any]:
        """What the audit log keeps of it."""
        return {
            "url": self.url,
            "events": list(self.events),
            "description": self.description,
            "active": self.active,
            "secret_number": self.secret_number,
        }


def secret_of(key: bytes, endpoint_id: uuid.UUID, number: int) -> str:
    """An endpoint's signing secret, as its subscriber is shown it: `whsec_` and 32 bytes in base64."""
    drawn = hmac.new(key, f"webhook:{endpoint_id}:{number}".encode(), hashlib.sha256).digest()
    return "whsec_" + base64.b64encode(drawn).decode()


def sign(secret: str, message_id: str, at_s: int, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 over id, time and body, in base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, b"%s.%d." % (message_id.encode(), at_s) + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()


def headers(secrets: Sequence[str], message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The header fields of a message, signed with each of the secrets."""
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(sign(secret, message_id, at_s, body) for secret in secrets),
    }
