"""Buyers who never give up: whatever got no answer or a 5xx is sent again with the same key and body."""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from checkout.kit.ids import claim_id
from tests.crash.server import Server
from tests.shop import ADDRESS

_PATIENCE_S = 20.0
_keys = itertools.count(1)


@dataclass(slots=True)
class Purchase:
    """One purchase of one buyer. Shape: `order_id` once acknowledged; `refused` once told for good that there is none."""

    key: str
    body: dict[str, Any]
    order_id: str | None = None
    refused: str | None = None
    statuses: list[int] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.order_id is None and self.refused is None


class Buyers:
    """All purchases of a test and what came of each."""

    def __init__(self, server: Server, client: aiohttp.ClientSession, seed: int = 1) -> None:
        self._server = server
        self._client = client
        self._random = random.Random(seed)
        self.purchases: list[Purchase] = []
        self.carts: dict[str, dict[str, int]] = {}
        self.broken: list[str] = []
        self.answers: list[tuple[float, int]] = []

    def purchase(self, *lines: tuple[str, int], cart_id: str | None = None, **changes: Any) -> Purchase:
        """A new purchase, with a key of its own, not yet sent."""
        body: dict[str, Any] = {
            "email": f"buyer{next(_keys)}@example.com",
            "shipping_address": ADDRESS,
            "payment": {"provider": "stripe", "method": "pm_card_visa"},
            **changes,
        }
        if cart_id is None:
            body["currency"] = "EUR"
            body["lines"] = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
        else:
            body["cart_id"] = cart_id
        made = Purchase(f"buyer-{next(_keys)}", body)
        self.purchases.append(made)
        return made

    def random_purchases(self, skus: list[str], count: int) -> list[Purchase]:
        """Purchases of one to three of these SKUs."""
        return [
            self.purchase(*((sku, self._random.randint(1, 2)) for sku in self._random.sample(skus, k)))
            for k in (self._random.randint(1, min(3, len(skus))) for _ in range(count))
        ]

    async def send(self, purchase: Purchase) -> int:
        """Sends it once; 0 when no answer came."""
        body = json.dumps(purchase.body)
        headers = {"Idempotency-Key": purchase.key, "Content-Type": "application/json"}
        try:
            async with self._client.post(
                f"{self._server.url}/v1/checkouts", data=body, headers=headers
            ) as answer:
                status, document = answer.status, await answer.json(content_type=None)
                retry_after = answer.headers.get("Retry-After")
        except (aiohttp.ClientError, TimeoutError, OSError):
            status, document, retry_after = 0, {}, None
        purchase.statuses.append(status)
        self.answers.append((time.monotonic(), status))
        if status == 201:
            placed = document["order"]["id"]
            if purchase.refused is not None or purchase.order_id not in (None, placed):
                self.broken.append(f"{purchase.key}: {purchase.order_id or purchase.refused}, then {placed}")
            purchase.order_id = placed
        elif status == 409 and document.get("code") == "in_progress":
            pass
        elif 400 <= status < 500:
            if purchase.order_id is not None:
                self.broken.append(f"{purchase.key}: {purchase.order_id}, then {document}")
            purchase.refused = document.get("code", str(status))
        elif status == 503 and not retry_after:
            self.broken.append(f"{purchase.key}: 503 without Retry-After: {document}")
        elif status not in (0, 503):
            self.broken.append(f"{purchase.key}: {status} {document}")
        return status

    async def send_all(self, purchases: list[Purchase]) -> Counter[int]:
        """All at once; how often each status came."""
        return Counter(await asyncio.gather(*(self.send(one) for one in purchases)))

    async def insist(self) -> None:
        """Sends again what has no final answer, until all have one. Raises: TimeoutError."""
        async with asyncio.timeout(_PATIENCE_S):
            while waiting := [one for one in self.purchases if one.open]:
                await self.send_all(waiting)
                if any(one.open for one in waiting):
                    await asyncio.sleep(0.1)

    async def ask_again(self, count: int) -> None:
        """Sends acknowledged purchases once more: the same order must be the answer."""
        placed = [one for one in self.purchases if one.order_id is not None]
        for one in self._random.sample(placed, min(count, len(placed))):
            if await self.send(one) != 201:
                self.broken.append(f"{one.key}: acknowledged, then {one.statuses[-1]}")

    async def fill_cart(self, **lines: int) -> str | None:
        """A new cart with these lines; None when the shop did not acknowledge it."""
        wanted = {"currency": "EUR", "lines": [{"sku": s, "quantity": q} for s, q in lines.items()]}
        try:
            async with self._client.post(f"{self._server.url}/v1/carts", json=wanted) as answer:
                document = await answer.json(content_type=None)
                if answer.status != 201:
                    return None
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
        self.carts[document["id"]] = dict(lines)
        return str(document["id"])

    async def lost_carts(self) -> list[str]:
        """Acknowledged carts that are not there any more, or not as they were."""
        lost = []
        for cart_id, lines in self.carts.items():
            async with self._client.get(f"{self._server.url}/v1/carts/{cart_id}") as answer:
                document = await answer.json(content_type=None)
                there = {line["sku"]: line["quantity"] for line in document.get("lines", ())}
                if answer.status != 200 or there != lines:
                    lost.append(f"{cart_id}: {answer.status} {there}")
        return lost

    async def check(self, db: Any) -> list[str]:
        """What is wrong between the answers given and the orders in Postgres, in words; empty when nothing is."""
        wrong = list(self.broken)
        by_claim = {claim_id("guest", one.key): one for one in self.purchases}
        rows = await db.fetch("SELECT claim_id, id FROM orders")
        found = {row["claim_id"]: str(row["id"]) for row in rows}
        wrong += [f"an order of nobody: {order}" for claim, order in found.items() if claim not in by_claim]
        for claim, one in by_claim.items():
            if one.order_id != found.get(claim):
                wrong.append(f"{one.key}: answered {one.order_id or one.refused}, stored {found.get(claim)}")
        return wrong
