"""A batch as it is packed is the batch that Postgres reads."""

import uuid

import asyncpg
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from checkout.kit import db
from checkout.kit.ids import uuid7
from checkout.orders.batch import LINES, ORDERS, packed_lines, packed_orders
from checkout.orders.model import Draft
from tests.shop import Stores

_int4 = st.integers(0, 2**31 - 1)
_int8 = st.integers(-(2**63), 2**63 - 1)
_ids = st.uuids().map(lambda found: db.FastUUID(found.bytes))
_texts = st.text("aé€😀'\"\\{},\n", max_size=6)
_documents = _texts.map(lambda text: msgspec.json.encode({"title": text}))
_drafts = st.builds(
    Draft,
    id=_ids,
    claim_id=_ids,
    fingerprint=_ids,
    account_id=st.none() | _ids,
    cart_id=st.none() | _texts,
    personal=st.binary(max_size=40),
    email_index=st.binary(max_size=16),
    country=_texts,
    currency=_texts,
    subtotal_minor=_int8,
    discount_minor=_int8,
    shipping_minor=_int8,
    tax_minor=_int8,
    total_minor=_int8,
    document=_documents,
    payment_provider=_texts,
    payment_method=_texts,
    lines=st.lists(st.tuples(_int8, _int4, _int8, _int4), max_size=3),
)
_KEPT_APART = {"lines", "epoch"}


async def read_back(
    stores: Stores, drafts: list[Draft]
) -> tuple[list[dict[str, object]], list[tuple[object, ...]]]:
    """The rows of orders and of lines as Postgres sees them."""
    connection = await asyncpg.connect(stores.url_of(stores.template))
    try:
        order_type, line_type = await db.as_packed(connection, ORDERS), await db.as_packed(connection, LINES)
        orders = await connection.fetch(
            "SELECT * FROM unnest($1::draft_order[])", packed_orders(drafts, order_type)
        )
        lines = await connection.fetch(
            "SELECT * FROM unnest($1::draft_line[])", packed_lines(drafts, line_type)
        )
    finally:
        await connection.close()
    return [dict(row) for row in orders], [tuple(row) for row in lines]


@settings(max_examples=25)
@given(drafts=st.lists(_drafts, max_size=4))
async def test_what_is_packed_is_what_is_read(stores: Stores, drafts: list[Draft]) -> None:
    """If this fails, an amount or an address of an order lands in another column, or in another order."""
    orders, lines = await read_back(stores, drafts)
    assert orders == [
        {
            name: value.decode() if name == "document" else value
            for name, value in msgspec.structs.asdict(draft).items()
            if name not in _KEPT_APART
        }
        for draft in drafts
    ]
    assert lines == [
        (draft.id, number, *line) for draft in drafts for number, line in enumerate(draft.lines, 1)
    ]


async def test_two_batches_of_one_connection_do_not_mix(stores: Stores) -> None:
    """If this fails, what few values are remembered packed comes back for the wrong field."""
    first = Draft(
        *(uuid7(), uuid7(), uuid7(), uuid.uuid4(), "DE", b"", b"", "DE", "EUR"),
        *(1, 2, 3, 4, 5, b"{}", "EUR", "DE", [(1, 1, 1, 1)]),
    )
    second = msgspec.structs.replace(first, country="EUR", currency="DE", cart_id=None)
    orders, _ = await read_back(stores, [first, second])
    told = [(row["cart_id"], row["country"], row["currency"], row["payment_provider"]) for row in orders]
    assert told == [("DE", "DE", "EUR", "EUR"), (None, "EUR", "DE", "EUR")]
