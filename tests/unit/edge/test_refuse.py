"""Which bytes are refused unread: one whole ordinary request of a kind that has no room, and nothing else."""

import asyncio
import contextlib
import re

import pytest
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParser
from hypothesis import given, settings
from hypothesis import strategies as st

from checkout.edge.metrics import Metrics
from checkout.edge.refuse import Refusals
from checkout.kit.routes import Handler
from ratelimit.inflight import CHECKOUT, HEALTH, InFlight

POST = b"POST /v1/checkouts HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello"
GET = b"GET /v1/products?limit=3 HTTP/1.1\r\nHost: shop\r\n\r\n"


async def buy(_request: web.Request) -> web.StreamResponse:
    """Stands for a checkout."""
    return web.Response()


async def look(_request: web.Request) -> web.StreamResponse:
    """Stands for browsing."""
    return web.Response()


async def live(_request: web.Request) -> web.StreamResponse:
    """Stands for a health check."""
    return web.Response()


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "/v1/checkouts"): buy, ("GET", "/v1/products"): look, ("GET", "/healthz"): live,
}  # fmt: skip


def made(*, inside: int, metrics: Metrics | None = None) -> Refusals:
    """Refusals of a room of 8 with so many inside: browsing has 4 of it."""
    room = InFlight(high=8, low=8)
    room.count = inside
    found = Refusals(
        room, metrics or Metrics(), lambda method, path: ROUTES.get((method, path)), id_prefix="ab"
    )
    found.learn(buy, CHECKOUT, "POST /v1/checkouts", b"Server: checkout\r\n")
    found.learn(look, 0, "GET /v1/products", b"Server: checkout\r\n")
    found.learn(live, HEALTH, "GET /healthz", b"Server: checkout\r\n")
    return found


async def test_the_lesser_is_refused_first_and_health_never() -> None:
    """If this fails, checkouts are refused while others look around, or a full process calls itself dead."""
    health = GET.replace(b"/v1/products", b"/healthz")
    assert [made(inside=3).answer(data) for data in (GET, POST, health)] == [None] * 3
    refused = [made(inside=4).answer(data) is not None for data in (GET, POST, health)]
    assert refused == [True, False, False]
    refused = [made(inside=8).answer(data) is not None for data in (GET, POST, health)]
    assert refused == [True, True, False]


async def test_who_is_coming_takes_room() -> None:
    """If this fails, all of a burst are let in to be parsed, and then refused by the layer at its full price."""
    refusals = made(inside=6)
    refusals.room.coming = 1
    assert refusals.answer(POST) is None
    refusals.room.coming = 2
    assert refusals.answer(POST) is not None


def test_a_refusal_is_counted() -> None:
    """If this fails, an operator sees no overload."""
    metrics = Metrics()
    refusals = made(inside=8, metrics=metrics)
    for _ in range(3):
        assert refusals.answer(POST)
    text = metrics.render().decode()
    assert 'checkout_http_requests_total{route="POST /v1/checkouts",status="503"} 3.0' in text
    assert 'checkout_http_shed_total{priority="2"} 3.0' in text
    assert 'checkout_http_problems_total{code="overloaded"} 3.0' in text
    assert 'checkout_http_request_seconds_count{route="POST /v1/checkouts"} 3.0' in text
    assert refusals.room.shed == [0, 0, 3, 0]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\r\n" + GET, GET[:-1], GET[:-2], POST[:-1], POST + b"!", GET + GET, GET + b"G", POST + GET,
        GET.replace(b"GET", b"HEAD"), GET.replace(b"GET", b"OPTIONS"), GET.replace(b"1.1", b"1.0"),
        GET.replace(b"/v1/products", b"/v1/elsewhere"), GET.replace(b"/v1", b"http://shop/v1"),
        GET.replace(b"Host", b"Connection: close\r\nHost"), GET.replace(b"Host", b"connection:close\r\nHost"),
        GET.replace(b"Host", b"Upgrade: websocket\r\nHost"), POST.replace(b"Host", b"Expect: 100-continue\r\nHost"),
        POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        POST.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost"),
        POST.replace(b"Host", b"Content-Length: 5\r\nHost"), POST.replace(b"Host", b"Content-Length: x\r\nHost"),
        POST.replace(b" 5", b" +5"), POST.replace(b" 5", b" 05"), POST.replace(b" 5", b" 5, 5"),
        POST.replace(b"Length:", b"Length :"), GET.replace(b"Host:", b"X:"), GET.replace(b"Host", b"host: a\r\nHost"), GET.replace(b"Host: shop", b"Host: shop\r\n folded"),
        GET.replace(b"Host: shop", b"Host: sh\x00op"), GET.replace(b"Host: shop", b"Host: shop\nX: y"),
        GET.replace(b"Host: shop", b"Host shop"), GET.replace(b"Host: shop", b"X: " + b"y" * 100_000),
    ],
)  # fmt: skip
def test_what_is_not_one_whole_ordinary_request_goes_its_way(data: bytes) -> None:
    """If this fails, a request is refused in part and its rest read as another one, or a malformed one is not told so."""
    assert made(inside=8).answer(data) is None


@pytest.mark.parametrize(
    "field",
    [b"Connection: keep-alive", b"X-Upgrade: 1", b"X-Content-Length: 9", b"X-Expect: 1", b"Cookie: a=\xff"],
)
def test_fields_that_mean_nothing_here_do_not_matter(field: bytes) -> None:
    """If this fails, usual clients are refused at the full price."""
    assert made(inside=8).answer(POST.replace(b"Host", field + b"\r\nHost")) is not None


def test_a_request_keeps_its_id() -> None:
    """If this fails, a caller cannot find its refusal; if an id could end a line, it writes header fields of its own."""
    given_id = POST.replace(b"Host", b"x-request-id: mine-1\r\nHost")
    assert b"\r\nX-Request-Id: mine-1\r\n" in (made(inside=8).answer(given_id) or b"")
    refusals = made(inside=8)
    spoilt = POST.replace(b"Host", b"X-Request-Id: a b\r\nHost")
    ids = {
        re.findall(rb"X-Request-Id: (ab-r\d)\r\n", refusals.answer(data) or b"")[0] for data in (POST, spoilt)
    }
    assert len(ids) == 2


FULL = made(inside=8)
PIECES = st.sampled_from(
    [
        b"Host: shop\r\n", b"\r\n", b"\n", b":", b"Content-Length: 5\r\n", b"content-length: 0\r\n", b"hello", b" ", b"\x00",
        b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"0\r\n\r\n",
    ]
)  # fmt: skip
LINES = st.sampled_from([b"GET /v1/products HTTP/1.1\r\n", b"POST /v1/checkouts HTTP/1.1\r\n"])
ANY = st.lists(st.one_of(PIECES, PIECES, PIECES, st.binary(max_size=4)), max_size=4)
FIELDS = st.lists(
    st.one_of(
        st.integers().map(b"X-Any: %d\r\n".__mod__),
        st.sampled_from([b"Host: shop\r\n", b"Content-Length: 5\r\n", b"content-length:0\r\n"]),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=150, deadline=None)
@given(
    line=LINES,
    fields=st.one_of(FIELDS, ANY),
    end=st.sampled_from([b"\r\n", b"\r\nhello", b"\n"]),
    rest=st.one_of(st.just([]), ANY),
)
def test_whatever_is_refused_is_one_request_to_the_parser_too(
    line: bytes, fields: list[bytes], end: bytes, rest: list[bytes]
) -> None:
    """If this fails, some bytes break the connection, or are refused although more or less than one request is there."""
    data = line + b"".join(fields) + end + b"".join(rest)
    if FULL.answer(data) is None:
        return
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        parser = HttpRequestParser(BaseProtocol(loop), loop, 2**16)
        ((message, body),), upgraded, tail = parser.feed_data(data)
        assert (body.is_eof(), upgraded, tail) == (True, False, b"")
        assert (message.should_close, message.chunked, "Expect" in message.headers) == (False, False, False)
        assert len(parser.feed_data(GET)[0]) == 1, "the parser was not between two requests"
