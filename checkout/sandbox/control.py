"""`/_sandbox/…`: the knobs, what there is, and the ledger that the audit compares with ours."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import orjson
from aiohttp import web

from checkout.sandbox.faults import Faults
from checkout.sandbox.store import Store


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


class Control:
    """The operator's side. `sweep` moves shipments on, by tracking number and status."""

    def __init__(self, store: Store, faults: Faults, move: Callable[[str, str], Awaitable[bool]]) -> None:
        self._store, self._faults, self._move = store, faults, move

    def routes(self) -> list[web.RouteDef]:
        """Knobs, state, ledger, deliveries, shipments."""
        return [
            web.get("/_sandbox/health", self._health),
            web.get("/_sandbox/knobs", self._knobs),
            web.post("/_sandbox/knobs", self._turn),
            web.delete("/_sandbox/knobs", self._reset),
            web.get("/_sandbox/state", self._state),
            web.get("/_sandbox/ledger", self._ledger),
            web.get("/_sandbox/deliveries", self._deliveries),
            web.post("/_sandbox/shipments/{number}", self._shipment),
            web.get("/_sandbox/shipments", self._shipments),
        ]

    async def _health(self, request: web.Request) -> web.Response:
        return _json({"status": "ok"})

    async def _knobs(self, request: web.Request) -> web.Response:
        return _json(msgspec.to_builtins(self._faults.knobs))

    async def _turn(self, request: web.Request) -> web.Response:
        try:
            patch = orjson.loads(await request.read() or b"{}")
            if not isinstance(patch, dict):
                return _json({"error": "an object of knobs is expected"}, 400)
            knobs = self._faults.turn(patch)
        except (orjson.JSONDecodeError, msgspec.ValidationError) as error:
            return _json({"error": str(error)}, 400)
        return _json(msgspec.to_builtins(knobs))

    async def _reset(self, request: web.Request) -> web.Response:
        self._faults.reset()
        return _json(msgspec.to_builtins(self._faults.knobs))

    async def _state(self, request: web.Request) -> web.Response:
        return _json({"counts": self._store.counts(), "totals": self._store.totals()})

    async def _ledger(self, request: web.Request) -> web.StreamResponse:
        """One JSON line an order and currency: `{order_id, currency, charges, charged, refunded, payment_intent}`; a
        charge without an order's id in its metadata is listed under its payment intent."""
        await self._store.committed()
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        for chunk in self._store.ledger():
            await response.write(b"".join(orjson.dumps(row) + b"\n" for row in chunk))
        await response.write_eof()
        return response

    async def _deliveries(self, request: web.Request) -> web.Response:
        limit = request.query.get("limit", "100")
        return _json({"items": self._store.deliveries(min(int(limit), 1000) if limit.isdigit() else 100)})

    async def _shipment(self, request: web.Request) -> web.Response:
        """`{"status": "in_transit" | "delivered" | "exception"}`: a scan, and a push to the shop."""
        try:
            body = orjson.loads(await request.read())
            done = await self._move(request.match_info["number"], str(body["status"]))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            return _json({"error": f"a status is expected: {error}"}, 400)
        return _json({"moved": done}, 200 if done else 404)

    async def _shipments(self, request: web.Request) -> web.Response:
        names = ("id", "reference", "status", "created", "receiver")
        rows = self._store.page("shipment", limit=1000)
        return _json({"items": [{name: row[name] for name in names} for row in rows]})
