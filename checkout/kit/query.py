"""Filters of a list, out of the query string: absent, or of the right form."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

from aiohttp import web

from checkout.errors import Invalid
from checkout.kit.ids import parse_uuid
from config import limits


def text_of(request: web.Request, name: str, *, most: int = limits.TEXT_MAX_CHARS) -> str | None:
    """A text that Postgres can compare with, or None. Raises: Invalid."""
    text = request.query.get(name)
    if text is None:
        return None
    if not 1 <= len(text) <= most or not storable(text):
        raise Invalid(f"{name}: 1 to {most} characters, none of them NUL", field=name)
    return text


def storable(text: str) -> bool:
    """Whether Postgres can hold the text: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def all_storable(value: object) -> bool:
    """Whether Postgres can hold every text of a document, its names too. Shape: what JSON can say, of bounded depth."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return all(all_storable(name) and all_storable(inner) for name, inner in value.items())
    return not isinstance(value, list | tuple) or all(all_storable(inner) for inner in value)


def choice_of(request: web.Request, name: str, choices: Collection[str]) -> str | None:
    """One of the choices, or None. Raises: Invalid."""
    text = request.query.get(name)
    if text is not None and text not in choices:
        raise Invalid(f"{name}: one of {', '.join(choices)}", field=name)
    return text


def uuid_of(request: web.Request, name: str) -> uuid.UUID | None:
    """An id, or None. Raises: Invalid."""
    text = request.query.get(name)
    found = None if text is None else parse_uuid(text)
    if text is not None and found is None:
        raise Invalid(f"{name}: a UUID", field=name)
    return found


def time_of(request: web.Request, name: str) -> datetime | None:
    """A moment, or None. Shape: RFC 3339 with its zone. Raises: Invalid."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))  # a + that was not encoded arrives as a space
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not in_our_time(found):
        raise Invalid(f"{name}: a time as RFC 3339, such as 2026-01-31T12:00:00Z", field=name)
    return found


def in_our_time(at: datetime) -> bool:
    """Whether every store and reader can hold the moment."""
    return limits.YEAR_MIN <= at.year <= limits.YEAR_MAX
