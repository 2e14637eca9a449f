"""Learning prices ahead of their buyers, from a catalogue in a list."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from checkout.catalog.offers import OFFER_TTL_S, Offers
from checkout.catalog.warming import Warming
from checkout.errors import Unavailable
from checkout.quoting.model import Offer


class Catalogue:
    """So many items at a price; pages of three. Shape: `away` refuses; `before_page` is called with what was asked for."""

    def __init__(self, items: int = 10) -> None:
        self.items = items
        self.price = 100
        self.asked: list[tuple[int, str]] = []
        self.skus: list[str] = []
        self.away = False
        self.before_page: Callable[[int], None] = lambda _after: None

    async def by_sku(self, skus: Sequence[str], currency: str) -> Sequence[Offer]:
        self.skus += skus
        return [self.offer(int(sku[1:]), currency) for sku in skus]

    async def page(self, after: int, currency: str) -> tuple[Sequence[Offer], int | None]:
        if self.away:
            raise Unavailable("Away.", code="database_away")
        found = [self.offer(item, currency) for item in range(after + 1, min(after + 3, self.items) + 1)]
        self.asked.append((after, currency))
        self.before_page(after)
        return [offer for offer in found if offer.item_id != 5], found[-1].item_id if found else None

    def offer(self, item: int, currency: str) -> Offer:
        return Offer(item, f"S{item}", f"product-{item}", "slug", "title", currency, self.price, 1)


@contextlib.asynccontextmanager
async def warming(offers: Offers, catalogue: Catalogue, quiet_s: float = 0.0) -> AsyncIterator[None]:
    task = asyncio.create_task(Warming(offers, catalogue.page, look_s=0.001, quiet_s=quiet_s).run())
    yield
    assert not task.done(), task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.001)


def known(offers: Offers, currency: str = "EUR", items: int = 10) -> list[int]:
    return [item for item in range(1, items + 1) if offers.peek(f"S{item}", currency) is not None]


SOLD = [1, 2, 3, 4, 6, 7, 8, 9, 10]


async def test_the_first_question_in_a_currency_has_all_of_it_learned_once() -> None:
    """If it fails, each SKU's first buyer waits for Postgres, or a process reads the catalogue for ever."""
    catalogue = Catalogue()
    offers = Offers(catalogue.by_sku)
    async with warming(offers, catalogue):
        await asyncio.sleep(0.01)
        assert catalogue.asked == []
        await offers.get_many(["S7"], "EUR")
        await until(lambda: known(offers) == SOLD)
        assert known(offers, "USD") == []
        await until(lambda: len(catalogue.asked) >= 5)
        await asyncio.sleep(0.02)
        assert catalogue.asked == [(after, "EUR") for after in (0, 3, 6, 9, 10)]
        assert (await offers.get_many(["S1", "S10"], "EUR"))["S10"].unit_minor == 100
        assert catalogue.skus == ["S7"]


async def test_what_changes_while_it_is_read_is_not_known_at_the_old_price() -> None:
    """If it fails, learning brings yesterday's price back."""
    catalogue = Catalogue()
    offers = Offers(catalogue.by_sku)

    def change(after: int) -> None:
        if after == 3:
            catalogue.price = 111
            offers.invalidate("product-4")

    catalogue.before_page = change
    async with warming(offers, catalogue):
        await offers.get_many(["S1"], "EUR")
        await until(lambda: len(offers) == len(SOLD))
        assert known(offers) == [item for item in SOLD if item != 4]
        assert (await offers.get_many(["S4"], "EUR"))["S4"].unit_minor == 111


async def test_what_was_forgotten_meanwhile_is_learned_again_from_the_beginning() -> None:
    """If it fails, offers read before a lost connection to the notifications stay, or the rest is never learned."""
    catalogue = Catalogue()
    offers = Offers(catalogue.by_sku)

    def forget(after: int) -> None:
        if after == 6 and catalogue.price == 100:
            catalogue.price = 111
            offers.flush()

    catalogue.before_page = forget
    async with warming(offers, catalogue):
        await offers.get_many(["S1"], "EUR")
        await until(lambda: known(offers) == SOLD and len(catalogue.asked) >= 8)
        assert {offer.unit_minor for offer in (await offers.get_many(["S1", "S8"], "EUR")).values()} == {111}
        assert [after for after, _ in catalogue.asked] == [0, 3, 6, 0, 3, 6, 9, 10]


async def test_nothing_is_learned_while_everything_is_forgotten_again_and_again() -> None:
    """If it fails, an import has every process read the whole catalogue every few seconds."""
    now, catalogue = [100.0], Catalogue()
    offers = Offers(catalogue.by_sku, clock=lambda: now[0])
    async with warming(offers, catalogue, quiet_s=3.0):
        await offers.get_many(["S1"], "EUR")
        for now[0] in (102.0, 104.0, 106.0):
            offers.flush()
            await asyncio.sleep(0.01)
        assert catalogue.asked == []
        now[0] = 109.0
        await until(lambda: known(offers) == SOLD)


async def test_what_is_known_is_renewed_before_it_is_old() -> None:
    """If it fails, half an hour after the start every SKU's next buyer waits for Postgres."""
    now, catalogue = [0.0], Catalogue()
    now[0] = 50.0
    offers = Offers(catalogue.by_sku, clock=lambda: now[0])
    async with warming(offers, catalogue):
        await offers.get_many(["S1"], "EUR")
        await until(lambda: len(catalogue.asked) == 5)
        now[0] += OFFER_TTL_S * 0.6
        await until(lambda: len(catalogue.asked) == 10)
        now[0] += OFFER_TTL_S * 0.6
        assert known(offers) == SOLD


async def test_it_goes_on_when_the_database_is_back_and_takes_no_room_of_others() -> None:
    """If it fails, a moment without Postgres leaves a process cold, or the SKUs that sell are pushed out by the rest."""
    catalogue = Catalogue()
    catalogue.away = True
    offers = Offers(catalogue.by_sku, max_entries=4)
    async with warming(offers, catalogue):
        await offers.get_many(["S9", "S10"], "EUR")
        await asyncio.sleep(0.01)
        catalogue.away = False
        await until(lambda: len(catalogue.asked) == 5)
        assert known(offers) == [1, 2, 9, 10]
