"""Find products: which match, one page of them in an order, and what there is to narrow them by.

Few matches are read and sorted; many are met by going along the order's index. Which of the two is decided by counting, up
to SEARCH_MATCHES_MAX, not by the planner's guess. Both give the same order, so that a cursor serves either.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from checkout.errors import Invalid
from checkout.kit.db import Connection, Pool, Record
from checkout.kit.ids import parse_uuid
from checkout.search import store
from checkout.search.model import (
    NOTHING,
    TIER,
    TIER_BEGINS,
    TIERS,
    Key,
    ListingQuery,
    Words,
    digest,
    meant_by,
    one_of,
    price_terms,
    quoted,
)
from checkout.search.store import Place, Question
from config import limits

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT_MAX = 2**31 - 1
_COMMON = 0.05
"""A tier with a smaller share of what matches is not walked for."""


class Page(Struct, frozen=True):
    """One page. Shape: `keys` say where each card stands, `facets` are of at most SEARCH_FACETS_MAX matches, as the survey
    has them, `matches` counts up to one more than SEARCH_MATCHES_MAX; `read_as` names the words that were not taken as they
    were typed."""

    cards: Sequence[Record]
    keys: Sequence[Key]
    matches: int
    facets: Record
    read_as: dict[str, tuple[str, ...]]


async def find(pool: Pool, query: ListingQuery) -> Page:
    """What the query asks for, from one snapshot, a card more than a page when there are more.

    Raises: Invalid (the cursor), Unavailable. Cost: two to eight statements of bounded rows on one connection.
    """
    after = _place(query)
    async with store.reading(pool) as connection:
        filters = await _filters(connection, query)
        words = Words.of(query.q, await store.words_of(connection, query.q)) if query.q else None
        found = await _survey(connection, filters, words, query, after)
        read_as: dict[str, tuple[str, ...]] = {}
        if not found.total and words is not None and (read_as := await _read_as(connection, words)):
            words = words.read_as(read_as)
            found = await _survey(connection, filters, words, query, after)
        places = found.places
        if found.total > limits.SEARCH_MATCHES_MAX:
            if words is not None and query.sort == "relevance":
                places = await _by_tier(connection, filters, words, after, found, query.limit + 1)
            else:
                asked = _with(filters, words)
                places = await _walk(connection, asked, query.sort, after, query.limit + 1)
        cards = await store.cards(connection, [place.product_id for place in places]) if places else {}
    return Page(
        [cards[place.product_id] for place in places],
        [(place.number, place.text, str(place.product_id)) for place in places],
        found.total,
        found.facets,
        read_as,
    )


class _Found(Struct, frozen=True):
    """What a survey found. Shape: `tiers` are shares of what was read, by number."""

    total: int
    places: list[Place]
    facets: Record
    tiers: dict[int, float]


async def _survey(
    connection: Connection, filters: Question, words: Words | None, query: ListingQuery, after: Place | None
) -> _Found:
    tiers = (None, None) if words is None else (words.first, f"({words.in_title})")
    asked = _with(filters, words)
    row = await store.survey(connection, asked, query.sort, tiers, after, query.limit + 1)
    read = row["total"]
    many = row["are_common"] and read > limits.SEARCH_FACETS_MAX
    places = map(Place, row["key_numbers"] or (), row["key_texts"] or (), row["product_ids"] or ())
    shares = {
        tier: count / read for tier, count in zip(row["tiers"] or (), row["in_tier"] or (), strict=True)
    }
    return _Found(limits.SEARCH_MATCHES_MAX + 1 if many else read, list(places), row, shares)


async def _filters(connection: Connection, query: ListingQuery) -> Question:
    """Everything but the words."""
    parts = [quoted(digest("t", tag)) for tag in query.tags]
    parts += [quoted(digest("a", f"{name}={value}")) for name, value in query.attributes]
    if query.currency is not None and (query.price_min is not None or query.price_max is not None):
        parts.append(
            one_of(price_terms(query.currency, *query.span)) if query.span[0] <= query.span[1] else NOTHING
        )
    others = " & ".join(parts) or None
    if query.category is None:
        return Question(others, others, None, query.by_price, query.span)
    branch = await store.branch(connection, query.category)
    inside = one_of(f"/{category}" for category in branch) if branch else NOTHING
    return Question(" & ".join([*parts, inside]), others, branch, query.by_price, query.span)


def _with(filters: Question, words: Words | None) -> Question:
    return filters if words is None else filters.narrowed(words.anywhere)


async def _read_as(connection: Connection, words: Words) -> dict[str, tuple[str, ...]]:
    """What the words that no product says may have meant."""
    found = {}
    for word in await store.unsaid(connection, {word: one_of(meant) for word, meant in words.meant}):
        if meant := meant_by(word, *await store.names_like(connection, word)):
            found[word] = meant
    return found


async def _by_tier(
    connection: Connection, filters: Question, words: Words, after: Place | None, found: _Found, most: int
) -> list[Place]:
    """A page of many by relevance: tier after tier, those with few by sorting them."""
    begin, ago = divmod(after.number, TIER) if after is not None else (0, 0)
    places: list[Place] = []
    for number, terms in enumerate(words.tiers):
        if number < begin or len(places) >= most:
            continue
        asked, left = filters.narrowed(terms), most - len(places)
        at = Place(ago - TIER_BEGINS, "", after.product_id) if after is not None and number == begin else None
        if found.tiers.get(number, 0.0) < _COMMON:
            more = await store.sorted_page(connection, asked, "newest", at, left)
        else:
            more = await _walk(connection, asked, "newest", at, left)
        places += [Place(number * TIER + TIER_BEGINS + place.number, "", place.product_id) for place in more]
    return places


async def _walk(
    connection: Connection, asked: Question, sort: str, after: Place | None, most: int
) -> list[Place]:
    """A page of many. What a walk does not meet soon is found by sorting."""
    at = None if after is None else (_column(sort, after), after.product_id)
    places = await store.walked_page(connection, asked, sort, at, most)
    if len(places) == most or asked.terms is None:
        return places
    return await store.sorted_page(connection, asked, sort, after, most)


def _place(query: ListingQuery) -> Place | None:
    """The cursor's place, known to be one of the order. Raises: Invalid."""
    if query.after is None:
        return None
    number, text, last = query.after
    product_id = parse_uuid(last)
    good = {
        "relevance": 0 <= number < TIERS * TIER and not text,
        "rating": 0 <= -number <= _INT_MAX and not text,
        "newest": not text,
        "title": number == 0,
        "price": number >= 0 and not text,
        "-price": -(2**63) < number <= 0 and not text,
    }[query.sort]
    if not good or product_id is None:
        raise Invalid("The cursor is not one of ours.", field="cursor")
    place = Place(number, text, product_id)
    _column(query.sort, place)
    return place


def _column(sort: str, place: Place) -> int | str | datetime:
    """A place's key as the order's column has it. Raises: Invalid."""
    if sort == "title":
        return place.text
    if sort in ("newest", "relevance"):
        number = place.number if sort == "newest" else place.number % TIER - TIER_BEGINS
        try:
            return _EPOCH - timedelta(microseconds=number)
        except OverflowError:
            raise Invalid("The cursor is not one of ours.", field="cursor") from None
    return abs(place.number)
