"""T3: kill −9 Postgres under load: the whole server, and one process of it, which makes it throw out all the others."""

import asyncio
import os
import signal
import time
from collections import Counter

import aiohttp
import asyncpg
import pytest

from tests.crash.buyers import NO_ANSWER, Buyers
from tests.crash.conftest import BreakableStores
from tests.crash.judge import judge
from tests.crash.server import serving
from tests.crash.stock import leave, plentiful

RECOVERED_WITHIN_S = 10.0
_REFUSED_AT_LEAST = 100


@pytest.mark.timeout(180)
@pytest.mark.parametrize("victim", ["server", "committer's backend"])
async def test_postgres_killed_under_load(
    stores: BreakableStores, victim: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this fails, a dead database hangs the shop, makes it promise orders that do not exist, or keeps it closed."""
    database_url, gate_url = await stores.fresh_database(), stores.fresh_gate_url()
    name = f"postgres-killed-{victim[:6]}"
    async with (
        asyncpg.create_pool(database_url, min_size=1, max_size=2) as db,
        serving(stores, name, database_url=database_url, gate_url=gate_url, processes=2) as server,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as client,
    ):
        skus = await plentiful(db, 8)
        await leave(db, skus[0], 100)
        buyers = Buyers(server.url, client, skus)
        async with buyers.burst():
            backend = await db.fetchval(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name = 'checkout-committer' LIMIT 1"
            )
            killed = time.monotonic()
            if victim == "server":
                stores.servers.kill("postgres")
                async with asyncio.timeout(RECOVERED_WITHIN_S):
                    while len(buyers.failed(killed)) < _REFUSED_AT_LEAST:
                        await asyncio.sleep(0.02)
                restarted = time.monotonic()
                await stores.start("postgres")
            else:
                restarted = killed
                os.kill(backend, signal.SIGKILL)
            await _calm_again(buyers, killed)
        await buyers.insist()
        await buyers.ask_again(50)
        await judge(buyers, db, database_url, gate_url)
    refused = buyers.failed(killed)
    # Buyers.broken, which the judge reads, holds every 5xx that is not a 503 with Retry-After.
    assert refused
    assert {one.status for one in refused} == {503}
    assert NO_ANSWER not in {one.status for one in buyers.answers}
    assert refused[-1].at - killed <= RECOVERED_WITHIN_S
    with capsys.disabled():
        codes = ", ".join(f"{count} {code}" for code, count in Counter(one.code for one in refused).items())
        print(
            f"\n  {victim} killed among {len(buyers.answers)} requests, {buyers.placed} orders; refused: {codes}; slowest "
            f"{max(one.took_s for one in refused):.2f} s; started after {restarted - killed:.2f} s, last refusal after "
            f"{refused[-1].at - killed:.2f} s"
        )


async def _calm_again(buyers: Buyers, killed: float) -> None:
    """Waits for a second of orders without a refusal. Fails when none comes."""
    until = time.monotonic() + 2 * RECOVERED_WITHIN_S
    while True:
        refused = buyers.failed(killed)
        calm_since = refused[-1].at if refused else time.monotonic()
        if time.monotonic() - calm_since >= 1 and any(
            one.at > calm_since and one.status == 201 and one.asked == "POST /v1/checkouts"
            for one in buyers.answers[-200:]
        ):
            return
        latest = Counter((one.asked[:20], one.status, one.code) for one in buyers.answers[-200:])
        assert time.monotonic() < until, (
            f"not calm: {latest}, last refusal {time.monotonic() - calm_since:.1f} s ago"
        )
        await asyncio.sleep(0.05)
