"""`bench import`: a catalogue file comes in while shoppers read and buy: how fast is it, and do they notice?"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import Struct, field

from bench.load.shapes import purchase
from bench.measure.processes import Sampler
from bench.measure.targets import judged
from bench.problem import BenchError
from bench.report.crowd import usage_charts
from bench.report.progress import Say
from bench.report.result import Figure, Result, Row, this_machine
from bench.shop.catalogue_file import write_catalogue
from bench.shop.own import OwnShop, own_shop
from bench.shop.store import stock_up
from checkout.audit.prove import audit

_PASSWORD = "a benchmark's own password"
_READS_PER_S, _BUYS_PER_S = 100, 10
_LOOK_S = 0.25
_SETTLE_S = 60.0


class Imports(Struct, frozen=True):
    """What is asked for. Units: rows of the file; seconds of quiet before."""

    rows: int = 100_000
    quiet_s: float = 10.0
    processes: int = 2


class _Told(Struct):
    """Answers of one kind. Units: ms, timed from when each was due."""

    name: str
    what: str
    ms: list[float] = field(default_factory=list)
    failed: int = 0

    def row(self, elapsed_s: float) -> Row:
        """As a row."""
        ordered = sorted(self.ms) or [0.0]

        def at(share: float) -> float:
            return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)

        good = len(self.ms)
        return Row(self.name, self.what, round(good / elapsed_s, 1), good + self.failed, good, failed=self.failed,
                   p50_ms=at(0.5), p90_ms=at(0.9), p99_ms=at(0.99), p999_ms=at(0.999), max_ms=at(1.0))  # fmt: skip


async def run_imports(asked: Imports, say: Say) -> Result:
    """The whole run, on a shop of its own with workers. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    more = {"CHECKOUT_ADMIN_EMAIL": "admin@example.com", "CHECKOUT_ADMIN_PASSWORD": _PASSWORD}
    say("starting a shop")
    async with own_shop(processes=asked.processes, more=more) as shop, aiohttp.ClientSession() as client:
        skus, _ = await stock_up(shop.settings.database_url, units=1_000_000)
        file = shop.folder / "catalogue.csv"
        products = await asyncio.to_thread(write_catalogue, file, asked.rows)
        headers = await _sign_in(client, shop)
        say(f"{asked.quiet_s:.0f} s of shoppers alone")
        quiet = [_Told("read, quiet", "product reads"), _Told("buy, quiet", "express checkouts")]
        await _shop_for(client, shop, skus, quiet, asyncio.create_task(asyncio.sleep(asked.quiet_s)))
        say(f"importing {asked.rows:,} rows")
        busy = [
            _Told("read", "product reads, during the import"),
            _Told("buy", "checkouts, during the import"),
        ]
        async with Sampler(shop.roots) as sampler:
            importing = asyncio.create_task(_import(client, shop, file, headers, say))
            await _shop_for(client, shop, skus, busy, importing)
        job, sent_s = importing.result()
        took_s = _seconds(job["started_at"], job["finished_at"])
        say("audit")
        report = await audit(shop.settings, wait_s=_SETTLE_S, on_step=lambda step: say(f"audit: {step}"))
    usage = sampler.whole()
    peak = max(
        (one.memory_mib for sample in sampler.samples for one in sample if one.role == "work"), default=0.0
    )
    per_s = job["rows_done"] / took_s
    return Result(
        scenario="import",
        title=f"Import: a file of {asked.rows:,} rows",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={"rows": str(asked.rows), "processes": str(asked.processes)},
        machine=machine,
        rows=[*(told.row(asked.quiet_s) for told in quiet), *(told.row(took_s) for told in busy)],
        charts=usage_charts(sampler.samples),
        facts=[
            (
                f"{took_s:,.1f} s",
                f"{job['rows_done']:,} rows, {products:,} products, from first to last commit",
            ),
            (f"{per_s:,.0f}/s", "rows written"),
            (f"{sent_s:,.1f} s", f"to send the file, {job['bytes_total'] / 1e6:,.1f} MB"),
            (f"{peak:,.0f} MB", "memory of the workers at most"),
        ],
        verdicts=[judged("import", 100_000 / per_s)],
        figures=[
            Figure("rows a second", per_s, "rate"),
            Figure("worker memory", peak, "memory", less_is_better=True),
        ],
        usage=usage,
        problems=[f"{told.what}: {told.failed:,} failed" for told in (*quiet, *busy) if told.failed]
        + [f"the import ended as {job['status']}: {job['error']}"] * (job["status"] != "done")
        + [f"{job['rows_failed']} rows failed"] * bool(job["rows_failed"]),
        audit=report,
    )


async def _sign_in(client: aiohttp.ClientSession, shop: OwnShop) -> dict[str, str]:
    asked = {"email": "admin@example.com", "password": _PASSWORD}
    async with client.post(f"{shop.url}/v1/sessions", json=asked) as answer:
        document = await answer.json()
        if "access_token" not in document:
            raise BenchError(f"the admin cannot sign in: {document.get('detail')}")
        return {"Authorization": f"Bearer {document['access_token']}"}


async def _import(
    client: aiohttp.ClientSession, shop: OwnShop, file: Path, headers: dict[str, str], say: Say
) -> tuple[dict[str, Any], float]:
    """(the job as it ended, seconds to send its file)."""
    began = time.monotonic()
    with file.open("rb") as content:
        async with client.post(
            f"{shop.url}/v1/admin/imports", data=content, headers={**headers, "Content-Type": "text/csv"}
        ) as answer:
            job = await answer.json()
            if answer.status != 202:
                raise BenchError(f"the import was refused: {job}")
    sent_s = time.monotonic() - began
    while job["status"] in ("queued", "running"):
        await asyncio.sleep(_LOOK_S)
        async with client.get(f"{shop.url}/v1/admin/imports/{job['id']}", headers=headers) as answer:
            job = await answer.json()
        say.move(job["rows_done"], job["rows_total"])
    return job, sent_s


async def _shop_for(
    client: aiohttp.ClientSession,
    shop: OwnShop,
    skus: Sequence[str],
    told: Sequence[_Told],
    until: "asyncio.Task[Any]",
) -> None:
    """Reads and buys at fixed rates until the task is done."""
    reads, buys = told
    async with client.get(f"{shop.url}/v1/products?limit=100") as answer:
        slugs = [item["slug"] for item in (await answer.json())["items"]]
    tasks: set[asyncio.Task[None]] = set()
    began, number = time.perf_counter(), 0
    while not until.done():
        due = began + number / _READS_PER_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        started = [
            _one(client, reads, due, "GET", f"{shop.url}/v1/products/{slugs[number % len(slugs)]}", 200)
        ]
        if number % (_READS_PER_S // _BUYS_PER_S) == 0:
            key = f"{told[0].name.replace(', ', '-')}-{number}"
            started.append(
                _one(client, buys, due, "POST", f"{shop.url}/v1/checkouts", 201, key, purchase(skus[:2], key))
            )
        tasks |= {asyncio.create_task(one) for one in started}
        tasks -= {task for task in tasks if task.done()}
        number += 1
    await asyncio.gather(*tasks)


async def _one(
    client: aiohttp.ClientSession,
    told: _Told,
    due: float,
    method: str,
    url: str,
    good: int,
    key: str = "",
    body: Any = None,
) -> None:
    headers = {"Idempotency-Key": key.replace(" ", "-").replace(",", "")} if key else {}
    async with client.request(method, url, json=body, headers=headers) as answer:
        await answer.read()
        if answer.status == good:
            told.ms.append((time.perf_counter() - due) * 1000)
        else:
            told.failed += 1


def _seconds(first: str, last: str) -> float:
    return max(0.001, (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds())
