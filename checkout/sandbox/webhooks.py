"""Events on their way to the shop: signed, at least once, with backoff, in whatever order the knobs say.

What is undelivered is on file, so a restarted sandbox goes on where it was.
"""

import asyncio
import hashlib
import heapq
import hmac
import time

import aiohttp
import orjson

from checkout.sandbox.faults import Faults
from checkout.sandbox.store import Document, Store

_AT_ONCE = 16
_ATTEMPTS_MAX = 16
_BACKOFF_MAX_S = 300.0
_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3)
_SENT_KINDS = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.canceled",
        "payment_intent.amount_capturable_updated",
        "charge.refunded",
        "tracking",
    }
)


class Target:
    """Where one provider's events go, and how they are signed."""

    def __init__(self, *, kind: str, url: str, secret: str, header: str) -> None:
        self.kind, self.url, self.secret, self.header = kind, url, secret.encode(), header
        self.rests_until = 0.0
        """The shop did not answer at all: nothing is sent before this moment, or a dead shop costs a try an event."""

    def sign(self, body: bytes, at_s: int) -> str:
        """`t=…,v1=…`: HMAC-SHA256 over time, a dot, and the body."""
        mac = hmac.new(self.secret, b"%d." % at_s + body, hashlib.sha256)
        return f"t={at_s},v1={mac.hexdigest()}"


class Webhooks:
    """The queue and its senders."""

    def __init__(self, store: Store, faults: Faults, targets: dict[str, Target]) -> None:
        self._store, self._faults, self._targets = store, faults, targets
        self._due: list[tuple[float, str, str, int]] = []
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending = asyncio.Semaphore(_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self._loop_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up what was undelivered and begin to send."""
        self._session = aiohttp.ClientSession(
            timeout=_TIMEOUT, connector=aiohttp.TCPConnector(limit=_AT_ONCE)
        )
        self._due = [
            (due, event_id, target, attempts) for event_id, target, attempts, due in self._store.queued()
        ]
        heapq.heapify(self._due)
        self._loop_task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop sending; what is undelivered stays on file."""
        tasks = [task for task in (self._loop_task, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def announce(self, target: str, event: Document) -> None:
        """Queue an event, in the transaction that files it."""
        if event["type"] not in _SENT_KINDS or not self._targets[target].url:
            return
        knobs = self._faults.knobs.webhooks
        due = time.time() + (knobs.delay_ms + self._faults.dice.randint(0, knobs.shuffle_ms)) / 1000
        self._store.queue(event["id"], target, due)
        heapq.heappush(self._due, (due, event["id"], target, 0))
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            wait_s = self._due[0][0] - time.time() if self._due else 3600.0
            if not self._faults.knobs.webhooks.enabled:
                wait_s = 0.2
            elif wait_s <= 0:
                _, event_id, target, attempts = heapq.heappop(self._due)
                rests_until = self._targets[target].rests_until
                if rests_until > time.time():
                    heapq.heappush(self._due, (rests_until, event_id, target, attempts))
                    continue
                await self._sending.acquire()
                task = asyncio.create_task(self._send(event_id, self._targets[target], attempts))
                self._tasks.add(task)
                task.add_done_callback(self._sent)
                continue
            try:
                async with asyncio.timeout(max(wait_s, 0.001)):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._sending.release()

    async def _send(self, event_id: str, target: Target, attempts: int) -> None:
        await self._store.committed()
        event = self._store.get("event", event_id)
        if event is None:
            self._store.delivered(event_id)
            return
        knobs = self._faults.knobs.webhooks
        body = orjson.dumps(event)
        good = True
        for _ in range(1 + knobs.duplicates):
            status = await self._post(target, body)
            good = good and 200 <= status < 300
            self._store.record_delivery(event_id, attempts + 1, status, time.time())
        if good or attempts + 1 >= _ATTEMPTS_MAX:
            self._store.delivered(event_id)
            return
        backoff_s = min(knobs.retry_ms / 1000 * 2**attempts, _BACKOFF_MAX_S)
        due = time.time() + backoff_s
        self._store.postpone(event_id, attempts + 1, due)
        heapq.heappush(self._due, (due, event_id, target.kind, attempts + 1))
        self._wake.set()

    async def _post(self, target: Target, body: bytes) -> int:
        """The shop's status, or 0 without an answer."""
        knobs = self._faults.knobs.webhooks
        if knobs.drop_rate and self._faults.dice.random() < knobs.drop_rate:
            return 0
        headers = {
            target.header: target.sign(body, int(time.time())),
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        assert self._session is not None
        try:
            async with self._session.post(
                target.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            target.rests_until = time.time() + knobs.retry_ms / 1000
            return 0
