"""What a SKU costs now: the per-process cache that quoting reads.

**Guarantees** (held by tests/api/catalog/test_changes.py and tests/unit/catalog/test_offers.py):
- An offer that was loaded before a change of its product is not given after the change was announced.
- No entry is served longer than OFFER_TTL_S; an unknown SKU is asked again after OFFER_NEGATIVE_TTL_S.
- However many callers miss at once, one statement a currency is in flight, and the next one asks for all who wait.

A stale offer is never dangerous: the quote carries its `offer_version`, and the committer refuses an old one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from operator import attrgetter

import msgspec
from msgspec import Struct

from checkout.quoting.model import Offer
from config import limits

OFFER_TTL_S = 1800.0
OFFER_NEGATIVE_TTL_S = 2.0
BATCH_SKUS_MAX = 2000
_NEGATIVES_MAX = 10_000
_AT_HAND_MAX = 2_000
"""Offers of a currency that are kept as objects too; when there are more, all are packed again."""
_CHANGES_MAX = 20_000
"""Products whose change is remembered; of more, everything is forgotten."""

Source = Callable[[Sequence[str], str], Awaitable[Sequence[Offer]]]


class _Kept(Offer, frozen=True, gc=False, kw_only=True):
    """An offer as it is given.

    Units: `until` by the cache's clock. Shape: `asked_at` counts the changes that had been announced when it was asked for.
    """

    until: float
    asked_at: int


class _Packed(Struct, frozen=True, gc=False, array_like=True):
    """The fields of an offer that its place does not tell."""

    item_id: int
    product_id: str
    slug: str
    title: str
    unit_minor: int
    offer_version: int
    tax_class: str
    weight_g: int
    requires_shipping: bool
    until: float
    asked_at: int


_fields = attrgetter(*_Packed.__struct_fields__[:-2])
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(_Packed).decode


class _Shelf:
    """The kept offers of one currency by SKU, oldest first.

    Packed an offer takes half of what its object takes; those that were asked for lately are there as objects too.
    """

    __slots__ = ("at_hand", "currency", "packed")

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.packed: dict[str, bytes] = {}
        self.at_hand: dict[str, _Kept] = {}

    def get(self, sku: str) -> _Kept | None:
        offer = self.at_hand.get(sku)
        if offer is None and (packed := self.packed.get(sku)) is not None:
            if len(self.at_hand) >= _AT_HAND_MAX:
                self.at_hand.clear()
            own = _unpack(packed)
            offer = self.at_hand[sku] = _Kept(
                own.item_id, sku, own.product_id, own.slug, own.title, self.currency, own.unit_minor, own.offer_version,
                own.tax_class, own.weight_g, own.requires_shipping, until=own.until, asked_at=own.asked_at,
            )  # fmt: skip
        return offer

    def put(self, offer: Offer, until: float, asked_at: int) -> None:
        """In the place of the one before, if there was one."""
        self.packed[offer.sku] = _pack((*_fields(offer), until, asked_at))
        self.at_hand.pop(offer.sku, None)

    def drop(self, sku: str) -> None:
        self.packed.pop(sku, None)
        self.at_hand.pop(sku, None)

    def __len__(self) -> int:
        return len(self.packed)


_NOTHING = _Shelf("")


class _Queue:
    """The SKUs of one currency that someone waits for, and the load that is under way."""

    __slots__ = ("pending", "task", "waiting")

    def __init__(self) -> None:
        self.pending: set[str] = set()
        self.waiting: asyncio.Future[dict[str, Offer]] | None = None
        self.task: asyncio.Task[None] | None = None


class Offers:
    """SKU and currency → Offer, loaded in batches, bounded, dropped on the catalogue's notifications.

    Cost: `peek` about 0.3 µs, of an offer not asked for lately 1 µs more; a miss is one statement shared with all who
    miss meanwhile.
    """

    def __init__(
        self,
        source: Source,
        *,
        max_entries: int = limits.OFFERS_MAX,
        ttl_s: float = OFFER_TTL_S,
        negative_ttl_s: float = OFFER_NEGATIVE_TTL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._max_entries = max_entries
        self._ttl_s = ttl_s
        self._negative_ttl_s = negative_ttl_s
        self._clock = clock
        self._shelves: dict[str, _Shelf] = {}
        self._missing: dict[tuple[str, str], float] = {}
        self._queues: dict[str, _Queue] = {}
        self.generation = 0
        """Counts the changes that were announced."""
        self._flushed_at = 0
        self.forgotten_at = clock()
        """When everything was forgotten the last time, by this cache's clock."""
        self._changed: dict[str, int] = {}
        self._changed_before: dict[str, int] = {}
        self._changed_since = clock()
        self.loads = 0

    def __len__(self) -> int:
        return sum(len(shelf) for shelf in self._shelves.values())

    @property
    def currencies(self) -> list[str]:
        """Those that somebody asked in."""
        return list(self._queues)

    def now(self) -> float:
        """By this cache's clock. Units: s."""
        return self._clock()

    def learn(self, offers: Iterable[Offer], currency: str, asked_at: int) -> bool:
        """Keeps offers that nobody waits for; says whether they were kept, or everything was forgotten meanwhile.

        Shape: `asked_at` is the `generation` before they were read. When there is no room, only known ones are renewed.
        """
        if self._flushed_at > asked_at:
            return False
        until, room = self._clock() + self._ttl_s, self._max_entries - len(self)
        shelf = self._shelves.setdefault(currency, _Shelf(currency))
        for offer in offers:
            if offer.sku not in shelf.packed:
                if room <= 0:
                    continue
                room -= 1
            shelf.put(offer, until, asked_at)
        return True

    def peek(self, sku: str, currency: str) -> Offer | None:
        """The offer if this process knows it; None says nothing about the SKU: ask `get_many`."""
        offer = self._shelves.get(currency, _NOTHING).get(sku)
        return offer if offer is not None and self._holds(offer, self._clock()) else None

    def _holds(self, offer: _Kept, now: float) -> bool:
        if offer.until <= now:
            return False
        if not self._changed and not self._changed_before:
            return True
        product = offer.product_id
        changed_at = self._changed.get(product) or self._changed_before.get(product, 0)
        return changed_at <= offer.asked_at

    async def get_many(self, skus: Iterable[str], currency: str) -> dict[str, Offer]:
        """Offers by SKU; a SKU that is not sold in this currency is left out.

        Raises: Unavailable while the database is away and the offers are not known here.
        """
        found: dict[str, Offer] = {}
        wanted: set[str] = set()
        now, shelf = self._clock(), self._shelves.get(currency, _NOTHING)
        for sku in skus:
            offer = shelf.get(sku)
            if offer is not None and self._holds(offer, now):
                found[sku] = offer
            elif self._missing.get((sku, currency), 0.0) <= now:
                wanted.add(sku)
        if wanted:
            loaded = await self._load(wanted, currency)
            found.update((sku, loaded[sku]) for sku in wanted if sku in loaded)
        return found

    def invalidate(self, *payloads: str) -> None:
        """Takes `catalog` notifications: product ids, or `*` for everything."""
        if "*" in payloads or "" in payloads or len(self._changed) + len(payloads) > _CHANGES_MAX:
            self.flush()
            return
        self.generation += 1
        self._missing.clear()
        now = self._clock()
        if (
            now - self._changed_since > self._ttl_s
        ):  # of what was asked for before the changes before, nothing holds any more
            self._changed_before, self._changed, self._changed_since = self._changed, {}, now
        self._changed.update(dict.fromkeys(payloads, self.generation))
        self._detach()

    def flush(self) -> None:
        """Forgets everything; what is being loaded now will not be kept."""
        self.generation += 1
        self._flushed_at = self.generation
        self.forgotten_at = self._clock()
        self._shelves.clear()
        self._missing.clear()
        self._changed.clear()
        self._changed_before.clear()
        self._detach()

    def _detach(self) -> None:
        """Callers from now on must not share a statement that began before the change."""
        for queue in self._queues.values():
            if queue.task is not None and queue.waiting is None:
                queue.task = None

    async def _load(self, skus: set[str], currency: str) -> dict[str, Offer]:
        queue = self._queues.setdefault(currency, _Queue())
        queue.pending |= skus
        if queue.waiting is None:
            queue.waiting = asyncio.get_running_loop().create_future()
        waiting = queue.waiting
        if queue.task is None:
            queue.task = asyncio.get_running_loop().create_task(self._drain(queue, currency), name="offers")
        return await asyncio.shield(waiting)

    async def _drain(self, queue: _Queue, currency: str) -> None:
        """Loads what is waiting, then what came meanwhile, until nobody waits."""
        this = asyncio.current_task()
        while queue.waiting is not None:
            waiting, pending = queue.waiting, list(queue.pending)
            queue.waiting, queue.pending = None, set()
            try:
                loaded: dict[str, Offer] = {}
                for at in range(0, len(pending), BATCH_SKUS_MAX):
                    loaded.update(await self._read(pending[at : at + BATCH_SKUS_MAX], currency))
                if not waiting.done():
                    waiting.set_result(loaded)
            except asyncio.CancelledError:
                waiting.cancel()
                raise
            except (
                Exception
            ) as error:  # whatever the source raised belongs to those who wait, not to this task
                if not waiting.done():
                    waiting.set_exception(error)
                    waiting.exception()
            if queue.task is not this:
                return
        queue.task = None

    async def _read(self, skus: Sequence[str], currency: str) -> dict[str, Offer]:
        began, expires = self.generation, self._clock() + self._ttl_s
        self.loads += 1
        offers = {offer.sku: offer for offer in await self._source(skus, currency)}
        if self._flushed_at > began:
            return offers
        for offer in offers.values():
            self._keep(offer, currency, expires, began)
        if self.generation == began and len(self._missing) < _NEGATIVES_MAX:
            until = self._clock() + self._negative_ttl_s
            self._missing.update(((sku, currency), until) for sku in skus if sku not in offers)
        elif len(self._missing) >= _NEGATIVES_MAX:
            self._missing.clear()
        return offers

    def _keep(self, offer: Offer, currency: str, until: float, asked_at: int) -> None:
        shelf = self._shelves.setdefault(currency, _Shelf(currency))
        shelf.drop(offer.sku)
        if len(self) >= self._max_entries:
            fullest = max(self._shelves.values(), key=len)
            fullest.drop(next(iter(fullest.packed)))
        shelf.put(offer, until, asked_at)
