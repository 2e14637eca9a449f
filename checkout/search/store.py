"""What can be found, in Postgres: the only place that runs queries.sql. Each on the caller's connection and snapshot."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from checkout.kit import sql
from checkout.kit.db import Connection, Pool, PooledConnection, Record, acquired
from config import limits

queries = sql.load(__file__)


class Question(Struct, frozen=True):
    """What a product must be to be found: for the index, and for one product after the other.

    Shape: `terms` is a tsquery, None for every product; the same is said by `others`, a tsquery, and `branch`, categories of
    which it is in any: to look for dozens of terms in each product takes ten times as long as to compare its few categories.
    With a currency the lowest price in it is within the span. Units: minor units.
    """

    terms: str | None
    others: str | None
    branch: list[uuid.UUID] | None
    currency: str | None
    span: tuple[int, int]

    def narrowed(self, terms: str) -> "Question":
        """The same, and these terms."""
        return replace(self, terms=_both(self.terms, terms), others=_both(self.others, terms))


def _both(one: str | None, other: str) -> str:
    return other if one is None else f"{one} & ({other})"


class Place(Struct, frozen=True):
    """Where a product stands in an order."""

    number: int
    text: str
    product_id: uuid.UUID


_BEGIN = """
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_sort = off;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL plan_cache_mode = force_generic_plan"""
"""By the indexes, along them where their order is asked for, alone, and planned once: the planner's guess of how many match
would make it read all of them, or call for workers that take longer to come than the answer does."""


@contextlib.asynccontextmanager
async def reading(pool: Pool) -> AsyncIterator[PooledConnection]:
    """A connection that reads one snapshot, planned as these queries need it.

    Raises: Unavailable. Cost: two round trips; the settings go with the first.
    """
    async with acquired(pool) as connection:
        try:
            await connection.execute(_BEGIN)
            yield connection
        finally:
            await connection.execute("ROLLBACK")


async def words_of(connection: Connection, text: str) -> list[str]:
    """The words of a text as they are stored."""
    found: list[str] = await connection.fetchval(queries.words_of, text)
    return found


async def branch(connection: Connection, slug: str) -> list[uuid.UUID]:
    """A category and those below it; none when there is no such category."""
    return [row["id"] for row in await connection.fetch(queries.branch, slug)]


async def unsaid(connection: Connection, asked: Mapping[str, str]) -> list[str]:
    """Of word → tsquery, the words that no product says."""
    rows = await connection.fetch(queries.said_by_some, list(asked), list(asked.values()))
    return [row["word"] for row in rows if not row["said"]]


async def names_like(connection: Connection, word: str) -> tuple[list[str], list[str]]:
    """(names that begin with the word, names that are like it)."""
    row = await connection.fetchrow(queries.names_like, word)
    return (row["begun"], row["likest"]) if row else ([], [])


async def survey(
    connection: Connection,
    asked: Question,
    sort: str,
    tiers: tuple[str | None, str | None],
    after: Place | None,
    most: int,
) -> Record:
    """How many match, what there is to narrow them by, and the page when they are few.

    Shape: see the query. `tiers` are the tsqueries of the first and the second. Of what is common no more are counted than
    facets are.
    """
    at = (after.number, after.text, after.product_id) if after else (None, None, None)
    rows = await connection.fetch(
        queries.survey,
        asked.terms,
        asked.currency,
        *asked.span,
        limits.SEARCH_MATCHES_MAX + 1,
        limits.SEARCH_FACETS_MAX,
        sort,
        *tiers,
        *at,
        most,
        asked.others,
        asked.branch,
        limits.SEARCH_PROBED_FROM,
    )
    return rows[0]


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
    rows = await connection.fetch(
        _WALKS[sort],
        asked.others,
        asked.currency,
        *asked.span,
        *(after or (None, None)),
        most,
        limits.SEARCH_WALK_MAX,
        asked.branch,
    )
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
