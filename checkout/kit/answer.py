"""A document as a JSON answer."""

import uuid
from typing import Any

import msgspec
import orjson

from catalog_cache import EncodedResponse, encoded

_encode = msgspec.json.Encoder().encode


def answer(
    document: Any, *, status: int = 200, cache_control: str = "no-store", version: int | None = None
) -> EncodedResponse:
    """The document, encoded. Shape: a msgspec struct, or what orjson knows; times become RFC 3339 UTC with a Z.

    `version` is what the ETag of an editable document says (checkout/kit/conditional.py reads it back).
    """
    if isinstance(document, msgspec.Struct):
        body = _encode(document)
    else:
        body = orjson.dumps(document, default=_text, option=orjson.OPT_UTC_Z)
    response = encoded(body, status=status, cache_control=cache_control)
    if version is not None:
        response.lines = b'ETag: "%d"\r\n' % version
    return response


def _text(value: object) -> str:
    """Ids as Postgres's driver has them, a subclass of UUID that orjson does not know."""
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(type(value))
