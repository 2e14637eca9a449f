"""`/v1/admin/reviews`: what waits to be read, approved, rejected."""

from typing import Any

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.errors import Invalid
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.db import Record
from checkout.kit.ids import parse_uuid
from checkout.kit.query import choice_of, storable
from checkout.kit.routes import Route
from checkout.kit.routes import admin_route as route
from checkout.reviews import shape
from checkout.reviews.http import after_of
from checkout.reviews.model import STATUSES
from checkout.reviews.store import ReviewStore

_rejection = msgspec.json.Decoder(shape.Rejection)


def routes(store: ReviewStore, *, permit: Permit) -> list[Route]:
    """The moderators' routes. Whoever may moderate their own products' reviews alone sees no others."""

    async def queue(req: web.Request) -> web.Response:
        grant = await permit(req, "reviews:read")
        most, after = page.limit_of(req), after_of(req)
        status: Any = choice_of(req, "status", STATUSES) or "pending"
        shown, last = page.split(await store.queue(status, after, grant.owner, most + 1), most)
        return answer(
            {
                "items": [_document(row) for row in shown],
                "next_cursor": page.cursor(last["created_at"].isoformat(), str(last["id"])) if last else None,
            }
        )

    async def read(req: web.Request) -> web.Response:
        grant = await permit(req, "reviews:read")
        return _one(await store.one(parse_uuid(req.match_info["id"]), grant.owner))

    async def approve(req: web.Request) -> web.Response:
        grant, version = await permit(req, "reviews:write"), expected_version(req)
        review_id = parse_uuid(req.match_info["id"])
        return _one(await store.moderate(review_id, grant, "approved", "", version=version))

    async def reject(req: web.Request) -> web.Response:
        grant, version = await permit(req, "reviews:write"), expected_version(req)
        wanted = await body.read(req, _rejection)
        if not storable(wanted.reason):
            raise Invalid("reason: holds a character that is none", field="reason")
        review_id = parse_uuid(req.match_info["id"])
        return _one(
            await store.moderate(review_id, grant, "rejected", wanted.reason.strip(), version=version)
        )

    every, one = "/v1/admin/reviews", "/v1/admin/reviews/{id}"
    return [
        route("GET", every, queue, "Reviews to moderate, the oldest first", "reviews:read", response=shape.ModeratedReviews,
              query={"status": "pending (default), approved or rejected", **page.QUERY}, problems=("invalid",)),
        route("GET", one, read, "One review", "reviews:read", response=shape.ModeratedReview),
        route("POST", f"{one}/approve", approve, "Show a review", "reviews:write", response=shape.ModeratedReview,
              problems=("stale_version",)),
        route("POST", f"{one}/reject", reject, "Do not show a review, and say why", "reviews:write", request=shape.Rejection,
              response=shape.ModeratedReview, problems=("stale_version",)),
    ]  # fmt: skip


def _one(row: Record) -> web.Response:
    return answer(_document(row), version=row["version"])


def _document(row: Record) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "product": {"id": str(row["product_id"]), "slug": row["slug"], "title": row["product_title"]},
        "account_id": str(row["account_id"]) if row["account_id"] else None,
        "stars": row["stars"],
        "title": row["title"],
        "text": row["body"],
        "author": row["author"] or None,
        "status": row["status"],
        "reason": row["reason"] or None,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "moderated_at": row["moderated_at"],
    }
