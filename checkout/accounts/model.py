"""What an account is to the rest of the shop.

Guarantees (held by tests/api/accounts):
- A password is stored only as an argon2id hash. Tokens of sessions and links are not stored at all: they carry a keyed
  hash, and the row they name says whether they are still good.
- An access token names one account, role and session, and is good for ACCESS_TOKEN_TTL_S, or until its session ends.
- A refresh token works once; one that comes again ends its session.
- There is no account before its address was proven: nobody can take an address, or learn whether it has an account.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from config import limits

ROLES = ("customer", "vendor", "support", "admin")
CONSENTS = ("marketing_email", "sms")
"""What an account may allow us, beside what an order needs."""
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")


@dataclass(frozen=True, slots=True)
class Account:
    """A row that may sign in. Shape: `secret` is its second factor's, None while it has none."""

    id: uuid.UUID
    email: str
    password_hash: str
    role: str
    disabled: bool
    verified: bool = False
    secret: bytes | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The caller of a request that came with a good access token."""

    account_id: uuid.UUID
    role: str
    session_id: uuid.UUID | None = None


def plain_email(text: str) -> str:
    """The address by which an account is found: trimmed, the case folded, without a display name."""
    text = text.strip()
    if text.endswith(">") and "<" in text:
        text = text[text.rindex("<") + 1 : -1]
    return text.strip().lower()


def is_email(text: str) -> bool:
    """Whether the text can be an e-mail address."""
    return len(text) <= limits.EMAIL_MAX_CHARS and _EMAIL.fullmatch(text) is not None


def try_key(email: str) -> str:
    """The name under which an account's sign-in tries are counted: no address goes into the limiter's store."""
    return blake2b(plain_email(email).encode(), digest_size=16, person=b"login-tries").hexdigest()


def consents(before: Mapping[str, Any], wanted: Mapping[str, bool | None]) -> dict[str, Any]:
    """The consents after a change, each with the time it was given or withdrawn at.

    Shape: `wanted` maps a consent to whether it is given; None leaves it. What stays as it was keeps its time.
    """
    after = dict(before)
    for kind, given in wanted.items():
        if given is not None and (kind not in before or before[kind]["given"] != given):
            after[kind] = {"given": given, "at": datetime.now(UTC).isoformat(timespec="milliseconds")}
    return after
