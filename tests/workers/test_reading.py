"""Orders that are read at once, after all that follows their answer."""

import asyncio

import asyncpg

from checkout.kit.ids import uuid7
from checkout.orders.document import order_document
from checkout.orders.store import FollowUp, OrderStore
from tests.workers.chain import Chain


async def test_orders_read_at_once_share_their_reads_and_each_is_its_own(chain: Chain) -> None:
    """If this fails, a buyer sees another's parcel, or a shop at its peak waits for connections to show what was bought."""
    placed = [await chain.place(quantity=quantity) for quantity in (1, 2, 3)]
    await chain.drain()
    leases = 0

    async def lent(_connection: object) -> None:
        nonlocal leases
        leases += 1

    asked = [*placed, placed[0], uuid7()]
    async with asyncpg.create_pool(chain.settings.database_url, min_size=1, max_size=4, setup=lent) as pool:
        store = OrderStore(pool, chain.cipher)
        *rows, nobody = await asyncio.gather(*map(store.by_id, asked))
        *since, nothing = await asyncio.gather(*map(store.follow_up, asked))
    assert leases == 2
    assert nobody is None
    assert nothing == FollowUp()
    seen = [order_document(row, came) for row, came in zip(rows, since, strict=True) if row is not None]
    assert [order["id"] for order in seen] == [str(order_id) for order_id in asked[:4]]
    assert [order["payment"]["amount"] for order in seen] == [1490, 2490, 3490, 1490]
    assert all([e["status"] for e in order["timeline"]] == ["placed", "paid", "booked"] for order in seen)
    parcels = {r["order_id"]: r["tracking_number"] for r in await chain.pool.fetch("SELECT * FROM shipments")}
    invoices = {r["order_id"]: r["number"] for r in await chain.pool.fetch("SELECT * FROM invoices")}
    assert len(set(parcels.values())) == len(set(invoices.values())) == 3
    for order_id, order in zip(asked, seen, strict=False):
        assert [parcel["tracking_number"] for parcel in order["shipments"]] == [parcels[order_id]]
        assert order["invoice"]["number"].endswith(f"-{invoices[order_id]:06d}")
