"""Requests that nobody sends in good faith (T15): each is a 4xx with a problem document, and costs next to nothing."""

import asyncio

import pytest

from config import limits
from tests.api.edge.process import Serving
from tests.api.edge.wire import Answer, exchange, post, wire

CART = "/v1/carts"
HOST = b"Host: shop\r\n"
_LINE = b'{"sku":"TEE-BLACK-M","quantity":1}'
_BIG = limits.CHECKOUT_BODY_MAX_BYTES
KEY = "Idempotency-Key: k"

BODIES: dict[str, tuple[str, bytes, int]] = {
    "empty": (CART, b"", 400),
    "no JSON": (CART, b"hello", 400),
    "half of it": (CART, b'{"currency":"EUR"', 400),
    "more behind it": (CART, b'{"currency":"EUR"}{}', 400),
    "a list": (CART, b"[]", 400),
    "null": (CART, b"null", 400),
    "a key twice": (CART, b'{"currency":"EUR","currency":"USD"}', 400),
    "a key twice, spelled in two ways": (CART, b'{"currency":"EUR","\\u0063urrency":"USD"}', 400),
    "a key twice, inside": (CART, b'{"currency":"EUR","lines":[{"sku":"A","sku":"B","quantity":1}]}', 400),
    "deep lists": (CART, b"[" * 8000 + b"]" * 8000, 400),
    "deep objects": (CART, b'{"a":' * 2500 + b"1" + b"}" * 2500, 400),
    "deep, known field": (CART, b'{"currency":"EUR","lines":' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
    "bad UTF-8": (CART, b'{"currency":"E\xffR"}', 400),
    "half a character": (CART, b'{"currency":"EU\xc3"}', 400),
    "a surrogate": (CART, b'{"currency":"EU\xed\xa0\x80"}', 400),
    "a lone surrogate, escaped": (CART, b'{"currency":"EUR","lines":[{"sku":"\\ud800","quantity":1}]}', 400),
    "NUL": (CART, b'{"currency":"EUR","lines":[{"sku":"A\\u0000","quantity":1}]}', 400),
    "a byte order mark": (CART, b'\xef\xbb\xbf{"currency":"EUR"}', 400),
    "UTF-16": (CART, '{"currency":"EUR"}'.encode("utf-16"), 400),
    "NaN": (CART, b'{"currency":"EUR","lines":[{"sku":"TEE-BLACK-M","quantity":NaN}]}', 400),
    "Infinity": (CART, b'{"currency":"EUR","lines":[{"sku":"TEE-BLACK-M","quantity":Infinity}]}', 400),
    "1e400": (CART, b'{"currency":"EUR","lines":[{"sku":"TEE-BLACK-M","quantity":1e400}]}', 400),
    "a number of 5,000 digits": (CART, b'{"currency":"EUR","lines":[{"sku":"A","quantity":' + b"9" * 5000 + b"}]}", 400),
    "2^63 lines away": (CART, b'{"currency":"EUR","lines":[{"sku":"A","quantity":9223372036854775808}]}', 400),
    "101 lines": (CART, b'{"currency":"EUR","lines":[' + b",".join([_LINE] * 101) + b"]}", 400),
    "an unknown field": (CART, b'{"currency":"EUR","__proto__":{}}', 400),
    "too large": (CART, b'{"currency":"' + b" " * limits.BODY_MAX_BYTES + b'"}', 413),
    "too large a purchase": ("/v1/checkouts", b'{"email":"' + b"a" * _BIG + b'"}', 413),
    "too large a webhook": ("/v1/webhooks/stripe", b" " * (limits.WEBHOOK_BODY_MAX_BYTES + 1), 413),
    "a webhook that is no text": ("/v1/webhooks/stripe", b"\x80\x81", 400),
    "a deep purchase": ("/v1/checkouts", b'{"shipping_address":' * 1500 + b"1" + b"}" * 1500, 400),
    "deep credentials": ("/v1/sessions", b'{"email":' + b"[" * 7000 + b"]" * 7000 + b"}", 400),
}  # fmt: skip


def refused(answer: Answer | None, *statuses: int) -> str:
    """The code of the refusal; fails when it is none of these statuses, or no problem document."""
    assert answer is not None, "closed without a word"
    assert answer.status in statuses, answer
    return str(answer.problem["code"])


async def test_every_hostile_body_is_a_client_error(server: Serving) -> None:
    """If this fails, a body can break a handler, or is taken for something that it is not (T15)."""
    for what, (path, body, status) in BODIES.items():
        answer = await exchange(server.url, post(path, body, KEY))
        assert answer is not None, what
        assert answer.status == status, (what, answer)
        problem = answer.problem
        assert problem["code"] in ("invalid", "malformed_json", "too_large", "bad_signature"), (what, problem)
        if status == 400:
            assert problem["errors"][0]["message"], what
    assert server.errors() == []


async def test_a_body_without_a_length_is_held_to_the_same_size(server: Serving) -> None:
    """If this fails, leaving out Content-Length is a way to make a process hold megabytes a connection."""
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    chunked = "Transfer-Encoding: chunked"

    async def endless(path: str) -> None:
        async with wire(server.url) as connection:
            head = post(path, b"", chunked, KEY)
            sending = asyncio.create_task(connection.send(head, *([chunk] * 240)))
            assert refused(await connection.answer(wait_s=30), 413) == "too_large", path
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    before, most = server.resident_bytes(), 0
    sending = [
        asyncio.create_task(endless(path)) for path in (CART, "/v1/checkouts", "/v1/webhooks/stripe") * 6
    ]
    while any(not task.done() for task in sending):
        most = max(most, server.resident_bytes())
        await asyncio.sleep(0.005)
    await asyncio.gather(*sending)
    assert most - before <= 50 * 1024 * 1024, f"{(most - before) / 2**20:.1f} MB"
    body = b'12\r\n{"currency":"EUR"}\r\n0\r\n\r\n'
    small = await exchange(server.url, post(CART, body, chunked))
    assert small is not None
    assert small.status == 201, small


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 18\r\nContent-Length: 5\r\n",
        b"Content-Length: 18, 5\r\n",
        b"Content-Length: 18\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 18\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: +18\r\n",
        b"Content-Length: 0x12\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Content-Length : 18\r\n",
        b"Content-Length: 18\r\n folded: yes\r\n",
        b"Content-Length: 18\r\nX: a\x00b\r\n",
        b"Content-Length: 18\r\nX\x01: b\r\n",
        b"Content-Length: 18\r\n: no name\r\n",
        b"Content-Length: 18\r\nX: " + b"a" * 9000 + b"\r\n",
    ],
)
async def test_lengths_that_contradict_each_other_are_refused(server: Serving, fields: bytes) -> None:
    """If this fails, a proxy and the shop can see two different requests in one stream (request smuggling)."""
    head = b"POST /v1/carts HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n" + fields + b"\r\n"
    smuggled = b"GET /v1/categories HTTP/1.1\r\n" + HOST + b"\r\n"
    async with wire(server.url) as connection:
        await connection.send(head + b'{"currency":"EUR"}' + smuggled)
        assert refused(await connection.answer(), 400) == "malformed_request"
        assert await connection.answer() is None, "the rest of the stream was taken for a request"


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET /v1/categories HTTP/9.9\r\n" + HOST + b"\r\n",
        b"GET /v1/cat\xffegories HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"G\x00T / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_told_so(server: Serving, raw: bytes) -> None:
    """If this fails, a scanner's noise is a stack trace in the log, or a 500 on the error budget."""
    assert refused(await exchange(server.url, raw), 400, 404) in ("malformed_request", "not_found")
    assert server.errors() == []


async def test_fields_that_are_not_text_are_refused_or_ignored(server: Serving) -> None:
    """If this fails, a byte in a header field is a 500."""
    fields = ("Authorization", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-Id", "Stripe-Signature",
              "Last-Event-ID", "Accept-Encoding", "Cookie")  # fmt: skip
    order = "/v1/orders/01930000-0000-7000-8000-000000000000"
    for name in fields:
        for text in (
            b"\xff\xfe",
            b"Bearer \xe9.\xff.x",
            b"Bearer a.b.c",
            b"t=1,v1=\xff",
            b'"\xff"',
            b"x" * 4000,
        ):
            field = name.encode() + b": " + text + b"\r\n"
            for path in (
                b"/v1/products/tee-black",
                order.encode(),
                order.encode() + b"/events",
                b"/v1/admin/stats",
            ):
                answer = await exchange(
                    server.url, b"GET " + path + b" HTTP/1.1\r\n" + HOST + field + b"\r\n"
                )
                assert answer is not None
                assert answer.status < 500, (name, text, path, answer)
            for path in (b"/v1/checkouts", b"/v1/webhooks/stripe"):
                length = b"Content-Length: 2\r\n\r\n{}"
                answer = await exchange(
                    server.url, b"POST " + path + b" HTTP/1.1\r\n" + HOST + field + length
                )
                assert refused(answer, 400), (name, text, path)
    assert server.errors() == []


async def test_paths_and_queries_of_every_shape_are_answered(server: Serving) -> None:
    """If this fails, a crafted address is a 500, or leads out of the shop's own files."""
    paths = [
        "/docs/../../config/settings.py", "/docs/%2e%2e%2f%2e%2e%2fpyproject.toml", "/docs/..%5c..%5csecret_key",
        "/v1/orders/%00", "/v1/orders/..", "/v1/orders/" + "9" * 500, "/v1/orders/{01930000-0000-7000-8000-000000000000}",
        "/v1/carts/%ff%fe", "/v1/products/%00", "/v1/products?limit=1e9", "/v1/products?limit=-1", "/v1/products?q=%00",
        "/v1/products?sort=" + "a" * 3000, "/v1/products?cursor=%ff", "/v1/products?" + "a=1&" * 1500, "/v1/skus/%25%25/availability",
        "/v1/admin/dead-letters?cursor=%ff", "//", "/%", "/v1/", "/v1/carts/" + "a" * 64, "/.git/config", "/metrics/../v1",
    ]  # fmt: skip
    for path in paths:
        answer = await exchange(server.url, f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
        assert answer is not None, path
        assert 400 <= answer.status < 500, (path, answer.status, answer.body[:200])
        assert answer.problem["code"]
    assert server.errors() == []


async def test_thousands_of_them_leave_no_memory_behind(server: Serving) -> None:
    """If this fails, hostile requests add up until the process is killed for its memory (T15: at most 50 MB)."""
    requests = [post(path, body, KEY) for path, body, _ in BODIES.values()]
    requests.append(
        post(CART, b"4000\r\n" + b" " * 0x4000, "Transfer-Encoding: chunked")
    )  # cut off in the middle
    requests.append(
        b"POST /v1/carts HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"
    )

    async def storm(rounds: int) -> None:
        room = asyncio.Semaphore(48)

        async def one(raw: bytes) -> None:
            async with room, wire(server.url) as connection:
                await connection.send(raw)
                if b"chunked" not in raw:
                    answer = await connection.answer(wait_s=30)
                    assert answer is not None
                    assert 400 <= answer.status < 500, (raw[:80], answer)

        await asyncio.gather(*(one(raw) for _ in range(rounds) for raw in requests))

    await storm(6)
    before = server.resident_bytes()
    await storm(60)
    grown = server.resident_bytes() - before
    assert grown <= 50 * 1024 * 1024, f"{grown / 2**20:.1f} MB"
    assert server.errors() == []
