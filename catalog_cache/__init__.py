"""A cache of encoded HTTP documents: in process, shared through Redis, invalidated by events.

It knows nothing of what the documents are about: the loader is handed to each call, the tags come with what it loads.

    cache = Cache(shared=SharedTier(lane, failures=(...)))
    entry = cache.peek("product/mug") or await cache.get("product/mug", load_mug)
"""

from catalog_cache.answer import answer
from catalog_cache.cache import Cache, Stats
from catalog_cache.entry import Document, Entry, encode
from catalog_cache.response import EncodedResponse, encoded
from catalog_cache.shared import SharedTier

__all__ = [
    "Cache",
    "Document",
    "EncodedResponse",
    "Entry",
    "SharedTier",
    "Stats",
    "answer",
    "encode",
    "encoded",
]
