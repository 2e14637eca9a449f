"""What an account is to the rest of the shop.

Guarantees:
- A password is stored only as an argon2id hash, a refresh token only as a digest (tests/api/accounts).
- An access token names one account and one role, and is good for ACCESS_TOKEN_TTL_S.
"""

import re
import uuid
from dataclasses import dataclass
from hashlib import blake2b

from config import limits

ROLES = ("customer", "vendor", "support", "admin")
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")


@dataclass(frozen=True, slots=True)
class Account:
    """A row that may sign in."""

    id: uuid.UUID
    password_hash: str
    role: str
    disabled: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The caller of a request that came with a good access token."""

    account_id: uuid.UUID
    role: str


def plain_email(text: str) -> str:
    """The address by which an account is found: trimmed, the case folded, without a display name."""
    text = text.strip()
    if text.endswith(">") and "<" in text:
        text = text[text.rindex("<") + 1 : -1]
    return text.strip().lower()


def is_email(text: str) -> bool:
    """Whether the text can be an e-mail address."""
    return len(text) <= limits.EMAIL_MAX_CHARS and _EMAIL.fullmatch(text) is not None


def token_digest(token: str) -> bytes:
    """What is stored of a refresh token: it has 192 random bits, so a plain digest cannot be reversed."""
    return blake2b(token.encode(), digest_size=32, person=b"refresh-token").digest()


def try_key(email: str) -> str:
    """The name under which an account's sign-in tries are counted: no address goes into the limiter's store."""
    return blake2b(plain_email(email).encode(), digest_size=16, person=b"login-tries").hexdigest()
