"""Read a listing's query string: filters, order, page; and the cursor that goes back to the client.

Shape: `?q=&category=&tag=&attr.NAME=&price_min=&price_max=&currency=&sort=&limit=&cursor=`; `tag` may repeat (all must be
there). A cursor says where the last card stood in the order, so that pages stay whole while products come and go.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from typing import get_args
from urllib.parse import parse_qsl

import msgspec

from checkout.catalog.model import CURRENCY, SLUG_MAX_CHARS
from checkout.errors import Invalid
from checkout.search.model import Key, ListingQuery, Sort
from config import limits

SORTS = get_args(Sort)
FILTERS_MAX = 10
PARAMETERS = {
    "q": "Words that all occur in title, vendor, tags, attributes, SKUs or description; or a SKU or barcode, which comes "
    "first. Accents and case do not matter, a misspelt word is read as the likest names.",
    "category": "Slug of a category; products of the categories below it count.",
    "tag": "A tag; repeat it for products that carry all of them.",
    "attr.NAME": "Value of an attribute or of a variant's option, for example attr.size=M.",
    "price_min": "Least lowest price of a product, in minor units of `currency`.",
    "price_max": "Greatest lowest price of a product, in minor units of `currency`.",
    "sort": "relevance (the default with q), newest (the default without), title, price, -price or rating; by price names a "
    "currency.",
    "currency": "ISO 4217 code of price_min, price_max and the orders by price.",
    "limit": f"Items of a page, 1 to {limits.PAGE_MAX} (default {limits.PAGE_DEFAULT}).",
    "cursor": "next_cursor of the page before.",
}
_PRICE_DIGITS_MAX = 15
_NOT_OURS = "The cursor is not one of ours."
_cursor = msgspec.json.Decoder(tuple[str, int, str, str])


def encode_cursor(sort: str, key: Key) -> str:
    """Text that brings a client to what comes after this key."""
    return urlsafe_b64encode(msgspec.json.encode((sort, *key))).decode().rstrip("=")


def decode_cursor(text: str, sort: str) -> Key:
    """The key. Raises: Invalid when it is no cursor, or one of another order."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        made_for, number, words, last = _cursor.decode(urlsafe_b64decode(padded))
        words.encode()
    except (ValueError, msgspec.MsgspecError):
        raise Invalid(_NOT_OURS, field="cursor") from None
    if made_for != sort:
        raise Invalid("The cursor belongs to another order.", field="cursor")
    if not -(2**63) <= number < 2**63 or "\0" in words:
        raise Invalid(_NOT_OURS, field="cursor")
    return number, words, last


def parse(query_string: str) -> ListingQuery:
    """The query that the text spells. Raises: Invalid, naming the first parameter that is wrong."""
    values, tags, attributes = _split(query_string)
    words = " ".join(values.get("q", "").split())
    if len(words) > limits.SEARCH_QUERY_MAX_CHARS:
        raise Invalid(f"q: at most {limits.SEARCH_QUERY_MAX_CHARS} characters.", field="q")
    sort = _sort(values.get("sort", ""), words)
    low, high = _price(values, "price_min"), _price(values, "price_max")
    if low is not None and high is not None and low > high:
        raise Invalid("price_max: give at least price_min", field="price_max")
    currency = values.get("currency") or None
    if currency is not None and not CURRENCY.fullmatch(currency):
        raise Invalid("currency: is an ISO 4217 code such as EUR.", field="currency")
    if currency is None and (sort in ("price", "-price") or low is not None or high is not None):
        raise Invalid("currency: a price needs one, such as currency=EUR.", field="currency")
    category = values.get("category") or None
    if category is not None and len(category) > SLUG_MAX_CHARS:
        raise Invalid("category: is the slug of a category.", field="category")
    cursor = values.get("cursor")
    return ListingQuery(
        q=words,
        category=category,
        tags=tuple(sorted(set(tags))),
        attributes=_sorted(attributes),
        sort=sort,
        currency=currency,
        price_min=low,
        price_max=high,
        limit=_limit(values.get("limit", "")),
        after=decode_cursor(cursor, sort) if cursor else None,
    )


def parse_begun(query_string: str) -> str:
    """The beginning that suggestions are asked for. Raises: Invalid, naming the parameter that is wrong."""
    values, tags, attributes = _split(query_string)
    other = next(
        iter([*(name for name in values if name != "q"), *["tag"] * len(tags), *dict(attributes)]), None
    )
    if other is not None:
        raise Invalid(f"No parameter {other!r}; there is q.", field=other)
    begun = " ".join(values.get("q", "").split())
    if not 1 <= len(begun) <= limits.SEARCH_QUERY_MAX_CHARS:
        raise Invalid(f"q: 1 to {limits.SEARCH_QUERY_MAX_CHARS} characters.", field="q")
    return begun


def _split(query_string: str) -> tuple[dict[str, str], list[str], list[tuple[str, str]]]:
    """(single parameters, tags, attributes), each name known and in its number."""
    try:
        pairs = parse_qsl(query_string, keep_blank_values=True, errors="strict", max_num_fields=32)
    except ValueError:
        raise Invalid("The query string is not valid.", field="query") from None
    values: dict[str, str] = {}
    tags: list[str] = []
    attributes: list[tuple[str, str]] = []
    for name, value in pairs:
        if "\0" in name + value or len(value) > limits.URL_MAX_CHARS:
            raise Invalid(f"{name[:40]!r} is too long or holds a NUL character.", field=name[:40])
        if name == "tag":
            tags += [value] if value else []
        elif name.startswith("attr.") and len(name) > 5:
            attributes += [(name[5:].lower(), value)] if value else []
        elif name not in PARAMETERS:
            raise Invalid(f"No parameter {name[:40]!r}; there are {', '.join(PARAMETERS)}.", field=name[:40])
        elif name in values:
            raise Invalid(f"{name}: given twice.", field=name)
        else:
            values[name] = value
    if len(tags) + len(attributes) > FILTERS_MAX:
        raise Invalid(f"At most {FILTERS_MAX} tags and attributes.", field="tag")
    return values, tags, attributes


def _sorted(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(set(pairs)))


def _sort(text: str, words: str) -> Sort:
    if not text:
        return "relevance" if words else "newest"
    if text not in SORTS:
        raise Invalid(f"sort: is one of {', '.join(SORTS)}.", field="sort")
    if text == "relevance" and not words:
        raise Invalid("sort: by relevance needs q.", field="sort")
    return text  # type: ignore[return-value]  # is one of SORTS


def _price(values: dict[str, str], name: str) -> int | None:
    text = values.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _PRICE_DIGITS_MAX):
        raise Invalid(f"{name}: give whole minor units of the currency, such as 1990 for 19.90", field=name)
    return int(text)


def _limit(text: str) -> int:
    if not text:
        return limits.PAGE_DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= limits.PAGE_MAX):
        raise Invalid(f"limit: is 1 to {limits.PAGE_MAX}.", field="limit")
    return int(text)


def cache_key(query: ListingQuery) -> str:
    """One text for all spellings of the same query."""
    return "list/" + msgspec.json.encode(query).decode()
