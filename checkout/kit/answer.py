"""A document as a JSON answer."""

from typing import Any

import orjson

from catalog_cache import EncodedResponse, encoded


def answer(document: Any, *, status: int = 200, cache_control: str = "no-store") -> EncodedResponse:
    """The document, encoded. Shape: what orjson knows; times become RFC 3339 UTC with a Z."""
    return encoded(
        orjson.dumps(document, option=orjson.OPT_UTC_Z), status=status, cache_control=cache_control
    )
