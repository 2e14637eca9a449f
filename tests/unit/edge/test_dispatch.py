"""The dictionary of request lines finds what aiohttp's router would find."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from checkout.edge.dispatch import Dispatch
from config import limits

PATHS = ("/healthz", "/v1/carts", "/v1/carts/{id}", "/v1/carts/{id}/lines/{sku}", "/v1/carts/mine")


def made() -> tuple[web.Application, Dispatch, list[str]]:
    """An application, its dispatch, and what went aiohttp's way."""
    app, slow = web.Application(), list[str]()
    dispatch = Dispatch(app)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(
            text=repr((request.match_info.route.resource.canonical, dict(request.match_info)))
        )  # type: ignore[union-attr]

    for path in PATHS:
        dispatch.add(app.router.add_get(path, handler, allow_head=False), "GET", path, handler)
    original = app._handle

    async def counted(request: Any) -> Any:
        slow.append(request.raw_path)
        return await original(request)

    app._handle = counted  # type: ignore[method-assign]
    app.freeze()
    return app, dispatch, slow


@pytest.mark.parametrize(
    ("line", "quick"),
    [
        ("/healthz", True), ("/v1/carts?limit=3", True), ("/v1/carts/abc", True), ("/v1/carts/abc/lines/TEE-1", True),
        ("/v1/carts/mine", True), ("/v1/carts/a%20b", False), ("/v1/carts/", False), ("/v1/carts/abc/lines/", False),
        ("/v1/carts/abc/else/TEE-1", False), ("/v2/carts", False),
    ],
)  # fmt: skip
async def test_the_same_route_and_names_as_the_router(line: str, quick: bool) -> None:
    """If this fails, a request reaches another handler than the contract says, or the router is asked for all."""
    app, dispatch, slow = made()

    async def told(handle: Any) -> tuple[int, str | None]:
        try:
            answered = await handle(make_mocked_request("GET", line))
        except web.HTTPException as refused:
            return refused.status, None
        return answered.status, answered.text

    once, again = await told(dispatch), await told(dispatch)
    assert (slow == []) is quick
    assert once == again == await told(app._handle)


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, whoever asks for made-up paths fills the memory."""
    monkeypatch.setattr(limits, "PATHS_REMEMBERED_MAX", 10)
    _, dispatch, _ = made()
    for number in range(100):
        await dispatch(make_mocked_request("GET", f"/v1/carts/cart-{number}"))
        assert len(dispatch._found) <= 10
