"""Suggest what a text that was begun may become: categories, and products by their titles."""

from collections.abc import Sequence

from msgspec import Struct

from checkout.kit.db import Pool, Record, acquired
from checkout.search import store
from checkout.search.model import forms, one_of
from config import limits


class Suggestions(Struct, frozen=True):
    """At most SUGGESTIONS_MAX of each: (slug, name) and (slug, title)."""

    categories: Sequence[Record]
    products: Sequence[Record]


async def suggest(pool: Pool, begun: str) -> Suggestions:
    """What begins so. Titles that do as a whole come first, then those with the words in them, the last of which may be a
    beginning.

    Raises: Unavailable. Cost: three to five statements of bounded rows.
    """
    most = limits.SUGGESTIONS_MAX
    async with acquired(pool) as connection:
        words = await store.words_of(connection, begun)
        if not words:
            return Suggestions((), ())
        text = " ".join(words)
        categories = await store.categories_begun(connection, text, most)
        products = list(await store.titles_begun(connection, text, most))
        if len(products) < most:
            names, _ = await store.names_like(connection, words[-1])
            terms = [one_of("=" + form for form in forms(word)) for word in words[:-1]]
            terms.append(one_of("=" + name for name in {*forms(words[-1]), *names}))
            slugs = {row["slug"] for row in products}
            others = await store.titles_with(connection, " & ".join(terms), most)
            products += [row for row in others if row["slug"] not in slugs]
    return Suggestions(categories, products[:most])
