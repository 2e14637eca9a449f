"""Identifiers: UUIDv7 for rows, unguessable text for secrets, claim ids from idempotency keys."""

import os
import secrets
import time
import uuid
from hashlib import blake2b

from checkout.kit.db import FastUUID

_ENTROPY_BLOCK = 4096
_TAIL_BITS = 74
_CLOCK_BACK_MS = 1_000


class _Uuid7:
    """Draws random bytes from the kernel in blocks: one system call per 409 ids."""

    def __init__(self) -> None:
        self._block = b""
        self._at = 0
        self._ms = 0
        self._tail = 0

    def __call__(self) -> uuid.UUID:
        at = self._at
        if at + 10 > len(self._block):
            self._block = os.urandom(_ENTROPY_BLOCK)
            at = 0
        self._at = at + 10
        tail = int.from_bytes(self._block[at : at + 10], "big") >> 6
        ms = time.time_ns() // 1_000_000
        if self._ms - _CLOCK_BACK_MS < ms <= self._ms:
            tail = self._tail + 1 + (tail & 0xFFFF_FFFF)
            ms = self._ms + (tail >> _TAIL_BITS)
            tail &= (1 << _TAIL_BITS) - 1
        self._ms, self._tail = ms, tail
        value = ms << 80 | 0x7 << 76 | (tail >> 62) << 64 | 0x2 << 62 | tail & 0x3FFF_FFFF_FFFF_FFFF
        return FastUUID(value.to_bytes(16, "big"))


uuid7 = _Uuid7()
"""A new UUID, version 7, greater than all that this process made before, while its clock steps back by less than a second.

Source: RFC 9562, sections 5.7 and 6.2 (method 2: within a millisecond the random part grows by a random amount).
"""


def secret_id() -> str:
    """A name that is also a secret: 32 URL-safe characters, 192 bits."""
    return secrets.token_urlsafe(24)


def claim_id(scope: str, idempotency_key: str) -> uuid.UUID:
    """The claim's name, from who asks and the Idempotency-Key: a retried key finds its claim and its order."""
    digest = blake2b(f"{scope}\0{idempotency_key}".encode(), digest_size=16).digest()
    return FastUUID(digest)


def fingerprint(*parts: bytes) -> uuid.UUID:
    """What a request was, in 16 bytes: the same key with another fingerprint is a mismatch."""
    framed = b"".join([b"%b%b" % (len(part).to_bytes(4, "big"), part) for part in parts])
    return FastUUID(blake2b(framed, digest_size=16).digest())


def parse_uuid(text: str) -> uuid.UUID | None:
    """The UUID that the text spells, or None."""
    try:
        return FastUUID(text)
    except ValueError:
        return None
