"""Pages of a list: `?limit=&cursor=` → `{"items": […], "next_cursor": null}`. Keyset, never an offset."""

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, TypeVar

import orjson
from aiohttp import web

from checkout.errors import Invalid
from checkout.kit.ids import parse_uuid
from checkout.kit.query import storable
from config import limits

T = TypeVar("T")

QUERY = {"limit": "items a page", "cursor": "next_cursor of the page before"}
"""For a Route's `query`."""


def limit_of(request: web.Request) -> int:
    """Items a page. Raises: Invalid."""
    text = request.query.get("limit", str(limits.PAGE_DEFAULT))
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= limits.PAGE_MAX):
        raise Invalid(f"limit: 1 to {limits.PAGE_MAX}", field="limit")
    return int(text)


def cursor_of(request: web.Request, *kinds: type) -> list[Any] | None:
    """The key of the last item of the page before, or None on the first page.

    Shape: one value for each of `kinds` (int, str). Raises: Invalid for a cursor that no page gave.
    """
    text = request.query.get("cursor")
    if text is None:
        return None
    try:
        values = orjson.loads(urlsafe_b64decode(text.encode()))
    except ValueError:
        values = None
    if (
        type(values) is list
        and [type(value) for value in values] == list(kinds)
        and all(type(value) is not int or abs(value) < 2**63 for value in values)
    ):
        return values
    raise Invalid("cursor: take it from next_cursor", field="cursor")


def uuid_cursor_of(request: web.Request) -> uuid.UUID | None:
    """The id of the last item of the page before, or None. Raises: Invalid for a cursor that no page gave."""
    values = cursor_of(request, str)
    if values is None:
        return None
    found = parse_uuid(values[0])
    if found is None:
        raise Invalid("cursor: take it from next_cursor", field="cursor")
    return found


def text_cursor_of(request: web.Request) -> str:
    """The name of the last item of the page before; on the first page the least. Raises: Invalid, as cursor_of."""
    values = cursor_of(request, str)
    if values is None:
        return ""
    if not storable(values[0]):
        raise Invalid("cursor: take it from next_cursor", field="cursor")
    return str(values[0])


def cursor(*key: int | str) -> str:
    """The cursor that stands for this key."""
    return urlsafe_b64encode(orjson.dumps(key)).decode()


def split(rows: Sequence[T], most: int) -> tuple[Sequence[T], T | None]:
    """The page of at most `most` of the `most + 1` rows that were asked for, and its last row when there are more."""
    return (rows[:most], rows[most - 1]) if len(rows) > most else (rows, None)
