"""`bench startup`: from `checkout up` to the first order: on an empty data folder, again on it, and uninstalled (V11)."""

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import aiohttp
from msgspec import Struct

from bench.load.shapes import purchase
from bench.measure.processes import Usage, since_birth
from bench.measure.targets import judged
from bench.problem import BenchError
from bench.report.progress import Say
from bench.report.result import Chart, Figure, Line, Result, Table, this_machine
from bench.shop.floor import bare_per_s
from bench.shop.own import OwnShop
from checkout.audit.model import Report as AuditReport
from checkout.audit.prove import audit

_SKU = "TEE-BLACK-M"
_LOOK_S = 0.02
_PAID_S = 30.0
_COLD_S = 900.0
_SETTLE_S = 10.0
_PROJECT = Path(__file__).parents[2]


class Startup(Struct, frozen=True):
    """What is asked for. Shape: `cold` installs a copy of the project first, with empty caches; it needs the network."""

    runs: int = 3
    processes: int = 2
    cold: bool = False


class Phases(Struct, frozen=True):
    """Seconds since the command. Shape: `paid`: the first order, through relay, broker, worker and provider."""

    answers: float
    ready: float
    order: float
    paid: float


async def run_startup(asked: Startup, say: Say) -> Result:
    """The whole run. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    say("bare server")
    bare = await bare_per_s(asked.processes)
    fresh, again = [], []
    report: AuditReport | None = None
    usage: list[Usage] = []
    for run in range(1, asked.runs + 1):
        shop = OwnShop(processes=asked.processes)
        try:
            say(f"first start {run} of {asked.runs}")
            fresh.append(await _started(shop))
            usage = since_birth(shop.roots, fresh[-1].paid)
            report = await audit(shop.settings, wait_s=_SETTLE_S)
            await shop.stop()
            say(f"second start {run} of {asked.runs}")
            again.append(await _started(shop))
        finally:
            await shop.stop()
            shop.remove()
    cold = await _cold(asked, say) if asked.cold else None
    kinds = [("first start", fresh), ("second start", again), *([("uninstalled", [cold])] if cold else [])]
    middle = {name: _median(phases) for name, phases in kinds}
    return Result(
        scenario="startup",
        title="Startup: from the command to the first order",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={"runs": str(asked.runs), "processes": str(asked.processes), "cold": str(asked.cold).lower()},
        machine=machine,
        tables=[_table(kinds)],
        charts=[_chart(middle)],
        facts=[(f"{phases.order:.2f} s", f"to the first order, {name}") for name, phases in middle.items()],
        verdicts=[
            judged("V11 warm", middle["first start"].order),
            *([judged("V11 cold", cold.order)] if cold else []),
        ],
        figures=[
            Figure(f"{name} to first order", phases.order, "time", True) for name, phases in middle.items()
        ],
        usage=usage,
        bare_per_s=bare,
        audit=report,
    )


async def _started(shop: OwnShop) -> Phases:
    """Starts the shop, and buys as soon as it is possible. Raises: BenchError."""
    began = time.monotonic()
    starting = asyncio.create_task(shop.start())
    watching = asyncio.create_task(_watch(shop.url, began))
    try:
        await asyncio.wait([starting, watching], return_when=asyncio.FIRST_EXCEPTION)
        await starting
        return await asyncio.wait_for(watching, _PAID_S)
    except TimeoutError as error:
        raise BenchError(f"the first order was not paid within {_PAID_S:.0f} s of the start") from error
    finally:
        watching.cancel()


async def _watch(url: str, began: float) -> Phases:
    """Asks fifty times a second. Units: seconds since `began`."""
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout) as client:
        answers = await _until(client, f"{url}/healthz", (200,), began)
        ready = await _until(client, f"{url}/readyz", (200,), began)
        key = uuid.uuid4().hex
        while True:
            headers = {"Idempotency-Key": key}
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with client.post(
                    f"{url}/v1/checkouts", json=purchase([_SKU], key), headers=headers
                ) as response:
                    document = await response.json(content_type=None)
                    if response.status == 201:
                        break
            await asyncio.sleep(_LOOK_S)
        order = time.monotonic() - began
        seen = {"Authorization": f"Bearer {document['access_token']}"}
        path = f"{url}/v1/orders/{document['order']['id']}"
        while True:
            async with client.get(path, headers=seen) as response:
                status = (await response.json(content_type=None))["status"]
            if status not in ("placed", "action_required"):
                break
            await asyncio.sleep(_LOOK_S)
    return Phases(*(round(s, 3) for s in (answers, ready, order, time.monotonic() - began)))


async def _until(client: aiohttp.ClientSession, url: str, wanted: Sequence[int], began: float) -> float:
    while True:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with client.get(url) as response:
                if response.status in wanted:
                    return time.monotonic() - began
        await asyncio.sleep(_LOOK_S)


async def _cold(asked: Startup, say: Say) -> Phases:
    """`make up` in a copy of the project that has nothing installed. Raises: BenchError."""
    folder = Path(tempfile.mkdtemp(prefix="checkout-cold-"))
    try:
        say("copying the project")
        await asyncio.to_thread(_copy, folder / "project")
        more = {"UV_CACHE_DIR": str(folder / "cache")}
        command = ("make", "-s", "-C", str(folder / "project"), "up")
        shop = OwnShop(
            processes=asked.processes, folder=folder / "shop", more=more, command=command, start_s=_COLD_S
        )
        try:
            say("installing it, and starting")
            return await _started(shop)
        finally:
            await shop.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(target: Path) -> None:
    """What is under version control. Raises: BenchError."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=_PROJECT, capture_output=True, check=False)
    if listed.returncode:
        raise BenchError(
            "a cold start is measured on a copy of what is under version control; there is none here"
        )
    for name in listed.stdout.decode().split("\0"):
        if name and (_PROJECT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(_PROJECT / name, target / name)


def _median(phases: Sequence[Phases]) -> Phases:
    return Phases(
        *(
            round(median(getattr(one, name) for one in phases), 3)
            for name in ("answers", "ready", "order", "paid")
        )
    )


def _table(kinds: Sequence[tuple[str, list[Phases]]]) -> Table:
    rows = [
        [f"{name}, {number}", *(f"{s:.2f}" for s in (one.answers, one.ready, one.order, one.paid))]
        for name, phases in kinds
        for number, one in enumerate(phases, 1)
    ]
    return Table(
        "Seconds from the command", ["Start", "answers", "ready", "first order", "first payment"], rows
    )


def _chart(middle: dict[str, Phases]) -> Chart:
    steps: list[tuple[str, Callable[[Phases], float]]] = [
        ("to an answer", lambda one: one.answers),
        ("to ready", lambda one: one.ready - one.answers),
        ("to the first order", lambda one: one.order - one.ready),
        ("to its payment", lambda one: one.paid - one.order),
    ]
    lines: list[Line] = [Line(name, [round(step(one), 3) for one in middle.values()]) for name, step in steps]
    return Chart("From the command, median", "s", [], lines, "bars", list(middle))
