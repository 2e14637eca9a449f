"""Tokens of sessions and of links in mails: a row's id and a keyed hash.

Nothing of them is stored, so nothing that is stored opens anything. A row that is gone, or has gone on, makes its token
worthless: that is what lets it work once.
"""

import hmac
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

_MAC_BYTES = 24
_GENERATION_BYTES = 4
_SESSION = b"refresh-token"
_LINKS = {"registration": b"registration", "password_reset": b"password-reset"}


def refresh_token(secret: bytes, session_id: uuid.UUID, generation: int) -> str:
    """The session's refresh token of this generation: 192 bits that only we can make."""
    return _seal(secret, _SESSION, session_id.bytes + generation.to_bytes(_GENERATION_BYTES, "big"))


def read_refresh_token(secret: bytes, token: str) -> tuple[uuid.UUID, int] | None:
    """(session, generation) of a token that is ours, or None."""
    payload = _open(secret, _SESSION, token, 16 + _GENERATION_BYTES)
    return None if payload is None else (uuid.UUID(bytes=payload[:16]), int.from_bytes(payload[16:], "big"))


def link_token(secret: bytes, kind: str, request_id: uuid.UUID) -> str:
    """What the link in a mail carries. Shape: `kind` is the kind of the account's request."""
    return _seal(secret, _LINKS[kind], request_id.bytes)


def read_link_token(secret: bytes, kind: str, token: str) -> uuid.UUID | None:
    """The request whose link carried this token, or None."""
    payload = _open(secret, _LINKS[kind], token, 16)
    return None if payload is None else uuid.UUID(bytes=payload)


def _mac(secret: bytes, purpose: bytes, payload: bytes) -> bytes:
    return blake2b(payload, key=secret[:64], digest_size=_MAC_BYTES, person=purpose).digest()


def _seal(secret: bytes, purpose: bytes, payload: bytes) -> str:
    return urlsafe_b64encode(payload + _mac(secret, purpose, payload)).decode().rstrip("=")


def _open(secret: bytes, purpose: bytes, token: str, size: int) -> bytes | None:
    try:
        raw = urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
    except ValueError:
        return None
    payload, mac = raw[:size], raw[size:]
    good = len(raw) == size + _MAC_BYTES and hmac.compare_digest(mac, _mac(secret, purpose, payload))
    return payload if good else None
