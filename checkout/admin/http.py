"""`/v1/admin`: stats, dead letters."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

from aiohttp import web

from checkout.access.access import Permit
from checkout.admin.shape import DeadLetters, Replayed, StatsAnswer
from checkout.admin.stats import Stats
from checkout.errors import Invalid, NotFound
from checkout.kit.answer import answer
from checkout.kit.routes import Route
from checkout.outbox.store import OutboxStore, Parked
from config import limits


def routes(outbox: OutboxStore, stats: Stats, *, permit: Permit) -> list[Route]:
    """The admin's routes of this part."""

    async def read_stats(request: web.Request) -> web.Response:
        (await permit(request, "stats:read")).over_all()
        return answer(await stats.read())

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
            "GET",
            "/v1/admin/dead-letters",
            list_parked,
            "Work that failed its last try",
            response=DeadLetters,
            policy="admin",
            permission="dead-letters:read",
            query={"limit": "items a page", "cursor": "next_cursor of the page before"},
            problems=("invalid",),
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
