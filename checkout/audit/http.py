"""`/v1/admin/invariants`: the proof, in JSON."""

from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.audit.live import LiveAudit
from checkout.audit.model import Finding, Report
from checkout.errors import Unavailable
from checkout.kit.answer import answer
from checkout.kit.db import NOT_REACHED, PostgresError
from checkout.kit.routes import Route


class Invariants(msgspec.Struct, frozen=True):
    """What was proven, and when. Shape: `ok` only if every figure is 0. Work under way may break some for a
    moment (`outbox_unfinished`, `payments_status`, `gate_counters`): one that stays broken is a fault."""

    at: datetime
    ok: bool
    elapsed_s: float
    orders: int
    lines: int
    items: int
    findings: list[Finding]


def routes(audit: LiveAudit, *, permit: Permit) -> list[Route]:
    """The route of the invariants."""

    async def read(request: web.Request) -> web.Response:
        (await permit(request, "audit:read")).over_all()
        try:
            return answer(_told(await audit.report()))
        except (*NOT_REACHED, PostgresError) as error:
            raise Unavailable(
                "The database did not answer; try again.", code="database_away", retry_after_ms=1000
            ) from error

    return [
        Route(
            "GET",
            "/v1/admin/invariants",
            read,
            "Proves the shop's invariants, as of now or some seconds ago",
            policy="admin",
            permission="audit:read",
            response=Invariants,
            problems=("audit_running",),
            tag="admin",
        )
    ]


def _told(report: Report) -> dict[str, Any]:
    return {
        "at": report.at,
        "ok": report.ok,
        "elapsed_s": report.elapsed_s,
        "orders": report.scale.orders,
        "lines": report.scale.lines,
        "items": report.scale.items,
        "findings": [msgspec.structs.asdict(finding) for finding in report.findings],
    }
