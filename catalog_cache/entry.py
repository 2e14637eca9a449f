"""A document as it is loaded, and as it is kept: encoded once, sent many times.

**Guarantees** (held by tests/property/catalog_cache):
- The entity tag is strong: two entries with one tag have the same bytes, in each encoding its own.
- `entry.size` counts every byte that the entry keeps alive, within a fixed allowance for its objects.
- No header value can end its line: a document that tries is refused.
"""

import gzip
from functools import cache
from hashlib import blake2b

from msgspec import Struct

GZIP_FROM_BYTES = 400
_GZIP_LEVEL = 6
_OVERHEAD_BYTES = 700
_HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: %b\r\n%bETag: "%b"\r\nContent-Length: %d\r\n'
_GZIP_HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: %b\r\n%bContent-Encoding: gzip\r\nETag: "%b-gzip"\r\nContent-Length: %d\r\n'


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


@cache
def _as_bytes(content_type: str) -> bytes:
    """The same bytes for every document of this type."""
    return content_type.encode()


class Entry:
    """An encoded document, as small as it can be kept: heads are put together when it is sent.

    Shape: `lines` are the header lines of every answer, each with its end; `gzip_body` is None when gzip does not pay.
    """

    __slots__ = (
        "body",
        "content_type",
        "digest",
        "fresh_until",
        "gzip_body",
        "lines",
        "size",
        "stale_until",
        "tags",
        "used",
    )

    def __init__(self, document: Document, *, now: float, fresh_s: float | None = None) -> None:
        body = document.body
        squeezed = gzip.compress(body, _GZIP_LEVEL, mtime=0) if len(body) >= GZIP_FROM_BYTES else b""
        pays = 0 < len(squeezed) < len(body) * 0.9
        self.body = body
        self.gzip_body = squeezed if pays else None
        self.digest = blake2b(body, digest_size=12, person=b"catalog-etag").hexdigest()
        self.tags = document.tags
        fresh = document.fresh_s if fresh_s is None else fresh_s
        self.fresh_until = now + fresh
        self.stale_until = now + fresh + document.stale_s
        lines = f"Vary: Accept-Encoding\r\nCache-Control: {document.cache_control}\r\n"
        if document.keys:
            lines += f"Surrogate-Key: {' '.join(document.keys)}\r\nCache-Tag: {','.join(document.keys)}\r\n"
        for value in (document.content_type, document.cache_control, *document.keys):
            if not value.isascii() or not value.isprintable():
                raise ValueError(f"{value!r} cannot be sent in a header")
        self.lines = lines.encode()
        self.content_type = _as_bytes(document.content_type)
        self.size = _OVERHEAD_BYTES + len(body) + (len(squeezed) if pays else 0) + len(lines)
        self.size += sum(64 + len(tag) for tag in document.tags)
        self.used = False

    @property
    def etag(self) -> str:
        """The entity tag of the plain bytes."""
        return f'"{self.digest}"'

    @property
    def etag_gzip(self) -> str:
        """The entity tag of the compressed bytes."""
        return f'"{self.digest}-gzip"'

    def head(self) -> bytes:
        """Status line and header lines of the plain answer."""
        return _HEAD % (self.content_type, self.lines, self.digest.encode(), len(self.body))

    def gzip_head(self) -> bytes:
        """Status line and header lines of the compressed answer."""
        size = len(self.gzip_body or b"")
        return _GZIP_HEAD % (self.content_type, self.lines, self.digest.encode(), size)

    def matches(self, if_none_match: str) -> str | None:
        """The entity tag of ours that the header names, or None. Source: RFC 9110, 13.1.2 (weak comparison)."""
        etag = self.etag
        if if_none_match == etag:
            return etag
        etag_gzip = self.etag_gzip
        for part in if_none_match.split(","):
            tag = part.strip().removeprefix("W/")
            if tag in (etag, "*"):
                return etag
            if tag == etag_gzip:
                return etag_gzip
        return None


def encode(document: Document, *, now: float, fresh_s: float | None = None) -> Entry:
    """Encodes a document once for all its readers. Raises: ValueError. Cost: 30–150 µs, most of it gzip."""
    return Entry(document, now=now, fresh_s=fresh_s)
