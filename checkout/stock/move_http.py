"""`/v1/admin/stock/…`: what moves stock, each under an Idempotency-Key but the feed, which is idempotent by itself."""

import functools
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.errors import Invalid
from checkout.kit import body
from checkout.kit.answer import answer
from checkout.kit.db import Connection, Pool
from checkout.kit.ids import claim_id, fingerprint
from checkout.kit.routes import Route
from checkout.orders.http import idempotency_key
from checkout.stock import request as asked
from checkout.stock import shape
from checkout.stock.adjust import Adjustment, adjust
from checkout.stock.count import count
from checkout.stock.feed import Figure, feed
from checkout.stock.ledger import By, once
from checkout.stock.receive import receive
from checkout.stock.transfer import transfer
from config import limits

_adjustment = msgspec.json.Decoder(asked.AdjustmentRequest)
_receipt = msgspec.json.Decoder(asked.ReceiptRequest)
_transfer = msgspec.json.Decoder(asked.TransferRequest)
_count = msgspec.json.Decoder(asked.CountRequest)
_feed = msgspec.json.Decoder(asked.FeedRequest)
_KEYED = ("idempotency_key_missing", "idempotency_key_invalid", "idempotency_mismatch")

Work = Callable[[Connection, uuid.UUID, By], Awaitable[dict[str, Any]]]


def routes(pool: Pool, *, permit: Permit) -> list[Route]:
    """The routes that move stock."""

    async def keyed(
        request: web.Request,
        verb: str,
        decoder: "msgspec.json.Decoder[Any]",
        work: Callable[[Any], Work],
        status: int,
    ) -> web.Response:
        """Does the work of a verb under the request's Idempotency-Key."""
        grant = await permit(request, "stock:write")
        key = idempotency_key(request)
        raw = await body.raw(request)
        wanted = body.decode(raw, decoder)
        do = work(wanted)
        name = claim_id(f"{verb}:{grant.actor}", key)
        by = By(grant.actor, grant.owner, wanted.reason)
        done, replayed = await once(
            pool, name, fingerprint(verb.encode(), raw), lambda connection: do(connection, name, by)
        )
        response = answer(done, status=status)
        if replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    async def adjustments(request: web.Request) -> web.Response:
        def work(wanted: asked.AdjustmentRequest) -> Work:
            if (wanted.delta is None) == (wanted.on_hand is None):
                raise Invalid(
                    "Give either delta or on_hand.",
                    errors=[("delta", "give it or on_hand, not both or none")],
                )
            change = Adjustment(wanted.sku, wanted.delta, wanted.on_hand, wanted.location)
            return lambda connection, name, by: adjust(connection, name, change, by)

        return await keyed(request, "stock", _adjustment, work, 200)

    async def receipts(request: web.Request) -> web.Response:
        def work(wanted: asked.ReceiptRequest) -> Work:
            lines = _lines((line.sku, line.quantity) for line in wanted.lines)
            return lambda connection, name, by: receive(connection, name, wanted.location, lines, by)

        return await keyed(request, "receipt", _receipt, work, 201)

    async def transfers(request: web.Request) -> web.Response:
        def work(wanted: asked.TransferRequest) -> Work:
            lines = _lines((line.sku, line.quantity) for line in wanted.lines)
            origin, destination = wanted.origin, wanted.destination
            if origin == destination:
                raise Invalid("A transfer goes to another location.", field="to")
            return lambda connection, name, by: transfer(connection, name, origin, destination, lines, by)

        return await keyed(request, "transfer", _transfer, work, 201)

    async def counts(request: web.Request) -> web.Response:
        def work(wanted: asked.CountRequest) -> Work:
            lines = _lines((line.sku, line.counted) for line in wanted.lines)
            return lambda connection, name, by: count(connection, name, wanted.location, lines, by)

        return await keyed(request, "count", _count, work, 201)

    async def feeds(request: web.Request) -> web.Response:
        grant = await permit(request, "stock:write")
        wanted = await body.read(request, _feed, max_bytes=limits.STOCK_FEED_BODY_MAX_BYTES)
        latest = datetime.now(UTC) + timedelta(seconds=limits.STOCK_FEED_AHEAD_S)
        early = [f"rows[{at}].as_of" for at, row in enumerate(wanted.rows) if not _between(row.as_of, latest)]
        if early:
            raise Invalid(
                f"{early[0]}: a moment since 2000 and not in the future",
                errors=[(field, "a moment since 2000 and not in the future") for field in early],
            )
        rows = [Figure(r.sku, r.location, r.on_hand, r.as_of, r.source_id) for r in wanted.rows]
        results = await feed(pool, rows, By(grant.actor, grant.owner, "feed"))
        applied = sum(result["status"] == "applied" for result in results)
        return answer({"results": results, "applied": applied})

    writes = functools.partial(Route, "POST", policy="admin", tag="stock", permission="stock:write")
    at = "/v1/admin/stock"
    short = ("below_reserved", "location_short", *_KEYED)
    return [
        writes(f"{at}/adjustments", adjustments, "Change the stock of one SKU", request=asked.AdjustmentRequest,
               response=shape.AdjustmentAnswer, problems=short),
        writes(f"{at}/receipts", receipts, "Receive goods", request=asked.ReceiptRequest, status=201,
               response=shape.ReceiptAnswer, problems=(*short, "location_inactive")),
        writes(f"{at}/transfers", transfers, "Move units between locations", request=asked.TransferRequest,
               status=201, response=shape.TransferAnswer, problems=(*short, "location_inactive")),
        writes(f"{at}/counts", counts, "Count a location", request=asked.CountRequest, status=201,
               response=shape.CountAnswer, problems=short),
        writes(f"{at}/feed", feeds, "Take figures from an inventory system", request=asked.FeedRequest,
               response=shape.FeedAnswer),
    ]  # fmt: skip


def _lines(lines: Any) -> Sequence[tuple[str, int]]:
    """The lines as (SKU, units). Raises: Invalid when a SKU is there twice."""
    found: dict[str, int] = {}
    for at, (sku, units) in enumerate(lines):
        if sku in found:
            raise Invalid(f"lines[{at}].sku: {sku} is there twice", field=f"lines[{at}].sku")
        found[sku] = units
    return list(found.items())


def _between(moment: datetime, latest: datetime) -> bool:
    return moment.year >= 2000 and moment.year < 9999 and moment <= latest
