"""The in-process tier against a model, and entries as they are kept."""

import gc
import gzip
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_cache.answer import takes_gzip
from catalog_cache.entry import Document, Entry, encode
from catalog_cache.memory import MemoryTier

KEYS = st.sampled_from("abcdefgh")
TAGS = st.lists(st.sampled_from("uvwx"), max_size=3, unique=True).map(tuple)
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, TAGS, st.integers(0, 3000)),
    st.tuples(st.just("drop"), st.sampled_from("uvwx")),
    st.tuples(st.just("use"), KEYS),
    st.tuples(st.just("remove"), KEYS),
    st.tuples(st.just("clear")),
)


@given(st.lists(STEPS, max_size=60))
def test_bounds_and_tags_hold_whatever_happens(steps: list[tuple]) -> None:
    """If it fails, the cache outgrows its memory, or a changed document stays."""
    tier = MemoryTier(max_bytes=8000, max_entries=5)
    for step in steps:
        if step[0] == "put":
            entry = encode(Document(b"x" * step[3], tags=step[2]), now=0)
            assert tier.put(step[1], entry) is (entry.size <= 8000)
        elif step[0] == "drop":
            held = [key for key, entry in tier.entries.items() if step[1] in entry.tags]
            assert tier.drop(step[1]) == len(held)
            assert not any(step[1] in entry.tags for entry in tier.entries.values())
        elif step[0] == "use" and step[1] in tier.entries:
            tier.entries[step[1]].used = True
        elif step[0] == "remove":
            tier.remove(step[1])
        elif step[0] == "clear":
            tier.clear()
        assert tier.bytes_held == sum(entry.size for entry in tier.entries.values()) <= 8000
        assert len(tier) <= 5
        index = {(tag, key) for tag, keys in tier._keys_of.items() for key in keys}
        assert index == {(tag, key) for key, entry in tier.entries.items() for tag in entry.tags}


def test_what_is_counted_is_what_is_held() -> None:
    """If it fails, the bound of the cache's bytes is not one of the process's memory."""
    tier = MemoryTier(max_bytes=10**8, max_entries=10**6)
    tracemalloc.start(1)
    try:
        for n in range(4_000):
            body = b"".join(b"%d; " % (n * m) for m in range(n % 400))
            document = Document(body, tags=(f"product-{n:030d}",), keys=(f"product-{n:030d}",))
            tier.put(f"product/a-longer-slug-{n}", encode(document, now=float(n)))
        del document, body
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert tier.bytes_held * 0.6 < held < tier.bytes_held


def test_what_is_read_survives_a_sweep() -> None:
    """If it fails, one crawler washes the best sellers out of memory."""
    tier = MemoryTier(max_bytes=10**6, max_entries=10)
    tier.put("popular", encode(Document(b"x"), now=0))
    for n in range(100):
        tier.entries["popular"].used = True
        tier.put(f"swept-{n}", encode(Document(b"x"), now=0))
    assert "popular" in tier.entries


@given(st.binary(max_size=5000), st.binary(max_size=5000))
def test_tags_tell_bodies_apart(one: bytes, other: bytes) -> None:
    """If it fails, a browser keeps a page that has changed."""
    a, b = encode(Document(one), now=0), encode(Document(other), now=5)
    assert (a.etag == b.etag) is (one == other)
    assert a.etag != a.etag_gzip
    if a.gzip_body is not None:
        assert gzip.decompress(a.gzip_body) == one


@pytest.mark.parametrize("length", [0, 399, 400, 5_000, 16_384, 16_385, 70_000])
def test_each_client_gets_its_bytes_under_their_tag(length: int) -> None:
    """If it fails, a page that is kept compressed comes back as another one, or its length or its tag is a lie."""
    body = b"".join(b"%d, " % n for n in range(length))[:length]
    entry = encode(Document(body, keys=("a", "b"), cache_control="public"), now=0)
    shared = {b"Vary: Accept-Encoding", b"Cache-Control: public", b"Surrogate-Key: a b", b"Cache-Tag: a,b"}
    ok = shared | {b"HTTP/1.1 200 OK", b"Content-Type: application/json"}
    head, plain = entry.plain()
    assert plain == entry.body == body
    tag = b"ETag: " + entry.etag.encode()
    assert sorted(head.splitlines()) == sorted(ok | {tag, b"Content-Length: %d" % length})
    if entry.gzip_body is not None:
        assert gzip.decompress(entry.gzip_body) == body
        tag = b"ETag: " + entry.etag_gzip.encode()
        sized = b"Content-Length: %d" % len(entry.gzip_body)
        assert sorted(entry.gzip_head().splitlines()) == sorted(ok | {tag, sized, b"Content-Encoding: gzip"})
    for etag in (entry.etag, entry.etag_gzip):
        head = entry.unchanged(etag)
        for known in (f"W/{etag}", f'"x", {etag}', etag + ', "' + "x" * 90 + '"'):
            assert entry.unchanged(known) == head
        assert head is not None
        assert sorted(head.splitlines()) == sorted(
            shared | {b"HTTP/1.1 304 Not Modified", b"ETag: " + etag.encode()}
        )
        assert entry.unchanged(etag[:-1]) is None
        assert entry.unchanged(etag.replace('"', "")) is None
    assert entry.unchanged("*") == entry.unchanged(entry.etag)
    assert entry.unchanged("\udcff") is None


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "a\n", "é"])
def test_a_header_cannot_be_ended(value: str) -> None:
    """If it fails, a product's data writes headers of its own."""
    for document in (
        Document(b"", keys=(value,)),
        Document(b"", cache_control=value),
        Document(b"", content_type=value),
    ):
        with pytest.raises(ValueError, match="header"):
            Entry(document, now=0)


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("gzip; q=0.0, br", False), ("*", True),
     ("identity", False), ("", False), ("notgzip", False), ("deflate, x-gzip", True), ("gzip;q=0.001", True)],
)  # fmt: skip
def test_who_takes_gzip(accepted: str, takes: bool) -> None:
    """If it fails, a client gets bytes that it said it cannot read."""
    assert takes_gzip(accepted) is takes


def test_a_document_that_is_the_same_again_keeps_its_bytes() -> None:
    """If this fails, every page is compressed anew every few seconds, or a changed page is served in its old bytes."""
    body = b"the same words, over and over " * 40
    before = encode(Document(body), now=0, fresh_s=5)
    again = encode(Document(body, keys=("a",)), now=7, fresh_s=5, before=before)
    assert again.gzip_body is before.gzip_body
    assert (again.etag, again.fresh_until, again.body) == (before.etag, 12, body)
    assert b"Surrogate-Key: a" in again.gzip_head()
    changed = encode(Document(body + b"!"), now=7, before=before)
    fresh = encode(Document(body + b"!"), now=7)
    assert (changed.gzip_body, changed.etag) == (fresh.gzip_body, fresh.etag)
    assert changed.body == body + b"!"
