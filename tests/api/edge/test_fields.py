"""The header fields of every answer: for browsers, caches, and whoever looks for a request in the log."""

import gzip
import re

import aiohttp

from tests.api.edge.process import Serving
from tests.api.edge.wire import Answer, exchange, post, wire
from tests.shop import Stores, running

KINDS: dict[str, tuple[bytes, int]] = {
    "a document": (b"GET /v1/products/tee-black HTTP/1.1\r\nHost: shop\r\n\r\n", 200),
    "not modified": (b"GET /v1/categories HTTP/1.1\r\nHost: shop\r\nIf-None-Match: *\r\n\r\n", 304),
    "a picture": (b"GET /v1/skus/MUG-CLASSIC/barcode.svg HTTP/1.1\r\nHost: shop\r\n\r\n", 200),
    "made": (post("/v1/carts", b'{"currency":"EUR"}'), 201),
    "the reference": (b"GET /docs HTTP/1.1\r\nHost: shop\r\n\r\n", 200),
    "its script": (b"GET /docs/boot.js HTTP/1.1\r\nHost: shop\r\n\r\n", 200),
    "its document": (b"GET /openapi.json HTTP/1.1\r\nHost: shop\r\n\r\n", 200),
    "numbers": (b"GET /metrics HTTP/1.1\r\nHost: shop\r\n\r\n", 200),
    "health": (b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n", 200),
    "invalid": (post("/v1/carts", b"{}"), 400),
    "no HTTP": (b"nonsense\r\n\r\n", 400),
    "signed out": (b"GET /v1/admin/stats HTTP/1.1\r\nHost: shop\r\n\r\n", 401),
    "not there": (b"GET /nothing HTTP/1.1\r\nHost: shop\r\n\r\n", 404),
    "another method": (b"DELETE /v1/categories HTTP/1.1\r\nHost: shop\r\n\r\n", 405),
    "too large": (post("/v1/carts", b" " * 20_000), 413),
    "not JSON": (b"POST /v1/carts HTTP/1.1\r\nHost: shop\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", 415),
    "another expectation": (post("/v1/carts", b"{}", "Expect: a-miracle"), 417),
}  # fmt: skip
BEFORE_A_ROUTE = ("no HTTP", "another expectation")


async def test_every_answer_tells_browsers_to_be_careful(server: Serving) -> None:
    """If this fails, some answer can be framed, sniffed as a script, or tells which software to attack."""
    for kind, (raw, status) in KINDS.items():
        answer = await exchange(server.url, raw)
        assert answer is not None, kind
        assert answer.status == status, (kind, answer)
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff", kind
        assert headers["referrer-policy"] == "no-referrer", kind
        assert headers["server"] == "checkout", kind
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy, kind
        assert "frame-ancestors 'none'" in policy, kind
        assert "strict-transport-security" not in headers, "only where the shop's address is https"
        assert "no-store" in headers["cache-control"] or headers["cache-control"].startswith("public"), kind
        if status >= 400:
            assert answer.problem["code"], kind
            assert headers["cache-control"] == "no-store", kind
        if kind not in BEFORE_A_ROUTE:
            assert re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", headers["x-request-id"]), kind
    refused = await exchange(server.url, KINDS["another method"][0])
    assert refused is not None
    assert {method.strip() for method in refused.headers["allow"].split(",")} == {"GET", "HEAD"}


async def test_no_field_can_be_smuggled_in(server: Serving) -> None:
    """If this fails, a request id, a path or a name of a client's choosing writes header lines of its own."""
    wanted = ("a" * 65, "a b", "a;b", "é", "<x>", "a\tb", "%0d%0aX-Evil:1", "")
    for text in wanted:
        raw = f"GET /healthz HTTP/1.1\r\nHost: shop\r\nX-Request-Id: {text}\r\n\r\n".encode()
        answer = await exchange(server.url, raw)
        assert answer is not None
        assert answer.headers["x-request-id"] != text
    good = await exchange(
        server.url, b"GET /healthz HTTP/1.1\r\nHost: shop\r\nX-Request-Id: a-1:b_2.c\r\n\r\n"
    )
    assert good is not None
    assert good.headers["x-request-id"] == "a-1:b_2.c"
    for path in (
        "/v1/products/%0d%0aX-Evil:%201",
        "/v1/products?cursor=%0d%0aX-Evil:1",
        "/%0d%0aX-Evil:%201",
    ):
        answer = await exchange(server.url, f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
        assert answer is not None
        assert not [name for name in answer.headers if "evil" in name]


async def ask(server: Serving, path: str, *fields: str) -> Answer:
    """The answer to this request with these fields."""
    head = "\r\n".join([f"GET {path} HTTP/1.1", "Host: shop", *fields])
    answer = await exchange(server.url, head.encode() + b"\r\n\r\n")
    assert answer is not None
    return answer


async def test_what_has_not_changed_is_not_sent_again(server: Serving) -> None:
    """If this fails, the reference's megabyte goes over the wire on every visit, or an old one is believed for ever."""
    for path in (
        "/openapi.json",
        "/docs",
        "/docs/redoc.standalone.js",
        "/v1/products/tee-black",
        "/v1/categories",
    ):
        whole = await ask(server, path)
        tag = whole.headers["etag"]
        again = await ask(server, path, f"If-None-Match: {tag}")
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag), path
        assert again.headers["cache-control"] == whole.headers["cache-control"]
        assert (await ask(server, path, 'If-None-Match: "another"')).status == 200, path
        packed = await ask(server, path, "Accept-Encoding: gzip")
        assert packed.headers["content-encoding"] == "gzip", path
        assert gzip.decompress(packed.body) == whole.body, path
        assert "Accept-Encoding" in whole.headers["vary"], path
        assert "content-encoding" not in (await ask(server, path, "Accept-Encoding: identity")).headers, path
    plain = {"Accept-Encoding": "identity"}
    async with aiohttp.ClientSession(server.url, headers=plain) as client:
        for path in ("/openapi.json", "/v1/categories", "/v1/products/tee-black"):
            whole = await ask(server, path)
            async with client.head(path) as head:
                assert (head.status, await head.read()) == (200, b"")
                assert int(head.headers["Content-Length"]) == len(whole.body), path
                for name in ("etag", "content-type", "cache-control"):
                    assert head.headers[name] == whole.headers[name], path


async def test_an_https_shop_says_so(stores: Stores) -> None:
    """If this fails, a browser may be led to the shop without encryption."""
    settings = await stores.fresh_settings(public_url="https://shop.example.com")
    async with running(settings) as shop:
        for path in ("/healthz", "/v1/categories", "/nothing"):
            _, _, headers = await shop.call("GET", path)
            assert headers["Strict-Transport-Security"] == "max-age=63072000", path


async def test_100_continue_is_answered_before_the_body(server: Serving) -> None:
    """If this fails, clients that ask first (curl does) wait a second for every larger body."""
    raw = post("/v1/carts", b'{"currency":"EUR"}', "Expect: 100-continue")
    head, body = raw[:-18], raw[-18:]
    async with wire(server.url) as connection:
        await connection.send(head)
        interim = await connection.answer(wait_s=3)
        assert interim is not None
        assert interim.status == 100
        await connection.send(body)
        answer = await connection.answer()
        assert answer is not None
        assert answer.status == 201
