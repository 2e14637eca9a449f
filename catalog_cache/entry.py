"""A document as it is loaded, and as it is kept: encoded once, sent many times.

**Guarantees** (held by tests/property/catalog_cache):
- The entity tag is strong: two entries with one tag have the same bytes, in each encoding its own.
- `entry.size` counts every byte that the entry keeps alive, within a fixed allowance for its objects.
"""

import gzip
from hashlib import blake2b

from msgspec import Struct
from multidict import CIMultiDict

GZIP_FROM_BYTES = 400
_GZIP_LEVEL = 6
_OVERHEAD_BYTES = 1600


class Document(Struct, frozen=True, array_like=True):
    """What a loader gives.

    Shape: `tags` name the events that make it wrong; `keys` are what a CDN may purge by; `shared` says whether other
    processes may have it. Units: seconds; `fresh_s` it is served as it is, then for `stale_s` it is served while a new
    one is loaded, then no more.
    """

    body: bytes
    tags: tuple[str, ...] = ()
    fresh_s: float = 5.0
    stale_s: float = 60.0
    content_type: str = "application/json"
    cache_control: str = "no-cache"
    keys: tuple[str, ...] = ()
    shared: bool = True


class Entry:
    """An encoded document with its prepared answers.

    Shape: `plain`, `gzip` and `unchanged` are header sets to be copied into a response; `gzip_body` is None when gzip
    does not pay.
    """

    __slots__ = (
        "body",
        "etag",
        "etag_gzip",
        "fresh_until",
        "gzip_body",
        "gzip_headers",
        "headers",
        "size",
        "stale_until",
        "tags",
        "unchanged_headers",
        "used",
    )

    def __init__(self, document: Document, *, now: float, fresh_s: float | None = None) -> None:
        body = document.body
        digest = blake2b(body, digest_size=12, person=b"catalog-etag").hexdigest()
        squeezed = gzip.compress(body, _GZIP_LEVEL, mtime=0) if len(body) >= GZIP_FROM_BYTES else b""
        pays = 0 < len(squeezed) < len(body) * 0.9
        self.body = body
        self.gzip_body = squeezed if pays else None
        self.etag = f'"{digest}"'
        self.etag_gzip = f'"{digest}-gzip"'
        self.tags = document.tags
        fresh = document.fresh_s if fresh_s is None else fresh_s
        self.fresh_until = now + fresh
        self.stale_until = now + fresh + document.stale_s
        common = CIMultiDict({"Cache-Control": document.cache_control, "Vary": "Accept-Encoding"})
        if document.keys:
            common["Surrogate-Key"] = " ".join(document.keys)
            common["Cache-Tag"] = ",".join(document.keys)
        self.unchanged_headers = common
        self.headers = CIMultiDict(common)
        self.headers["Content-Type"] = document.content_type
        self.headers["ETag"] = self.etag
        self.gzip_headers = CIMultiDict(self.headers)
        self.gzip_headers["Content-Encoding"] = "gzip"
        self.gzip_headers["ETag"] = self.etag_gzip
        self.size = len(body) + len(squeezed if pays else b"") + _OVERHEAD_BYTES
        self.size += sum(64 + len(tag) for tag in document.tags) + 3 * sum(map(len, document.keys))
        self.used = False

    def matches(self, if_none_match: str) -> str | None:
        """The entity tag of ours that the header names, or None. Source: RFC 9110, 13.1.2 (weak comparison)."""
        if if_none_match == self.etag:
            return self.etag
        if if_none_match == self.etag_gzip:
            return self.etag_gzip
        for part in if_none_match.split(","):
            tag = part.strip().removeprefix("W/")
            if tag in (self.etag, "*"):
                return self.etag
            if tag == self.etag_gzip:
                return self.etag_gzip
        return None


def encode(document: Document, *, now: float, fresh_s: float | None = None) -> Entry:
    """Encodes a document once for all its readers. Cost: 30–150 µs, most of it gzip."""
    return Entry(document, now=now, fresh_s=fresh_s)
