"""`/v1/admin`: stats, stock adjustments, dead letters."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated, Any

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.admin.shape import AdjustmentAnswer, DeadLetters, Replayed, StatsAnswer
from checkout.admin.stats import Stats
from checkout.admin.store import Adjustment, AdminStore
from checkout.errors import Invalid, NotFound
from checkout.kit import body
from checkout.kit.answer import answer
from checkout.kit.form import form
from checkout.kit.ids import claim_id, fingerprint
from checkout.kit.routes import Route
from checkout.orders.http import idempotency_key
from checkout.orders.request import Sku
from checkout.outbox.store import OutboxStore, Parked
from config import limits

Units = Annotated[int, msgspec.Meta(ge=-limits.STOCK_MAX, le=limits.STOCK_MAX)]


class AdjustmentRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Units to add (`delta`, may be negative) or to count (`on_hand`): exactly one of the two."""

    sku: Sku
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=limits.TEXT_MAX_CHARS)]
    delta: Units | None = None
    on_hand: Annotated[int, msgspec.Meta(ge=0, le=limits.STOCK_MAX)] | None = None
    location: Annotated[
        str, form("^[a-z0-9][a-z0-9_-]{0,31}$", "a location by its code: small letters, digits, - and _")
    ] = "main"


_decoder = msgspec.json.Decoder(AdjustmentRequest)


def routes(store: AdminStore, outbox: OutboxStore, stats: Stats, *, permit: Permit) -> list[Route]:
    """The admin's routes of this part."""

    async def read_stats(request: web.Request) -> web.Response:
        (await permit(request, "stats:read")).over_all()
        return answer(await stats.read())

    async def adjust(request: web.Request) -> web.Response:
        grant = await permit(request, "stock:write")
        key = idempotency_key(request)
        raw = await body.raw(request)
        wanted = body.decode(raw, _decoder)
        if (wanted.delta is None) == (wanted.on_hand is None):
            raise Invalid(
                "Give either delta or on_hand.", errors=[("delta", "give it or on_hand, not both or none")]
            )
        adjusted, replayed = await store.adjust(
            claim_id(f"stock:{grant.actor}", key),
            fingerprint(raw),
            Adjustment(
                wanted.sku,
                wanted.delta,
                wanted.on_hand,
                wanted.location,
                wanted.reason,
                grant.actor,
                grant.owner,
            ),
        )
        response = answer(adjusted)
        if replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    async def list_parked(request: web.Request) -> web.Response:
        (await permit(request, "dead-letters:read")).over_all()
        most = _limit(request)
        rows = await outbox.parked(_before(request), most + 1)
        more = len(rows) > most
        return answer(
            {
                "items": [_dead_letter(row) for row in rows[:most]],
                "next_cursor": _cursor(rows[most - 1]) if more else None,
            }
        )

    async def replay(request: web.Request) -> web.Response:
        grant = (await permit(request, "dead-letters:write")).over_all()
        text = request.match_info["id"]
        row_id = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
        if not await outbox.replay(row_id, grant.actor):
            raise NotFound("There is no such dead letter; it may have been replayed already.")
        return answer({"id": text, "replayed": True}, status=202)

    return [
        Route(
            "GET",
            "/v1/admin/stats",
            read_stats,
            "Live figures",
            response=StatsAnswer,
            policy="admin",
            permission="stats:read",
            tag="admin",
        ),
        Route(
            "POST",
            "/v1/admin/stock/adjustments",
            adjust,
            "Change the stock of one SKU",
            policy="admin",
            request=AdjustmentRequest,
            response=AdjustmentAnswer,
            problems=(
                "below_reserved",
                "idempotency_key_missing",
                "idempotency_key_invalid",
                "idempotency_mismatch",
            ),
            permission="stock:write",
            tag="admin",
        ),
        Route(
            "GET",
            "/v1/admin/dead-letters",
            list_parked,
            "Work that failed its last try",
            response=DeadLetters,
            policy="admin",
            permission="dead-letters:read",
            query={"limit": "items a page", "cursor": "next_cursor of the page before"},
            tag="admin",
        ),
        Route(
            "POST",
            "/v1/admin/dead-letters/{id}/replay",
            replay,
            "Try a dead letter again",
            response=Replayed,
            policy="admin",
            permission="dead-letters:write",
            status=202,
            tag="admin",
        ),
    ]


def _dead_letter(row: Parked) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "topic": row.topic,
        "subject_id": str(row.subject_id),
        "attempts": row.attempts,
        "error": row.error,
        "created_at": row.created_at,
        "parked_at": row.parked_at,
        "payload": row.payload,
    }


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(limits.PAGE_DEFAULT))
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= limits.PAGE_MAX):
        raise Invalid(f"limit: 1 to {limits.PAGE_MAX}", field="limit")
    return int(text)


def _cursor(row: Parked) -> str:
    return urlsafe_b64encode(f"{row.parked_at.isoformat()} {row.id}".encode()).decode()


def _before(request: web.Request) -> tuple[datetime, int] | None:
    text = request.query.get("cursor")
    if text is None:
        return None
    try:
        at, _, row_id = urlsafe_b64decode(text.encode()).decode().partition(" ")
        before = datetime.fromisoformat(at), int(row_id)
        if before[0].tzinfo is not None and 2000 < before[0].year < 9999 and 0 <= before[1] < 2**63:
            return before
    except (ValueError, UnicodeError):
        pass
    raise Invalid("cursor: take it from next_cursor", field="cursor")
