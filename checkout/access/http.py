"""`/v1/admin/audit-log`: who did what, with before and after."""

from typing import Any

import orjson
from aiohttp import web

from checkout.access.access import Permit
from checkout.access.shape import LogPage
from checkout.access.store import AccessStore, LogFilter
from checkout.kit import page
from checkout.kit.answer import answer
from checkout.kit.db import Record
from checkout.kit.query import text_of, time_of
from checkout.kit.routes import Route

_QUERY = {
    "actor": "an account's id, or key: and an API key's id",
    "action": "what was done, such as role.change",
    "subject": "the id or code of what was changed",
    "from": "entries of this time and later",
    "to": "entries before this time",
    **page.QUERY,
}


def routes(store: AccessStore, *, permit: Permit) -> list[Route]:
    """The route of the audit log."""

    async def list_entries(request: web.Request) -> web.Response:
        (await permit(request, "audit-log:read")).over_all()
        wanted = LogFilter(
            actor=text_of(request, "actor"),
            action=text_of(request, "action"),
            subject=text_of(request, "subject"),
            since=time_of(request, "from"),
            until=time_of(request, "to"),
        )
        most, before = page.limit_of(request), page.cursor_of(request, int)
        rows, last = page.split(await store.log_page(wanted, before[0] if before else None, most + 1), most)
        return answer(
            {
                "items": [_entry(row) for row in rows],
                "next_cursor": page.cursor(last["id"]) if last else None,
            }
        )

    return [
        Route(
            "GET",
            "/v1/admin/audit-log",
            list_entries,
            "What admins, vendors and API keys did, newest first",
            policy="admin",
            permission="audit-log:read",
            response=LogPage,
            query=_QUERY,
            problems=("invalid",),
            tag="admin",
        )
    ]


def _entry(row: Record) -> dict[str, Any]:
    return {
        **row,
        "id": str(row["id"]),
        "before": _decoded(row["before"]),
        "after": _decoded(row["after"]),
    }


def _decoded(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)
