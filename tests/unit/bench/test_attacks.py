"""Overload, dribblers and crowds of connections, against small servers: what is timed, and what is judged."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bench.load.dribble import Asked, dribble, ways
from bench.load.probe import Probe, Sample, percentile_ms, probing, recovered_after_s
from bench.load.run import Run
from bench.load.shapes import Shape, get
from bench.measure.answers import Answers
from bench.measure.row import Measured, Plan
from bench.scenarios.connections import Connections, unserved
from bench.scenarios.overload import Offered, found


def run(*, ok: int, refused: int = 0, broken: int = 0) -> Run:
    """A run of ten seconds."""
    requests = ok + refused
    return Run("generator", requests / 10, 1, 1, 1, 1, requests, ok, refused, broken, elapsed_s=10.0)


def samples(*statuses: int, ms: float = 5.0, from_s: float = 0.0) -> list[Sample]:
    """Probes, ten a second."""
    return [Sample(from_s + number / 10, ms, status) for number, status in enumerate(statuses)]


def test_recovered_is_from_when_all_buy_as_before() -> None:
    """A failure means that a shop which still refuses or is still slow is told as recovered."""
    after = [*samples(201, 503, from_s=10), *samples(201, 201, 201, from_s=10.2)]
    assert recovered_after_s(after, since_s=10, usual_ms=6, window=3) == pytest.approx(0.2)
    assert recovered_after_s(after, since_s=10, usual_ms=6, window=4) is None
    assert recovered_after_s(after, since_s=10, usual_ms=4, window=1) is None
    assert recovered_after_s([], since_s=10, usual_ms=4, window=1) is None


def test_percentiles_of_few_probes_are_nearest_ranks() -> None:
    """A failure means that the slowest of a hundred refusals decides their p99, or that none of them does."""
    some = [Sample(0, float(ms), 503) for ms in range(1, 101)]
    assert [percentile_ms(some, percent) for percent in (50, 99, 99.9, 100)] == [50, 99, 100, 100]
    assert percentile_ms([], 99) == 0


def test_an_overload_is_judged_by_what_was_placed_and_by_probes() -> None:
    """A failure means that refusals count as goodput, or that half an overload passes as a whole one."""
    plan = Plan("peak", "peak", Shape("express"), 201)
    peak = Measured(plan, run(ok=1000), [], 1000, 0, 0)
    probe = Probe("http://shop", lambda _number: b"")
    probe.samples = [
        *samples(*[201, 503] * 50, from_s=100),
        *samples(*[503] * 10, ms=300.0, from_s=110),
        *samples(*[201] * 60, from_s=111),
    ]

    def offered(requests: int) -> Offered:
        answers = Answers({201: 850, 503: requests - 850}, {"overloaded": requests - 850})
        return Offered(run(ok=850, refused=requests - 850), answers, 850, [], 100.0, 110.0)

    whole = found(3.0, (peak, peak), offered(3000), probe, samples(*[201] * 30))
    assert {verdict.name: (verdict.value, verdict.ok) for verdict in whole.verdicts} == {
        "T12 goodput": (0.85, True),
        "T12 refusals": (5.0, True),
        "T12 recovery": (1.0, True),
    }
    assert whole.problems == []
    assert (whole.row.good, whole.row.shed, whole.row.failed) == (850, 2150, 0)
    half = found(3.0, (peak, peak), offered(2000), probe, samples(*[201] * 30))
    assert half.problems == ["only 2.00 times the peak were offered, not 3"]
    probe.samples += samples(0, 0, ms=10_000.0, from_s=105)
    silent = found(3.0, (peak, peak), offered(3000), probe, samples(*[201] * 30))
    assert [verdict.ok for verdict in silent.verdicts] == [True, False, True]
    del probe.samples[-2:]
    faster = Measured(plan, run(ok=1500), [], 1500, 0, 0)
    moved = found(3.0, (peak, faster), offered(3000), probe, samples(*[201] * 30))
    assert moved.verdicts[0].value == 0.68
    assert moved.problems == [
        "the peak moved by +50% from first to last: run it again when the machine is quiet"
    ]
    never = found(3.0, (peak, peak), offered(3000), probe, samples(*[201] * 30, ms=1.0))
    assert [verdict.ok for verdict in never.verdicts] == [True, True, False]


def test_nobody_unserved_is_left_out() -> None:
    """A failure means that T14 passes while requests fail or idle connections are cut off."""
    assert unserved(run(ok=5), run(ok=5), 0) == 0
    assert unserved(run(ok=5, refused=1), run(ok=5, broken=2), 4) == 7
    assert Connections(active=1_000).buyers == 300


@contextlib.asynccontextmanager
async def server(close_after_s: float) -> AsyncIterator[str]:
    """Takes connections, says nothing, and closes each after a while."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(close_after_s):
                while await reader.read(1024):
                    pass
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    made = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with made:
        yield f"http://127.0.0.1:{made.sockets[0].getsockname()[1]}"
        await asyncio.gather(*serving)


async def test_dribblers_come_back_and_are_timed() -> None:
    """A failure means that dribblers are fewer than asked for after the first were closed, or that nobody is timed."""
    async with server(0.4) as url:
        seen = await asyncio.to_thread(dribble, Asked(url, 32, 1.5))
    assert seen.most_open == 32
    assert seen.closed >= 32
    assert seen.opened > seen.closed
    assert seen.refused == 0
    assert 0.3 < seen.longest_s["half a line"] < 1.5


async def test_who_is_never_closed_counts() -> None:
    """A failure means that a server which closes nobody has closed everybody in no time."""
    async with server(2.0) as url:
        seen = await asyncio.to_thread(dribble, Asked(url, 8, 1.0))
    assert seen.closed == 0
    assert seen.longest_s["a head"] > 0.7


def test_every_way_begins_with_something_and_counts_from_it() -> None:
    """A failure means that a way of dribbling sends nothing, or is never timed."""
    assert len({way.name for way in ways()}) == 8
    assert all(way.parts[0] and way.counts_from < len(way.parts) for way in ways())


async def test_probes_keep_their_rate_while_one_waits() -> None:
    """A failure means that one slow answer keeps the next probes back, so that a stall is seen by one of them only."""
    waiting, numbers = asyncio.Event(), iter(range(1000))

    async def answer(_request: web.Request) -> web.Response:
        if next(numbers) == 0:
            await waiting.wait()
        return web.Response(status=503 if next(numbers) % 4 else 201)

    app = web.Application()
    app.add_routes([web.get("/", answer)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with probing(url, lambda _number: get("/"), rate_per_s=50) as probe:
        await asyncio.sleep(0.5)
        answered = len(probe.samples)
        waiting.set()
    await runner.cleanup()
    assert answered >= 10
    assert {sample.status for sample in probe.samples} <= {201, 503}
    first = min(probe.samples, key=lambda sample: sample.at_s)
    assert first.ms == max(sample.ms for sample in probe.samples) > 300


async def test_a_probe_is_sent_again_when_its_connection_was_closed() -> None:
    """A failure means that a server which closes who was idle for long is told to have left a probe without an answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    made = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with made:
        probe = Probe(f"http://127.0.0.1:{made.sockets[0].getsockname()[1]}", lambda _number: get("/"))
        for _ in range(3):
            await probe.one()
            await asyncio.sleep(0.05)
        probe.close()
    assert [sample.status for sample in probe.samples] == [201, 201, 201]
