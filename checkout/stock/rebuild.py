"""Rebuilds a gate that was lost, restored or replaced: counters from Postgres in chunks, the epoch last.

Orders go on meanwhile, straight to Postgres. What commits between the reading of a counter and the opening leaves the
counter too high: Postgres refuses the surplus, and the suspects that such orders leave are repaired at once.
"""

import asyncio
import contextlib
import secrets

import structlog

from checkout.errors import Unavailable
from checkout.kit.crash import crash_point
from checkout.kit.db import PostgresError
from checkout.kit.lane import Arg, ReplyError
from checkout.stock.gate import BUILD, EPOCH, HOLDS, LOAD, OPEN, OPEN_CLAIMS, STOCK, Gate
from checkout.stock.store import StockStore
from config import limits

log = structlog.get_logger()
_IN_FLIGHT_CHUNKS = 8
_BUILD_TTL_S = 60


async def rebuild(gate: Gate, store: StockStore) -> bool:
    """Makes the gate tell the truth again, unless it does or another process is at it. True when this call opened it.

    Raises: Unavailable. Retry: safe at any point; a rebuild that was overtaken writes nothing more.
    Cost: one read and one write per REBUILD_CHUNK items.
    """
    async with store.rebuilding() as right:
        if right is None or await gate.refresh():
            return False
        lane, token = gate.lane, secrets.token_hex(8)
        await lane.call(b"DEL", EPOCH)
        epoch = await right.next_epoch()
        await lane.call(b"SET", BUILD, token, b"EX", _BUILD_TTL_S)
        await lane.call(b"UNLINK", STOCK, OPEN_CLAIMS, HOLDS)
        last, count = 0, 0
        sent: list[asyncio.Future[object]] = []
        while chunk := await right.counters_after(last, limits.REBUILD_CHUNK):
            args: list[Arg] = [token]
            for item in chunk:
                args += item
            sent.append(lane.script(LOAD, (BUILD, STOCK), tuple(args)))
            last, count = chunk[-1][0], count + len(chunk)
            if len(sent) >= _IN_FLIGHT_CHUNKS and not await sent.pop(0):
                return False
        if not all(await asyncio.gather(*sent)):
            return False
        crash_point("rebuild.before_open")
        if not await lane.script(OPEN, (BUILD, EPOCH), (token, epoch)):
            return False
        crash_point("rebuild.after_open")
        await right.built(epoch, gate.run_id)
    opened = await gate.refresh()
    log.info("gate rebuilt", epoch=epoch, items=count, open=opened)
    return opened


async def keep_open(gate: Gate, store: StockStore, *, interval_s: float = 0.1) -> None:
    """Runs for ever in every process that uses the gate: closed and reachable → agree, or rebuild."""
    look = 0
    while True:
        await asyncio.sleep(interval_s)
        look += 1
        with contextlib.suppress(Unavailable, ReplyError, PostgresError):
            if not gate.lane.is_up:
                continue
            if not gate.epoch:
                if not await gate.refresh():
                    await rebuild(gate, store)
            elif look % 50 == 0:
                await gate.refresh()
