"""Pages by any order, few matches or many: each product once, in the same order; and what a stranger makes of a cursor."""

import asyncio
import itertools
import random
from typing import Any

import pytest

from checkout.catalog.model import Price
from checkout.catalog.write import set_prices
from checkout.errors import Invalid
from checkout.search.find import find
from checkout.search.query import encode_cursor, parse
from config import limits
from tests.api.catalog.conftest import Shelf

SORTS = ("newest", "title", "price", "-price", "rating", "relevance")
QUESTIONS = ("", "q=classic", "category=clothing", "price_min=1500&price_max=3000")


async def leafed(shelf: Shelf, question: str, limit: int) -> list[Any]:
    """Every card, page by page."""
    cards: list[Any] = []
    query = parse(f"{question}&limit={limit}")
    while True:
        page = await find(shelf.front.pool, query)
        cards += page.cards[:limit]
        if len(page.keys) <= limit:
            return cards
        query = parse(f"{question}&limit={limit}&cursor={encode_cursor(query.sort, page.keys[limit - 1])}")


def questions() -> list[str]:
    """Each with each order that it has."""
    return [
        f"{question}&sort={sort}&currency=EUR"
        for question, sort in itertools.product(QUESTIONS, SORTS)
        if sort != "relevance" or question.startswith("q=")
    ]


async def test_pages_hold_each_product_once_and_few_and_many_agree(
    words: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If it fails, leafing shows a product twice or never, or the order changes as the catalogue grows."""
    await words.db.execute("UPDATE product_search SET rating_key = length(title_key) % 3 * 100")
    for question in questions():
        whole = [card["id"] for card in await leafed(words, question, 100)]
        assert len(set(whole)) == len(whole) > 0, question
        assert [card["id"] for card in await leafed(words, question, 29)] == whole, question
        with monkeypatch.context() as small:
            small.setattr(limits, "SEARCH_MATCHES_MAX", 4)
            small.setattr(limits, "SEARCH_FACETS_MAX", 3)
            small.setattr(limits, "SEARCH_WALK_MAX", 40)
            assert [card["id"] for card in await leafed(words, question, 29)] == whole, question
            small.setattr(limits, "SEARCH_PROBED_FROM", 0)
            assert [card["id"] for card in await leafed(words, question, 29)] == whole, question


async def test_a_made_up_cursor_is_refused_or_a_place(words: Shelf) -> None:
    """If it fails, a stranger's cursor is answered with a 500."""
    dice, fields = random.Random(1), set()
    numbers = (0, 1, -1, 2**31, -(2**31), 2**63 - 1, -(2**63), 200_000, 10**15, -(10**15), -(10**17))
    lasts = ("", "x", "01930000-0000-7000-8000-000000000000", "\0")
    for sort, number, text, last in itertools.product(SORTS, numbers, ("", "a", "\U0010ffff", "1"), lasts):
        question = "q=classic" if sort == "relevance" or dice.random() < 0.5 else ""
        if dice.random() < 0.8:
            continue
        try:
            await find(
                words.front.pool,
                parse(
                    f"{question}&sort={sort}&currency=EUR&cursor={encode_cursor(sort, (number, text, last))}"
                ),
            )
        except Invalid as refused:
            fields.add(refused.errors[0]["field"])
    assert fields == {"cursor"}


async def test_a_price_range_is_of_the_lowest_price(words: Shelf) -> None:
    """If it fails, a list by price holds what costs more, and a facet promises what is not there."""
    await set_prices(words.db, {"S-ZEBRA": {"EUR": Price(4242)}})
    for low, high, there in ((4242, 4242, True), (4241, 4243, True), (0, 4241, False), (4243, 9999, False)):
        page = await words.read(
            f"/v1/products?q=zebra&currency=EUR&price_min={low}&price_max={high}&limit=50"
        )
        assert ("zebra" in {item["slug"] for item in page["items"]}) == there, (low, high)
        assert page["facets"]["are_exact"]
    page = await words.read("/v1/products?q=zebra&limit=50")
    spans = [item["prices"]["EUR"] for item in page["items"]]
    span = page["facets"]["prices"]["EUR"]
    assert span == {"from": min(s["from"] for s in spans), "to": max(s["to"] for s in spans)}
    for wrong in (
        "price_min=1",
        "price_min=2&price_max=1&currency=EUR",
        "price_max=x&currency=EUR",
        "price_min=-1",
    ):
        assert (await words.get(f"/v1/products?{wrong}"))[0] == 400


async def test_what_is_no_facet_is_not_counted(words: Shelf) -> None:
    """If it fails, an attribute that was taken out of the filters stays in them."""
    assert "material" in (await words.read("/v1/products?q=zebra"))["facets"]["attributes"]
    await words.db.execute("INSERT INTO attributes (name, type, facet) VALUES ('material', 'text', false)")
    await asyncio.sleep(limits.INVALIDATION_MAX_S)
    assert "material" not in (await words.read("/v1/products?q=zebra"))["facets"]["attributes"]


async def test_random_questions_leave_the_products_in_memory(words: Shelf) -> None:
    """If it fails, a crawler of made-up searches washes the product pages out of the cache."""
    await words.get("/v1/products/zebra")
    pages = dict(words.front.cache.memory.entries)
    for number in range(30):
        await words.get(f"/v1/products?q=nothing{number}")
    assert dict(words.front.cache.memory.entries) == pages
    kept = words.front.search.cache.memory
    assert kept.max_bytes == limits.SEARCH_BYTES_MAX
    assert len(kept) <= limits.SEARCH_ENTRIES_MAX
