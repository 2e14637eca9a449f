"""Set a booked order's units aside at the locations that they will leave from.

Owed by the booking's commit in shops with more than one active location; with one there is nothing to choose.
"""

from collections import defaultdict

import orjson

from checkout.kit import sql
from checkout.kit.cipher import Cipher
from checkout.kit.db import Pool, acquired
from checkout.orders.personal import opened_order
from checkout.outbox.model import Row
from checkout.outbox.store import finish
from checkout.stock.allocate import Place, allocate

QUERIES = sql.load(__file__, "allocation.sql")


async def set_aside(row: Row, *, pool: Pool, cipher: Cipher) -> None:
    """Allocates the order's units, once in effect; what lies nowhere yet (back-orders) is set aside nowhere.

    Raises: Unavailable, and Postgres's own errors. Retry: always. Locks: the SKUs' places, in order of their keys.
    """
    async with acquired(pool) as connection, connection.transaction():
        order = await connection.fetchrow(QUERIES.order_to_allocate, row.subject_id)
        if order is None or order["is_done"]:
            await finish(connection, row.id)
            return
        units = await connection.fetch(QUERIES.units_of_order, row.subject_id)
        wanted = {line["item_id"]: line["units"] for line in units}
        free: defaultdict[str, dict[int, int]] = defaultdict(dict)
        about = {}
        for place in await connection.fetch(QUERIES.lock_places, list(wanted)):
            free[place["location"]][place["item_id"]] = place["free"]
            about[place["location"]] = (place["priority"], place["country"], place["region"])
        places = [Place(code, *about[code], free[code]) for code in free]
        to = orjson.loads(opened_order(cipher, order)["document"])["shipping_address"] or {}
        found = allocate(wanted, places, country=order["country"], region=to.get("region") or "")
        rows = [(item, code, count) for code, given in found.parcels for item, count in given.items()]
        await connection.execute(
            QUERIES.set_aside,
            row.subject_id,
            [item for item, _, _ in rows],
            [code for _, code, _ in rows],
            [count for _, _, count in rows],
            found.parcels[0][0] if found.parcels else None,
            row.id,
        )
