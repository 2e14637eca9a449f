"""What goes wrong inside: told to the log and not to the client, ended at its deadline, its place given back."""

import asyncio
import time

import pytest
from aiohttp import web

from checkout.edge import logs
from checkout.errors import Conflict, NotFound, Unavailable
from checkout.kit.routes import Route
from ratelimit.inflight import InFlight
from tests.api.edge.layer import layer
from tests.api.edge.wire import Answer, exchange

SECRET = "4242424242424242"


async def ask(url: str, path: str, *fields: str) -> Answer:
    """The answer to this request."""
    answer = await exchange(
        url, "\r\n".join([f"GET {path} HTTP/1.1", "Host: shop", *fields, "", ""]).encode()
    )
    assert answer is not None
    return answer


async def test_a_bug_tells_the_client_nothing_and_the_log_everything(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """If this fails, a stack trace or a shopper's data goes out to strangers, or nobody can find what broke."""

    async def bug(_request: web.Request) -> web.Response:
        raise RuntimeError(f"could not read {SECRET}")

    async def impossible(_request: web.Request) -> web.Response:
        raise AssertionError(f"not for outside: {SECRET}")

    async def broken_field(_request: web.Request) -> web.Response:
        return web.Response(headers={"X-Name": "a\r\nX-Evil: 1"})

    found = {"/bug": bug, "/impossible": impossible, "/broken-field": broken_field}
    room = InFlight()
    async with layer([Route("GET", path, handler, "Breaks") for path, handler in found.items()], room) as url:
        for path in ("/bug", "/impossible"):
            answer = await ask(url, path, "X-Request-Id: find-me-1")
            assert answer.status == 500
            assert answer.problem["code"] == "internal"
            assert SECRET.encode() not in answer.body
            assert b"Traceback" not in answer.body
            assert answer.headers["x-request-id"] == "find-me-1"
            told = capsys.readouterr().out
            assert "find-me-1" in told
            assert SECRET in told
        cut_off = await exchange(url, b"GET /broken-field HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert cut_off is None, "a field that ends its line was sent"
        assert room.count == 0


async def test_a_refusal_is_the_same_whoever_raises_it() -> None:
    """If this fails, a documented refusal arrives as another status, or without what helps to go on."""

    async def refuse(request: web.Request) -> web.Response:
        match request.match_info["how"]:
            case "gone":
                raise NotFound("It is not there.")
            case "busy":
                raise Unavailable("Try again.", retry_after_ms=1500)
            case "sold":
                raise Conflict(
                    "None left.", code="out_of_stock", extra={"lines": [{"sku": "A"}], "status": 200}
                )
            case "http":
                raise web.HTTPRequestEntityTooLarge(max_size=1, actual_size=2)
        raise web.HTTPBadRequest

    async with layer([Route("GET", "/{how}", refuse, "Refuses")], InFlight()) as url:
        assert ((await ask(url, "/gone")).problem["code"], (await ask(url, "/gone")).status) == (
            "not_found",
            404,
        )
        busy = await ask(url, "/busy")
        assert (busy.status, busy.headers["retry-after"], busy.problem["retry_after_ms"]) == (503, "2", 1500)
        sold = (await ask(url, "/sold")).problem
        assert (sold["status"], sold["lines"], sold["type"]) == (
            409,
            [{"sku": "A"}],
            "/docs/errors#out_of_stock",
        )
        assert (await ask(url, "/http")).problem["code"] == "too_large"
        assert (await ask(url, "/else")).problem["code"] == "malformed_request"


async def test_nothing_runs_past_its_deadline() -> None:
    """If this fails, one stuck store fills the process with requests that never end."""
    ended: list[str] = []

    async def stuck(_request: web.Request) -> web.Response:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("stuck")
        return web.Response()

    async def stubborn(_request: web.Request) -> web.Response:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("stubborn")
            raise
        return web.Response()

    room = InFlight()
    routes = [Route("GET", "/stuck", stuck, "Waits"), Route("GET", "/more", stubborn, "Waits", priority=2)]
    async with layer(routes, room, deadline_s=0.3) as url:
        began = time.monotonic()
        answers = await asyncio.gather(ask(url, "/stuck"), ask(url, "/more"))
        assert 0.25 < time.monotonic() - began < 5
        for answer in answers:
            assert (answer.status, answer.problem["code"]) == (503, "deadline_exceeded")
            assert int(answer.headers["retry-after"]) >= 1
        assert sorted(ended) == ["stubborn", "stuck"]
        assert room.count == 0
        assert (await ask(url, "/nothing")).status == 404, "the process serves on"


def test_logs_hold_no_personal_data() -> None:
    """If this fails, whoever reads the log reads addresses, tokens and passwords."""
    event = {
        "event": "placed", "email": "ada@example.com", "order_id": "1", "shipping_address": {"line1": "x"},
        "lines": [{"sku": "A", "recipient": "Ada", "client_secret": "s"}], "Authorization": "Bearer x",
        "billing_email": "a@b.c", "stripe_api_key": "sk", "idempotency_key_hash": "h", "webhook_secret": "w",
    }  # fmt: skip
    told = logs.redact(event)
    hidden = "[redacted]"
    assert told == {
        "event": "placed", "email": hidden, "order_id": "1", "shipping_address": hidden,
        "lines": [{"sku": "A", "recipient": hidden, "client_secret": hidden}], "Authorization": hidden,
        "billing_email": hidden, "stripe_api_key": hidden, "idempotency_key_hash": "h", "webhook_secret": hidden,
    }  # fmt: skip
