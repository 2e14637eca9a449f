"""Which tables hold personal data sealed, and what of a row that is still plain belongs into its seal.

Guarantees (held by tests/api/personal):
- After a rotation that says so, no row lies plain or under another key than the first.
- A rotation changes how a row lies, never what it says, and may be stopped and begun again at any moment.
- It waits for nobody's lock, and holds no lock longer than one batch.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from checkout.accounts.model import plain_email
from checkout.accounts.personal import ACCOUNT, ADDRESS, FACTOR, REQUEST
from checkout.carts.personal import CART
from checkout.invoices.personal import BUYER, INVOICE, whole
from checkout.orders.personal import ADDRESSES, ORDER
from checkout.payments.store import INBOX
from checkout.shipments.store import LABEL

_FIRST = uuid.UUID(int=0)
PLAIN = -1
"""Stands for the number of a key where a row is not sealed."""
ARCHIVE = "archive.orders"
"""Orders of archived months, which no rotation reaches."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be sealed of a row, the address it is found by, and what stays in its document."""

    value: bytes
    address: str | None = None
    rest: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A table with personal data.

    Shape: `plain` gives what belongs into the seal of a row that has none; `is_found` says that rows are found by
    `email_index`, `has_rest` that their documents stay in part; `first` comes before every id.
    """

    table: str
    plain: Callable[[Mapping[str, Any]], Part]
    is_found: bool = False
    has_rest: bool = False
    first: uuid.UUID | str = _FIRST


def _account(row: Mapping[str, Any]) -> Part:
    fields = {"email": row["email"], "profile": orjson.loads(row["profile"])}
    return Part(orjson.dumps(fields), plain_email(row["email"]))


def _address(row: Mapping[str, Any]) -> Part:
    return Part(orjson.dumps({"document": orjson.loads(row["document"])}))


def _factor(row: Mapping[str, Any]) -> Part:
    return Part(row["secret"])


def _request(row: Mapping[str, Any]) -> Part:
    fields = {"email": row["email"], "document": orjson.loads(row["document"])}
    return Part(orjson.dumps(fields), plain_email(row["email"]))


def _order(row: Mapping[str, Any]) -> Part:
    document = orjson.loads(row["document"])
    fields = {"email": row["email"]} | {name: document.pop(name, None) for name in ADDRESSES}
    rest = orjson.dumps(document).decode()
    return Part(orjson.dumps(fields), plain_email(row["email"]), rest)


def _invoice(row: Mapping[str, Any]) -> Part:
    document = orjson.loads(row["document"])
    buyer = {name: document.pop(name, None) for name in BUYER}
    return Part(whole(buyer, row["pdf"]), rest=orjson.dumps(document).decode())


def _label(row: Mapping[str, Any]) -> Part:
    return Part(row["label_pdf"])


def _webhook(row: Mapping[str, Any]) -> Part:
    return Part(row["payload"].encode())


def _cart(row: Mapping[str, Any]) -> Part:
    return Part(row["addr"].encode())


KEPT = (
    Kept(ACCOUNT.table, _account, is_found=True),
    Kept(ADDRESS.table, _address),
    Kept(FACTOR, _factor),
    Kept(REQUEST.table, _request, is_found=True),
    Kept(ORDER, _order, is_found=True, has_rest=True),
    Kept(INVOICE, _invoice, has_rest=True),
    Kept(LABEL, _label),
    Kept(INBOX, _webhook),
    Kept(CART, _cart, first=""),
)
