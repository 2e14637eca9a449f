"""`GET /v1/products` and its suggestions. A hit is: find the entry, compare a tag, send bytes that were made before."""

import functools

from aiohttp import web

from catalog_cache import answer
from checkout.kit.routes import Route
from checkout.search import query
from checkout.search.model import ListingQuery
from checkout.search.shape import Listing, SuggestionLists
from checkout.search.show import Search
from config import limits

_SPELLINGS_MAX = 4096


def routes(search: Search) -> list[Route]:
    """Listing and suggestions, from the cache."""
    peek = search.cache.peek
    spellings: dict[str, tuple[str, ListingQuery]] = {}

    async def listing(request: web.Request) -> web.Response:
        path = request.raw_path
        known = spellings.get(path)
        if known is None:
            asked = query.parse(request.rel_url.raw_query_string)
            known = query.cache_key(asked), asked
            if len(path) <= limits.SEARCH_SPELLING_MAX_CHARS:
                if len(spellings) >= _SPELLINGS_MAX:
                    spellings.clear()
                spellings[path] = known
        entry = peek(known[0])
        return answer(request, await search.listing(known[1]) if entry is None else entry)

    async def suggestions(request: web.Request) -> web.Response:
        begun = query.parse_begun(request.rel_url.raw_query_string)
        return answer(request, await search.suggestions(begun))

    get = functools.partial(Route, "GET", policy="browse", priority=0, tag="catalog", problems=("invalid",))
    return [
        get(
            "/v1/products",
            listing,
            "Products with search, filters, order, pages and facets",
            response=Listing,
            query=query.PARAMETERS,
        ),
        get(
            "/v1/products/suggestions",
            suggestions,
            "Categories and products whose names begin as asked",
            response=SuggestionLists,
            query={"q": "What was typed so far."},
        ),
    ]
