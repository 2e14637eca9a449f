"""Conditional requests: every editable document carries its version as ETag (checkout/kit/answer.py writes it), and
If-Match guards its edits.

Source: RFC 9110 section 13.
"""

import re

from aiohttp import web

from checkout.errors import Stale

_ETAG = re.compile(r'(?:W/)?"?(\d{1,18})"?')


def expected_version(request: web.Request) -> int | None:
    """The version that If-Match asks for; None: any.

    Raises: Stale when it names what is no version. A version that is another one is the store's to answer with Stale,
    under the row's lock.
    """
    given = request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return None
    match = _ETAG.fullmatch(given.strip())
    if match is None:
        raise Stale("If-Match names no version of this document.")
    return int(match[1])


def refuse_stale(version: int, expected: int | None) -> None:
    """For a store that holds the row's lock: whether this is the version that If-Match asks for. Raises: Stale."""
    if expected is not None and expected != version:
        raise Stale("The document has changed since you read it.")
