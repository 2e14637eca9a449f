"""The offers cache against a source that can be held up."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec import structs

from checkout.catalog.offers import Offers
from checkout.quoting.model import Offer


class Source:
    """Answers from a dict, when `gate` is open."""

    def __init__(self) -> None:
        self.prices = {"A": 100, "B": 200}
        self.calls: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails: Exception | None = None

    async def __call__(self, skus: Sequence[str], currency: str) -> Sequence[Offer]:
        self.calls.append(sorted(skus))
        found = [self.offer(sku, currency) for sku in skus if sku in self.prices]
        await self.gate.wait()
        if self.fails:
            raise self.fails
        return found

    def offer(self, sku: str, currency: str) -> Offer:
        return Offer(ord(sku[0]), sku, f"product-{sku}", sku.lower(), sku, currency, self.prices[sku], 1)


async def test_a_known_offer_is_found_without_asking() -> None:
    """If it fails, every quote costs a statement."""
    source = Source()
    offers = Offers(source)
    assert offers.peek("A", "EUR") is None
    assert (await offers.get_many(["A", "Z"], "EUR"))["A"].unit_minor == 100
    assert offers.peek("A", "EUR") is not None
    assert offers.peek("A", "USD") is None
    assert set(await offers.get_many(["A", "Z"], "EUR")) == {"A"}
    assert source.calls == [["A", "Z"]]


async def test_those_who_wait_share_one_statement() -> None:
    """If it fails, a cold start sends one statement per shopper."""
    source = Source()
    source.gate.clear()
    offers = Offers(source)
    waiting = [asyncio.create_task(offers.get_many([sku], "EUR")) for sku in "ABABAB" for _ in range(20)]
    await asyncio.sleep(0.01)
    source.gate.set()
    answers = await asyncio.gather(*waiting)
    assert len(source.calls) == 1
    assert all(len(answer) == 1 for answer in answers)


async def test_a_load_that_was_overtaken_is_not_kept() -> None:
    """If it fails, an old price stays in the cache after the change was announced."""
    source = Source()
    source.gate.clear()
    offers = Offers(source)
    old = asyncio.create_task(offers.get_many(["A", "B"], "EUR"))
    await asyncio.sleep(0.01)
    source.prices["A"] = 111
    offers.invalidate("product-A")
    new = asyncio.create_task(offers.get_many(["A"], "EUR"))
    await asyncio.sleep(0.01)
    source.gate.set()
    await old
    assert (await new)["A"].unit_minor == 111
    kept = offers.peek("A", "EUR")
    assert kept is not None
    assert kept.unit_minor == 111
    assert offers.peek("B", "EUR") is not None


async def test_a_flush_forgets_what_is_being_loaded() -> None:
    """If it fails, a lost connection to the notifications leaves old prices behind."""
    source = Source()
    source.gate.clear()
    offers = Offers(source)
    load = asyncio.create_task(offers.get_many(["A"], "EUR"))
    await asyncio.sleep(0.01)
    offers.invalidate("*")
    source.gate.set()
    await load
    assert offers.peek("A", "EUR") is None


async def test_an_unknown_sku_is_asked_again_after_a_change_and_after_its_time() -> None:
    """If it fails, a product that is published is not sold for a while."""
    source, now = Source(), [0.0]
    offers = Offers(source, negative_ttl_s=2, ttl_s=60, clock=lambda: now[0])
    await offers.get_many(["N"], "EUR")
    await offers.get_many(["N"], "EUR")
    assert len(source.calls) == 1
    source.prices["N"] = 5
    offers.invalidate("product-N")
    assert "N" in await offers.get_many(["N"], "EUR")
    now[0] = 61
    assert offers.peek("N", "EUR") is None


async def test_the_number_is_bounded() -> None:
    """If it fails, a large catalogue eats the process."""
    source = Source()
    source.prices = {chr(65 + n % 26) + str(n): n for n in range(200)}
    offers = Offers(source, max_entries=50)
    await offers.get_many(list(source.prices), "EUR")
    assert len(offers) == 50


async def test_a_change_reaches_every_currency_also_after_an_eviction() -> None:
    """If it fails, a price that is shown in another currency stays after its change."""
    source = Source()
    source.prices = {"A": 100, "B": 200, "C": 300}
    offers = Offers(source, max_entries=4)
    for sku, currency in (("A", "EUR"), ("B", "EUR"), ("A", "USD"), ("C", "USD"), ("C", "EUR")):
        await offers.get_many([sku], currency)
    assert [offers.peek(sku, "EUR") is not None for sku in "ABC"] == [False, True, True]
    assert [offers.peek(sku, "USD") is not None for sku in "ABC"] == [True, False, True]
    offers.invalidate("product-A", "product-C")
    assert [offers.peek(sku, "EUR") is not None for sku in "ABC"] == [False, True, False]
    assert [offers.peek(sku, "USD") is not None for sku in "ABC"] == [False, False, False]


async def test_a_change_is_remembered_as_long_as_what_it_outdates() -> None:
    """If it fails, an old price comes back when its change is forgotten, or changes are remembered for ever."""
    source, now = Source(), [0.0]
    offers = Offers(source, ttl_s=60, clock=lambda: now[0])
    await offers.get_many(["A", "B"], "EUR")
    for now[0] in (30.0, 59.0):
        offers.invalidate("product-A")
        assert offers.peek("A", "EUR") is None
        assert offers.peek("B", "EUR") is not None
    source.prices["A"] = 111
    assert (await offers.get_many(["A"], "EUR"))["A"].unit_minor == 111
    for now[0] in (61.0, 118.0):
        offers.invalidate("product-B")
        kept = offers.peek("A", "EUR")
        assert kept is not None
        assert kept.unit_minor == 111
    for now[0] in (179.0, 240.0):
        offers.invalidate("product-C")
    assert offers._changed.keys() | offers._changed_before.keys() == {"product-C"}


async def test_more_changes_than_are_remembered_forget_everything() -> None:
    """If it fails, an import of a whole catalogue keeps a change of each product in memory, or leaves an old price."""
    source = Source()
    offers = Offers(source)
    await offers.get_many(["A", "B"], "EUR")
    for first in range(0, 30_000, 1000):
        offers.invalidate(*(f"product-{n}" for n in range(first, first + 1000)))
    assert offers.peek("A", "EUR") is None
    assert len(offers._changed) + len(offers._changed_before) <= 20_000


async def test_a_failure_reaches_those_who_wait_and_is_not_remembered() -> None:
    """If it fails, one broken connection stops all quotes."""
    source = Source()
    source.fails = RuntimeError("away")
    offers = Offers(source)
    answers = await asyncio.gather(*(offers.get_many(["A"], "EUR") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(answer, RuntimeError) for answer in answers)
    source.fails = None
    assert "A" in await offers.get_many(["A"], "EUR")


async def test_a_packed_offer_is_the_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    """If it fails, what is kept small comes back changed, or all of it is unpacked after a while."""
    monkeypatch.setattr("checkout.catalog.offers._AT_HAND_MAX", 3)
    whole = Offer(
        2**40, "Ä-1", "id", "slug", "Täglich / grün", "JPY", 2**53, 2**31, "books", 2_000_000, False
    )

    async def source(skus: Sequence[str], currency: str) -> Sequence[Offer]:
        return [structs.replace(whole, sku=sku) for sku in skus]

    offers, skus = Offers(source), [f"Ä-{number}" for number in range(8)]
    await offers.get_many(skus, "JPY")
    for sku in skus:
        kept = offers.peek(sku, "JPY")
        assert kept is not None
        assert Offer(*structs.astuple(kept)[: len(whole.__struct_fields__)]) == structs.replace(
            whole, sku=sku
        )
        assert len(offers._shelves["JPY"].at_hand) <= 3
