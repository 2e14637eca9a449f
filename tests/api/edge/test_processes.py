"""`checkout serve` as a process manager sees it: two processes of one port, their numbers, their end."""

import asyncio
import os
import signal
import time
from pathlib import Path

import aiohttp
import asyncpg
from prometheus_client.parser import text_string_to_metric_families

from tests.api.edge.process import Serving, serving
from tests.api.edge.wire import exchange, post, wire
from tests.shop import ADDRESS, Stores

CATEGORIES = 'checkout_http_requests_total{route="GET /v1/categories",status="200"}'
PURCHASE = {
    "email": "ada@example.com",
    "currency": "EUR",
    "lines": [{"sku": "MUG-CLASSIC", "quantity": 1}],
    "shipping_address": ADDRESS,
    "payment": {"provider": "stripe", "method": "pm_card_visa"},
}


async def numbers(client: aiohttp.ClientSession) -> dict[str, float]:
    """Every series of /metrics, as Prometheus reads it."""
    async with client.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = await answer.text()
    return {
        sample.name
        + "{"
        + ",".join(f'{k}="{v}"' for k, v in sorted(sample.labels.items()))
        + "}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def ask_anew(url: str, count: int) -> None:
    """Asks for the categories, each time over a connection of its own."""
    raw = b"GET /v1/categories HTTP/1.1\r\nHost: shop\r\n\r\n"
    answers = await asyncio.gather(*(exchange(url, raw) for _ in range(count)))
    assert [a and a.status for a in answers] == [200] * count


async def test_any_process_tells_the_numbers_of_all(server: Serving) -> None:
    """If this fails, Prometheus sees one process's part at a time, and every rate is a lottery."""
    async with aiohttp.ClientSession(server.url) as client:
        before = await numbers(client)
        files = {
            path: path.read_bytes() for path in (server.settings.data_dir / "metrics").glob("serve-*.json")
        }
        assert len(files) == 2
        await ask_anew(server.url, 60)
        wanted = before.get(CATEGORIES, 0) + 60
        async with asyncio.timeout(10):
            while (after := await numbers(client)).get(CATEGORIES) != wanted:
                assert after.get(CATEGORIES, 0) < wanted, "counted twice"
                await asyncio.sleep(0.1)
        # Each question may be answered by either process: all tell the same.
        assert {(await numbers(client))[CATEGORIES] for _ in range(6)} == {wanted}
    route = 'route="GET /v1/categories"'
    count = f"checkout_http_request_seconds_count{{{route}}}"
    assert after[count] - before.get(count, 0) == 60
    buckets = [
        v for k, v in after.items() if k.startswith("checkout_http_request_seconds_bucket{") and route in k
    ]
    assert buckets == sorted(buckets)
    assert buckets[-1] == after[count]
    resident = after['checkout_process_resident_bytes{kind="serve"}']
    assert resident > 2 * 20e6
    shares = [path.read_bytes() for path in files]
    assert all(b'"GET /v1/categories","200"' in share for share in shares), "one process got all connections"


async def test_a_dead_process_is_replaced_and_what_it_counted_stays(stores: Stores, tmp_path: Path) -> None:
    """If this fails, one crash halves a node for good, or a counter falls and every rate shows a spike."""
    settings = await stores.fresh_settings(data_dir=tmp_path / "data")
    with serving(settings, tmp_path / "serve.log", processes=2) as started:
        async with aiohttp.ClientSession(started.url) as client:
            await ask_anew(started.url, 20)
            async with asyncio.timeout(10):
                while (await numbers(client)).get(CATEGORIES) != 20:
                    await asyncio.sleep(0.1)
            first = started.pids()
            os.kill(first[0], signal.SIGKILL)
            async with asyncio.timeout(15):
                while started.log.read_text().count('"event":"serving"') < 3:
                    await asyncio.sleep(0.02)
        assert first[1] in started.pids()
        async with aiohttp.ClientSession(started.url) as client:
            after = await numbers(client)
        assert after[CATEGORIES] == 20
        await _drains(started, settings.database_url)


async def _drains(started: Serving, database_url: str) -> None:
    """SIGTERM with requests under way: they are finished, nothing new is taken, all processes end with status 0."""
    blocker, watcher = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    lock = blocker.transaction()
    await lock.start()
    await blocker.execute(
        "SELECT FROM stock JOIN variants USING (item_id) WHERE sku = 'MUG-CLASSIC' FOR UPDATE OF stock"
    )
    async with (
        aiohttp.ClientSession(started.url) as client,
        wire(started.url) as half_sent,
        wire(started.url) as idle,
    ):
        await idle.send(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert (await idle.answer()) is not None

        async def buy(number: int) -> int:
            headers = {"Idempotency-Key": f"in-flight-{number}"}
            async with client.post("/v1/checkouts", json=PURCHASE, headers=headers) as answer:
                return answer.status

        buying = [asyncio.create_task(buy(number)) for number in range(8)]
        raw = post("/v1/carts", b'{"currency":"EUR"}')
        await half_sent.send(raw[:-4])
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        async with asyncio.timeout(10):
            while not await watcher.fetchval(waiting):
                await asyncio.sleep(0.02)
        began = time.monotonic()
        started.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            while await _is_open(started):
                await asyncio.sleep(0.02)
        assert await idle.closed_after() < 5, "an idle connection held the drain up"
        await half_sent.send(raw[-4:])
        answer = await half_sent.answer()
        assert answer is not None
        assert answer.status == 201
        await lock.rollback()
        assert await asyncio.gather(*buying) == [201] * 8
    assert await asyncio.to_thread(started.process.wait, 20) == 0
    assert time.monotonic() - began < 10
    assert await watcher.fetchval("SELECT count(*) FROM orders") == 8
    assert await watcher.fetchval("SELECT count(*) FROM carts") == 1, "the last edit was not written"
    await blocker.close()
    await watcher.close()
    # The one that was killed is the only error.
    assert [line for line in started.errors() if "a serving process died" not in line] == []


async def _is_open(started: Serving) -> bool:
    try:
        async with wire(started.url):
            return True
    except ConnectionError:
        return False
