"""`/v1/products/{id}/reviews`: what everyone reads, and what a buyer writes."""

import uuid
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from catalog_cache import answer as cached
from checkout.accounts.auth import Auth
from checkout.errors import Invalid, NotFound
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.db import Record
from checkout.kit.ids import parse_uuid
from checkout.kit.query import in_our_time, storable
from checkout.kit.routes import Route
from checkout.reviews import shape
from checkout.reviews.show import PublicReviews
from checkout.reviews.store import ReviewStore, Written
from config import limits

_decoder = msgspec.json.Decoder(shape.ReviewRequest)


def routes(store: ReviewStore, public: PublicReviews, auth: Auth) -> list[Route]:
    """The shoppers' routes."""

    async def read(req: web.Request) -> web.Response:
        most, after = page.limit_of(req), after_of(req)
        return cached(req, await public.page(_key(req), most, after))

    async def write(req: web.Request) -> web.Response:
        caller = auth.require(req)
        written = _written(await body.read(req, _decoder))
        return _own(await store.write(await _product(req), caller.account_id, written), status=201)

    async def read_own(req: web.Request) -> web.Response:
        caller = auth.require(req)
        return _own(await store.own(await _product(req), caller.account_id))

    async def edit(req: web.Request) -> web.Response:
        caller, version = auth.require(req), expected_version(req)
        written = _written(await body.read(req, _decoder))
        product_id = await _product(req)
        return _own(await store.edit(product_id, caller.account_id, written, version=version))

    async def remove(req: web.Request) -> web.Response:
        caller, version = auth.require(req), expected_version(req)
        await store.remove(await _product(req), caller.account_id, version=version)
        return web.Response(status=204)

    async def _product(req: web.Request) -> uuid.UUID:
        found = await store.product_of(_key(req))
        if found is None:
            raise NotFound("No such product.")
        return found

    def route(method: str, path: str, handler: Any, summary: str, **more: Any) -> Route:
        return Route(method, path, handler, summary, tag="reviews", **more)

    every, own = "/v1/products/{id}/reviews", "/v1/products/{id}/reviews/mine"
    return [
        route("GET", every, read, "Reviews of a product, by id or slug, the newest first", priority=0,
              response=shape.PublicReviews, query=page.QUERY, problems=("invalid",)),
        route("POST", every, write, "Review a product that you bought", policy="cart", permission="any",
              request=shape.ReviewRequest, response=shape.OwnReview, status=201,
              problems=("not_bought", "review_exists")),
        route("GET", own, read_own, "Your review of a product", policy="cart", permission="any",
              response=shape.OwnReview),
        route("PUT", own, edit, "Change your review; it is moderated anew", policy="cart", permission="any",
              request=shape.ReviewRequest, response=shape.OwnReview, problems=("stale_version",)),
        route("DELETE", own, remove, "Take your review back", policy="cart", permission="any", status=204,
              problems=("stale_version",)),
    ]  # fmt: skip


def after_of(req: web.Request) -> tuple[datetime, uuid.UUID] | None:
    """Where the page before ended. Raises: Invalid for a cursor that no page gave."""
    key = page.cursor_of(req, str, str)
    if key is None:
        return None
    try:
        at, row_id = datetime.fromisoformat(key[0]), parse_uuid(key[1])
    except ValueError:
        at, row_id = None, None
    if at is None or at.tzinfo is None or not in_our_time(at) or row_id is None:
        raise Invalid("cursor: take it from next_cursor", field="cursor")
    return at, row_id


def _key(req: web.Request) -> str:
    key = req.match_info["id"]
    if len(key) > limits.TEXT_MAX_CHARS or not key.isprintable() or not storable(key):
        raise NotFound("No such product.")
    return key


def _written(wanted: shape.ReviewRequest) -> Written:
    texts = {"title": wanted.title, "text": wanted.text, "author": wanted.author}
    for name, text in texts.items():
        if not storable(text):
            raise Invalid(f"{name}: holds a character that is none", field=name)
    return Written(wanted.stars, wanted.title.strip(), wanted.text.strip(), wanted.author.strip())


def _own(row: Record, *, status: int = 200) -> web.Response:
    return answer(
        {
            "id": str(row["id"]),
            "product_id": str(row["product_id"]),
            "stars": row["stars"],
            "title": row["title"],
            "text": row["body"],
            "author": row["author"] or None,
            "status": row["status"],
            "reason": row["reason"] or None,
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
        },
        status=status,
        version=row["version"],
    )
