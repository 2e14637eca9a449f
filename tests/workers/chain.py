"""What the tests of this folder share: a database with orders, the sandbox, and the chain worked in this process."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from checkout.after_order import Outside
from checkout.kit.cipher import Cipher
from checkout.kit.db import Pool
from checkout.kit.ids import uuid7
from checkout.orders.committer import Committer
from checkout.orders.model import Draft, Placed
from checkout.orders.personal import ADDRESSES, seal_order
from checkout.outbox.model import TOPICS
from checkout.outbox.store import OutboxStore
from checkout.outbox.work import Verb, work_all
from checkout.payments.store import PaymentStore
from checkout.sandbox.app import Running
from config.settings import Settings

ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "Unter den Linden 1",
    "city": "Berlin",
    "postal_code": "10117",
    "country": "DE",
    "phone": "+49 30 1234567",
}


def document(quantity: int = 1, *, unit_minor: int = 1000) -> dict[str, Any]:
    """A stored order document of one line."""
    total = quantity * unit_minor
    return {
        "lines": [
            {
                "sku": "TEST-1",
                "title": "Kaffee Röstung № 5",
                "quantity": quantity,
                "unit_price": unit_minor,
                "subtotal": total,
                "discount": 0,
                "tax": total * 19 // 119,
                "total": total,
                "product_id": str(uuid.UUID(int=0)),
            }
        ],
        "shipping_address": ADDRESS,
        "billing_address": None,
        "shipping_option": {"code": "standard", "title": "Standard", "amount": 490},
        "coupons": [],
        "taxes": [
            {
                "name": "VAT",
                "rate_bp": 1900,
                "base": total - total * 19 // 119,
                "amount": total * 19 // 119,
                "included": True,
            }
        ],
        "tax_included": total * 19 // 119,
        "requires_shipping": True,
        "weight_g": 500,
    }


@dataclass(slots=True)
class Chain:
    """One test's shop after the order: its database, its sandbox, and the verbs over them."""

    settings: Settings
    pool: Pool
    outside: Outside
    sandbox: Running
    outbox: OutboxStore
    payments: PaymentStore
    verbs: Mapping[str, Verb]
    committer: Committer
    item_id: int

    @property
    def cipher(self) -> Cipher:
        """What seals this shop's personal data."""
        return Cipher(self.settings.personal_keys, self.settings.personal_index_key)

    async def place(
        self,
        *,
        method: str = "pm_card_visa",
        quantity: int = 1,
        deadline_s: float | None = None,
        unit_minor: int = 1000,
        order_id: uuid.UUID | None = None,
        requires_shipping: bool = True,
    ) -> uuid.UUID:
        """Places an order through the committer; gives its id."""
        version = await self.pool.fetchval("SELECT offer_version FROM stock WHERE item_id = $1", self.item_id)
        stored = document(quantity, unit_minor=unit_minor) | {"requires_shipping": requires_shipping}
        addresses = orjson.dumps({name: stored.pop(name) for name in ADDRESSES})
        order_id = order_id or uuid7()
        draft = Draft(
            id=order_id,
            claim_id=uuid.uuid4(),
            fingerprint=uuid.uuid4(),
            account_id=None,
            cart_id=None,
            personal=seal_order(self.cipher, order_id, "ada@example.com", addresses),
            email_index=self.cipher.index("ada@example.com"),
            country="DE",
            currency="EUR",
            subtotal_minor=quantity * unit_minor,
            discount_minor=0,
            shipping_minor=490,
            tax_minor=0,
            total_minor=quantity * unit_minor + 490,
            document=orjson.dumps(stored),
            payment_provider="stripe",
            payment_method=method,
            lines=[(self.item_id, quantity, unit_minor, version)],
        )
        decision = await self.committer.submit(draft)
        assert isinstance(decision, Placed), decision
        if deadline_s is not None:
            await self.pool.execute(
                "UPDATE orders SET payment_deadline = placed_at + make_interval(secs => $2) WHERE id = $1",
                draft.id,
                deadline_s,
            )
        return draft.id

    async def step(self, *, only: str | None = None) -> int:
        """Works everything that is due now, once."""
        taken = await self.outbox.take({topic: 100 for topic in TOPICS if only in (None, topic)})
        for topic, rows in taken.items():
            await work_all(TOPICS[topic], rows, self.verbs[topic], self.outbox)
        return sum(len(rows) for rows in taken.values())

    async def drain(self, *, wait_s: float = 10.0) -> None:
        """Works until nothing is owed; rows that wait are hurried."""
        async with asyncio.timeout(wait_s):
            while await self.pool.fetchval("SELECT count(*) FROM outbox WHERE parked_at IS NULL"):
                await self.hurry()
                await self.step()

    async def hurry(self) -> None:
        """Makes every row due now."""
        await self.pool.execute("UPDATE outbox SET available_at = now() WHERE parked_at IS NULL")

    async def status(self, order_id: uuid.UUID) -> str:
        """The order's status."""
        return str(await self.pool.fetchval("SELECT status FROM orders WHERE id = $1", order_id))

    async def until(self, order_id: uuid.UUID, *statuses: str, wait_s: float = 10.0) -> str:
        """Waits for the order to reach one of these."""
        async with asyncio.timeout(wait_s):
            while (now := await self.status(order_id)) not in statuses:
                await asyncio.sleep(0.03)
        return now

    async def attempts(self, order_id: uuid.UUID) -> list[tuple[int, str]]:
        """(number, status) of the order's payment attempts."""
        rows = await self.pool.fetch(
            "SELECT attempt, status FROM payments WHERE order_id = $1 ORDER BY attempt", order_id
        )
        return [(row["attempt"], row["status"]) for row in rows]

    async def timeline(self, order_id: uuid.UUID) -> list[str]:
        """Statuses of the timeline; also checks that its sequence has no gap."""
        rows = await self.pool.fetch(
            "SELECT seq, status FROM order_events WHERE order_id = $1 ORDER BY seq", order_id
        )
        assert [row["seq"] for row in rows] == list(range(2, 2 + len(rows)))
        last = await self.pool.fetchval("SELECT timeline_seq FROM orders WHERE id = $1", order_id)
        assert last == 1 + len(rows)
        return [row["status"] for row in rows]

    async def reserved(self) -> int:
        """Units reserved, checked against the ledger."""
        reserved = await self.pool.fetchval("SELECT reserved FROM stock WHERE item_id = $1", self.item_id)
        ledger = await self.pool.fetchval(
            "SELECT coalesce(sum(reserved_delta), 0) FROM stock_ledger WHERE item_id = $1", self.item_id
        )
        assert reserved == ledger
        return int(reserved)

    async def ledger(self) -> dict[str, dict[str, Any]]:
        """The sandbox's account of the money, by order id."""
        await self.sandbox.store.committed()
        return {str(row["order_id"]): row for chunk in self.sandbox.store.ledger() for row in chunk}

    async def knobs(self, **changes: Any) -> None:
        """Turns the sandbox's knobs."""
        self.sandbox.faults.turn(changes)


async def make_item(database_url: str, on_hand: int = 1_000_000) -> int:
    """A sellable unit of its own."""
    connection = await asyncpg.connect(database_url)
    try:
        return int(
            await connection.fetchval(
                """WITH s AS (INSERT INTO stock (kind, on_hand) VALUES ('variant', $1) RETURNING item_id),
                        m AS (INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta)
                              SELECT gen_random_uuid(), item_id, 'receipt', $1 FROM s)
                   SELECT item_id FROM s""",
                on_hand,
            )
        )
    finally:
        await connection.close()
