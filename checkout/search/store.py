"""What can be found, in Postgres: the only place that runs queries.sql. Each on the caller's connection and snapshot."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from checkout.kit import sql
from checkout.kit.db import Connection, Record
from config import limits

queries = sql.load(__file__)


class Question(Struct, frozen=True):
    """What a product must be to be found. Shape: `terms` is a tsquery, None for every product; with a currency the lowest
    price in it is within the span. Units: minor units."""

    terms: str | None
    currency: str | None
    span: tuple[int, int]

    def narrowed(self, terms: str) -> "Question":
        """The same, and these terms."""
        return Question(
            terms if self.terms is None else f"{self.terms} & ({terms})", self.currency, self.span
        )


class Place(Struct, frozen=True):
    """Where a product stands in an order."""

    number: int
    text: str
    product_id: uuid.UUID


async def begin(connection: Connection) -> None:
    """First in a transaction that asks: by the indexes, alone."""
    await connection.execute(queries.by_index)


async def words_of(connection: Connection, text: str) -> list[str]:
    """The words of a text as they are stored."""
    found: list[str] = await connection.fetchval(queries.words_of, text)
    return found


async def branch(connection: Connection, slug: str) -> list[str]:
    """The terms of a category and those below it; none when there is no such category."""
    return [row["term"] for row in await connection.fetch(queries.branch, slug)]


async def unsaid(connection: Connection, asked: Mapping[str, str]) -> list[str]:
    """Of word → tsquery, the words that no product says."""
    rows = await connection.fetch(queries.said_by_some, list(asked), list(asked.values()))
    return [row["word"] for row in rows if not row["said"]]


async def names_like(connection: Connection, word: str) -> tuple[list[str], list[str]]:
    """(names that begin with the word, names that are like it)."""
    row = await connection.fetchrow(queries.names_like, word)
    return (row["begun"], row["likest"]) if row else ([], [])


async def is_common(connection: Connection, asked: Question) -> bool:
    """Whether so many match that the index would take longer to name them than a few rows to be looked at."""
    row = await connection.fetchrow(queries.probe, asked.terms, limits.SEARCH_PROBED_FROM)
    return row is not None and row["matching"] > row["looked_at"] // 5


async def survey(
    connection: Connection,
    asked: Question,
    sort: str,
    tiers: tuple[str | None, str | None],
    after: Place | None,
    most: int,
    *,
    common: bool,
) -> Sequence[Record]:
    """(kind, name, value, low, high): how many match, what there is to narrow them by, and the page when they are few.

    Shape: see the query. `tiers` are the tsqueries of the first and the second. Of what is common no more are counted than
    facets are.
    """
    at = (after.number, after.text, after.product_id) if after else (None, None, None)
    return await connection.fetch(
        queries.survey,
        asked.terms,
        asked.currency,
        *asked.span,
        (limits.SEARCH_FACETS_MAX if common and asked.terms else limits.SEARCH_MATCHES_MAX) + 1,
        limits.SEARCH_FACETS_MAX,
        sort,
        *tiers,
        *at,
        most,
        common or asked.terms is None,
    )


async def sorted_page(
    connection: Connection, asked: Question, sort: str, after: Place | None, most: int
) -> list[Place]:
    """A page by sorting everything that matches."""
    at = (after.number, after.text, after.product_id) if after else (None, None, None)
    rows = await connection.fetch(
        queries.page_by_sorting, asked.terms, asked.currency, *asked.span, sort, *at, most
    )
    return [Place(row["key_number"], row["key_text"], row["product_id"]) for row in rows]


_WALKS = {
    "newest": queries.walk_newest,
    "title": queries.walk_title,
    "rating": queries.walk_rating,
    "price": queries.walk_price,
    "-price": queries.walk_price_down,
}


async def walked_page(
    connection: Connection,
    asked: Question,
    sort: str,
    after: tuple[int | str | datetime, uuid.UUID] | None,
    most: int,
) -> list[Place]:
    """A page of the many that match, by going along the order, past SEARCH_WALK_MAX products.

    Shape: `after` as the order's column has it. Fewer than `most`: there are no more, or they are further on.
    """
    await connection.execute(queries.by_order)
    rows = await connection.fetch(
        _WALKS[sort],
        asked.terms,
        asked.currency,
        *asked.span,
        *(after or (None, None)),
        most,
        limits.SEARCH_WALK_MAX,
    )
    await connection.execute(queries.by_any_way)
    return [Place(row["key_number"], row["key_text"], row["product_id"]) for row in rows]


async def cards(connection: Connection, product_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Record]:
    """What lists show of these products."""
    return {row["id"]: row for row in await connection.fetch(queries.cards, product_ids)}


async def titles_begun(connection: Connection, begun: str, most: int) -> Sequence[Record]:
    """(slug, title) of products whose title begins so, in its order."""
    return await connection.fetch(queries.titles_begun, begun, most)


async def titles_with(connection: Connection, terms: str, most: int) -> Sequence[Record]:
    """(slug, title) of products that the tsquery finds, short titles first, of the first SUGGESTION_MATCHES_MAX found."""
    return await connection.fetch(queries.titles_with, terms, limits.SUGGESTION_MATCHES_MAX, most)


async def categories_begun(connection: Connection, begun: str, most: int) -> Sequence[Record]:
    """(slug, name) of categories with a word in their name that begins so."""
    return await connection.fetch(queries.categories_begun, begun, most)
