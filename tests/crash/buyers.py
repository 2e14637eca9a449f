"""Buyers who never give up: whatever got no answer or a 503 is sent again with the same key and body."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from checkout.kit.ids import claim_id
from tests.shop import ADDRESS

_PATIENCE_S = 30.0
_keys = itertools.count(1)
NO_ANSWER = 0


@dataclass(slots=True)
class Purchase:
    """One purchase. Shape: `order_id` and `answer` once acknowledged; `refused` once told for good that there is none."""

    key: str
    body: bytes
    order_id: str | None = None
    answer: bytes = b""
    refused: str | None = None
    statuses: list[int] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether the buyer still does not know what became of it."""
        return self.order_id is None and self.refused is None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request got, and when it did. Units: s."""

    asked: str
    at: float
    took_s: float
    status: int
    code: str


class Buyers:
    """All purchases of a test and what came of each; `broken` are answers that no shop may give, in words."""

    def __init__(
        self, url: str, client: aiohttp.ClientSession, skus: Sequence[str], *, seed: int = 1
    ) -> None:
        self._url = url
        self._client = client
        self._skus = skus
        self._random = random.Random(seed)
        self.purchases: list[Purchase] = []
        self.carts: dict[str, dict[str, int]] = {}
        self.answers: list[Answer] = []
        self.broken: list[str] = []

    # -- what is bought

    def purchase(self, **what: Any) -> Purchase:
        """A purchase with a key of its own, not yet sent: of `cart_id`, or of `lines` in a `currency`."""
        number = next(_keys)
        body = {
            "email": f"buyer{number}@example.com",
            "shipping_address": ADDRESS,
            "payment": {"provider": "stripe", "method": "pm_card_visa"},
            **what,
        }
        made = Purchase(f"buyer-{number}", msgspec.json.encode(body))
        self.purchases.append(made)
        return made

    def of_some(self) -> Purchase:
        """A purchase of one to three SKUs."""
        lines = [{"sku": sku, "quantity": self._random.randint(1, 2)} for sku in self._some()]
        return self.purchase(currency="EUR", lines=lines)

    def _some(self) -> list[str]:
        return self._random.sample(self._skus, self._random.randint(1, 3))

    async def cart_of_some(self, *, held: bool = False) -> str | None:
        """A new cart with one to three SKUs, held if asked for and to be had; None when it was not acknowledged."""
        wanted = {"currency": "EUR", "lines": [{"sku": sku, "quantity": 1} for sku in self._some()]}
        status, raw, _ = await self._ask("POST", "/v1/carts", data=msgspec.json.encode(wanted))
        if status != 201:
            return None
        cart_id = str(msgspec.json.decode(raw)["id"])
        self.carts[cart_id] = {line["sku"]: line["quantity"] for line in wanted["lines"]}
        if held:
            await self._ask("POST", f"/v1/carts/{cart_id}/hold")
        return cart_id

    # -- asking

    async def _ask(
        self, method: str, path: str, *, key: str | None = None, data: bytes | None = None
    ) -> tuple[int, bytes, str]:
        """(status, body, Retry-After); NO_ANSWER when the connection ended before one came."""
        headers = {"Content-Type": "application/json"} if data is not None else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        began = time.monotonic()
        try:
            async with self._client.request(method, self._url + path, data=data, headers=headers) as answer:
                status, raw = answer.status, await answer.read()
                retry_after = answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError, OSError):
            status, raw, retry_after = NO_ANSWER, b"", ""
        now = time.monotonic()
        code = str(msgspec.json.decode(raw).get("code", "")) if status >= 400 else ""
        self.answers.append(Answer(f"{method} {path}", now, now - began, status, code))
        if status >= 500 and (status != 503 or not retry_after):
            self.broken.append(f"{method} {path}: {status} {code}, Retry-After {retry_after!r}")
        return status, raw, code

    async def send(self, purchase: Purchase) -> int:
        """Sends it once and keeps what was said; gives the status."""
        status, raw, code = await self._ask("POST", "/v1/checkouts", key=purchase.key, data=purchase.body)
        purchase.statuses.append(status)
        if status == 201:
            placed = str(msgspec.json.decode(raw)["order"]["id"])
            if purchase.refused is not None or purchase.order_id not in (None, placed):
                self.broken.append(f"{purchase.key}: {purchase.order_id or purchase.refused}, then {placed}")
            elif purchase.answer not in (b"", raw):
                self.broken.append(f"{purchase.key}: {purchase.answer!r}, then {raw!r}")
            purchase.order_id, purchase.answer = placed, raw
        elif 400 <= status < 500 and code != "in_progress":
            if purchase.order_id is not None:
                self.broken.append(f"{purchase.key}: {purchase.order_id}, then {code}")
            purchase.refused = code
        return status

    async def send_all(self, purchases: Iterable[Purchase]) -> None:
        """All at once."""
        await asyncio.gather(*map(self.send, purchases))

    async def insist(self) -> None:
        """Sends again what has no final answer, until all have one. Raises: TimeoutError."""
        async with asyncio.timeout(_PATIENCE_S):
            while waiting := [one for one in self.purchases if one.open]:
                await self.send_all(waiting)
                if any(one.open for one in waiting):
                    await asyncio.sleep(0.1)

    async def ask_again(self, count: int, *, of: str = "") -> None:
        """Sends some of the newest acknowledged purchases (`of` this SKU) once more: the same order must be the answer."""
        newest = [one for one in self.purchases if one.order_id is not None and of.encode() in one.body]
        newest = newest[-10 * count :]
        again = self._random.sample(newest, min(count, len(newest)))
        await self.send_all(again)
        self.broken += [
            f"{one.key}: {one.order_id}, then {one.statuses[-1]}" for one in again if one.statuses[-1] != 201
        ]

    async def shop_until(self, stop: asyncio.Event, *, pause_s: float) -> None:
        """One buyer who buys, inline or by a cart, and insists on each purchase, until told to stop."""
        while not stop.is_set():
            chance = self._random.random()
            cart_id = await self.cart_of_some(held=chance < 0.1) if chance < 0.3 else None
            wanted = self.purchase(cart_id=cart_id) if cart_id else self.of_some()
            while not stop.is_set():
                await self.send(wanted)
                await asyncio.sleep(pause_s)
                if not wanted.open:
                    break

    @asynccontextmanager
    async def burst(self, *, shoppers: int = 8, pause_s: float = 0.02) -> AsyncIterator[None]:
        """Many buyers at once, for as long as the block lasts; before it is entered, each has an order."""
        stop = asyncio.Event()
        placed = self.placed
        async with asyncio.TaskGroup() as group:
            for _ in range(shoppers):
                group.create_task(self.shop_until(stop, pause_s=pause_s))
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    while self.placed < placed + shoppers:
                        await asyncio.sleep(0.05)
                yield
            finally:
                stop.set()

    # -- what came of it

    @property
    def placed(self) -> int:
        """How many purchases were acknowledged."""
        return sum(1 for one in self.purchases if one.order_id is not None)

    def failed(self, since: float, until: float = float("inf")) -> list[Answer]:
        """Requests that ended between these moments with a 5xx or with no answer at all."""
        return [
            one
            for one in self.answers
            if since < one.at <= until and (one.status >= 500 or one.status == NO_ANSWER)
        ]

    async def check_carts(self) -> None:
        """Every cart that was acknowledged and not bought is there as it was; then they are forgotten."""
        for cart_id, lines in self.carts.items():
            status, raw, code = await self._ask("GET", f"/v1/carts/{cart_id}")
            kept = msgspec.json.decode(raw).get("lines", ()) if raw else ()
            found = {line["sku"]: line["quantity"] for line in kept}
            if status != 200 or found != lines:
                self.broken.append(f"cart {lines}, then {status} {code} {found}")
        self.carts.clear()

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
