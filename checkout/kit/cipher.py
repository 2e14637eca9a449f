"""Personal data as it lies in Postgres: sealed, so that who reads the disk, a dump or a replica reads nobody's name.

Guarantees (held by tests/unit/kit/test_cipher.py):
- A sealed value opens only under its key, and only in the table and row that it was sealed for.
- Two seals of the same value have nothing in common but the key's number.
- An address is found by its index, which tells nothing without the index key.

Shape: key's number (2 bytes) + nonce (12) + ciphertext + tag (16); the associated data are table and row.
Source: AES-256-GCM, NIST SP 800-38D; with random nonces a key is good for 2^32 seals, so it is changed before.
"""

import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from checkout.errors import Unavailable
from checkout.kit.db import Record

_NONCE_BYTES = 12
_HEAD_BYTES = 2 + _NONCE_BYTES
OVERHEAD_BYTES = _HEAD_BYTES + 16
INDEX_BYTES = 16


@dataclass(frozen=True, slots=True)
class Place:
    """Where personal data lies: a table whose column `personal` holds these fields, sealed as one JSON object.

    Shape: rows from before hold them in columns of the same names; those named in `json` as JSON.
    """

    table: str
    json: frozenset[str] = frozenset()


class Cipher:
    """Seals under the first of its keys, opens under any. Cost: about 2 µs each way."""

    def __init__(self, keys: Iterable[tuple[int, bytes]], index_key: bytes) -> None:
        keys = list(keys)
        named = [(number.to_bytes(2, "big"), AESGCM(key)) for number, key in keys]
        self._head, self._first = named[0]
        self._keys = dict(named)
        self._settled = blake2b(dict(keys)[self.current], digest_size=32, person=b"settled-nonce").digest()
        self._index = blake2b(key=index_key, digest_size=INDEX_BYTES, person=b"email-index")

    @property
    def current(self) -> int:
        """The number of the key that seals."""
        return int.from_bytes(self._head, "big")

    @property
    def numbers(self) -> list[int]:
        """The numbers of all keys at hand, the one that seals first."""
        return [int.from_bytes(head, "big") for head in self._keys]

    def is_current(self, sealed: bytes | None) -> bool:
        """Whether the value is sealed, and under the key that seals now."""
        return sealed is not None and sealed[:2] == self._head

    def seal_bytes(self, table: str, row_id: uuid.UUID | str, value: bytes) -> bytes:
        """The value, sealed for this row."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._head + nonce + self._first.encrypt(nonce, value, _bound(table, row_id))

    def seal_settled(self, table: str, row_id: uuid.UUID | str, value: bytes, *, salt: bytes) -> bytes:
        """The same, with a nonce made of salt and value: who seals the same again gets the same, and tells so much."""
        hasher = blake2b(salt, key=self._settled, digest_size=_NONCE_BYTES)
        hasher.update(b"\0" + value)
        nonce = hasher.digest()
        return self._head + nonce + self._first.encrypt(nonce, value, _bound(table, row_id))

    def open_bytes(self, table: str, row_id: uuid.UUID | str, sealed: bytes) -> bytes:
        """What was sealed. Raises: Unavailable (`key_missing`) for another key's, another row's or a changed value."""
        key = self._keys.get(sealed[:2])
        if key is None:
            raise _missing(f"There is no key {int.from_bytes(sealed[:2], 'big')}.")
        try:
            return key.decrypt(sealed[2:_HEAD_BYTES], sealed[_HEAD_BYTES:], _bound(table, row_id))
        except (InvalidTag, ValueError):
            raise _missing(f"A row of {table} does not open under its key.") from None

    def seal(self, place: Place, row_id: uuid.UUID | str, fields: Mapping[str, Any]) -> bytes:
        """The personal fields of a row, as its column `personal` holds them."""
        return self.seal_bytes(place.table, row_id, orjson.dumps(fields))

    def opened(
        self, place: Place, row: Record | Mapping[str, Any], row_id: uuid.UUID | str
    ) -> dict[str, Any]:
        """The row, its personal columns open and as values. Raises: Unavailable (`key_missing`)."""
        fields = dict(row.items())
        sealed = fields.pop("personal")
        if sealed is not None:
            found = orjson.loads(self.open_bytes(place.table, row_id, sealed))
            return fields | {name: found[name] for name in fields.keys() & found.keys()}
        for name in place.json & fields.keys():
            fields[name] = orjson.loads(fields[name])
        return fields

    def index(self, plain_address: str) -> bytes:
        """By which a row of this address is found: a keyed hash, the same at every time.

        Its key is not changed with the others: rows sealed under an old index would not be found.
        """
        hasher = self._index.copy()
        hasher.update(plain_address.encode("utf-8", "surrogatepass"))
        return hasher.digest()


def _bound(table: str, row_id: uuid.UUID | str) -> bytes:
    named = row_id.bytes if isinstance(row_id, uuid.UUID) else row_id.encode()
    return b"%b:%b" % (table.encode(), named)


def _missing(what: str) -> Unavailable:
    return Unavailable(f"Personal data cannot be read. {what}", code="key_missing")
