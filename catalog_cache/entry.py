"""A document as it is loaded, and as it is kept: encoded once, sent many times.

**Guarantees** (held by tests/property/catalog_cache):
- The entity tag is strong: two entries with one tag have the same bytes, in each encoding its own.
- `entry.size` counts every byte that the entry keeps alive, within a fixed allowance for its objects.
- No header value can end its line: a document that tries is refused.
"""

import gzip
from hashlib import blake2b

from msgspec import Struct

GZIP_FROM_BYTES = 400
_GZIP_LEVEL = 6
_OVERHEAD_BYTES = 900


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
    """An encoded document with the head of each of its answers.

    Shape: heads are status line and header lines, each with its end; `gzip_body` is None when gzip does not pay.
    """

    __slots__ = (
        "body",
        "common",
        "etag",
        "etag_gzip",
        "fresh_until",
        "gzip_body",
        "gzip_head",
        "head",
        "size",
        "stale_until",
        "tags",
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
        lines = f"Vary: Accept-Encoding\r\nCache-Control: {document.cache_control}\r\n"
        if document.keys:
            lines += f"Surrogate-Key: {' '.join(document.keys)}\r\nCache-Tag: {','.join(document.keys)}\r\n"
        for value in (document.content_type, document.cache_control, *document.keys):
            if not value.isascii() or not value.isprintable():
                raise ValueError(f"{value!r} cannot be sent in a header")
        self.common = lines.encode()
        shared = f"HTTP/1.1 200 OK\r\nContent-Type: {document.content_type}\r\n{lines}"
        self.head = f"{shared}ETag: {self.etag}\r\nContent-Length: {len(body)}\r\n".encode()
        self.gzip_head = b""
        if pays:
            encoding = (
                f"Content-Encoding: gzip\r\nETag: {self.etag_gzip}\r\nContent-Length: {len(squeezed)}\r\n"
            )
            self.gzip_head = f"{shared}{encoding}".encode()
        self.size = _OVERHEAD_BYTES + len(body) + (len(squeezed) if pays else 0)
        self.size += len(self.head) + len(self.gzip_head) + len(lines)
        self.size += sum(64 + len(tag) for tag in document.tags)
        self.used = False

    def matches(self, if_none_match: str) -> str | None:
        """The entity tag of ours that the header names, or None. Source: RFC 9110, 13.1.2 (weak comparison)."""
        if if_none_match in (self.etag, self.etag_gzip):
            return if_none_match
        for part in if_none_match.split(","):
            tag = part.strip().removeprefix("W/")
            if tag in (self.etag, "*"):
                return self.etag
            if tag == self.etag_gzip:
                return self.etag_gzip
        return None


def encode(document: Document, *, now: float, fresh_s: float | None = None) -> Entry:
    """Encodes a document once for all its readers. Raises: ValueError. Cost: 30–150 µs, most of it gzip."""
    return Entry(document, now=now, fresh_s=fresh_s)
