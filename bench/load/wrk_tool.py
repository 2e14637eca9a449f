"""wrk, the load tool of ceilings: a closed loop, or so many requests a second; its answer as figures."""

import asyncio
import contextlib
import random
import shutil
import tempfile
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.load.run import Run
from bench.load.shapes import SCRIPTS, Shape
from bench.problem import BenchError

_FOLDER = Path(__file__).parent / "wrk"
_TAG = "JSON "


class _Told(Struct):
    """What frame.lua writes. Units: microseconds."""

    duration_us: float
    requests: int
    max_us: float
    connect: int
    read: int
    write: int
    timeout: int
    status: int
    percentiles: list[tuple[float, float]]


def _read(script: str) -> str:
    return (_FOLDER / f"{script}.lua").read_text()


def available() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


async def run_wrk(
    url: str, shape: Shape, *, connections: int, seconds: float, threads: int = 1, rate_per_s: float = 0.0
) -> Run:
    """One run. Raises: BenchError with wrk's own words when it fails.

    Shape: at a rate, requests are due whether or not earlier ones were answered, as long as one of the connections is free;
    their times count from when they were sent.
    """
    script = SCRIPTS[shape.kind]
    pace = f"interval_ms = {1000 * threads / rate_per_s}\n{_read('pace')}" if rate_per_s else ""
    with tempfile.TemporaryDirectory(prefix="checkout-wrk-") as folder:
        whole, values = Path(folder) / f"{script}.lua", Path(folder) / "values.txt"
        whole.write_text(_read("frame") + _read(script) + pace)
        values.write_text("\n".join(shape.values))
        last = {"bare_post": "POST", "bare_get": "GET"}.get(shape.kind, str(shape.lines))
        process = await asyncio.create_subprocess_exec(
            "wrk",
            f"-t{threads}",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "--latency",
            "--timeout",
            "10s",
            "-s",
            str(whole),
            url,
            "--",
            shape.run_id,
            str(random.randrange(1_000_000)),
            str(values),
            last,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output = (await process.communicate())[0].decode(errors="replace")
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    return parse(output)


def parse(output: str) -> Run:
    """The figures that `done` in frame.lua wrote. Raises: BenchError when there are none."""
    line = next((line for line in output.splitlines() if line.startswith(_TAG)), None)
    if line is None:
        raise BenchError(f"wrk did not finish:\n{output[-800:]}")
    told = msgspec.json.decode(line.removeprefix(_TAG), type=_Told)
    ms = {percent: us / 1000 for percent, us in told.percentiles}
    return Run(
        tool="wrk",
        requests_per_s=round(told.requests / (told.duration_us / 1e6), 1),
        p50_ms=ms[50],
        p90_ms=ms[90],
        p99_ms=ms[99],
        p999_ms=ms[99.9],
        max_ms=told.max_us / 1000,
        requests=told.requests,
        ok=told.requests - told.status,
        refused=told.status,
        broken=told.connect + told.read + told.write + told.timeout,
        elapsed_s=told.duration_us / 1e6,
        distribution=sorted(ms.items()),
    )
