"""An order as its reader gets it, for handlers that end by showing it."""

import uuid

from aiohttp import web

from checkout.errors import NotFound
from checkout.kit.answer import answer
from checkout.orders.document import order_document
from checkout.orders.store import OrderStore


async def order_response(store: OrderStore, order_id: uuid.UUID, *, status: int = 200) -> web.Response:
    """The order as it stands now. Raises: NotFound. Cost: a share of five reads."""
    row = await store.by_id(order_id)
    if row is None:
        raise NotFound("There is no such order.")
    document = order_document(row, await store.follow_up(order_id))
    return answer(document, status=status, cache_control="private, no-store")
