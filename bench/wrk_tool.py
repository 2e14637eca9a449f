"""wrk, the load tool of ceilings: a closed loop with so many connections, its answer as figures."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.run import Run
from bench.shop import BenchError

_SCRIPTS = Path(__file__).parent / "wrk"
_TAG = "JSON "


def available() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


async def run_wrk(
    url: str, script: str, arguments: Sequence[str], *, connections: int, seconds: float, threads: int = 1
) -> Run:
    """One run. Raises: BenchError with wrk's own words when it fails."""
    with tempfile.TemporaryDirectory(prefix="checkout-wrk-") as folder:
        whole = Path(folder) / f"{script}.lua"
        whole.write_text((_SCRIPTS / "frame.lua").read_text() + (_SCRIPTS / f"{script}.lua").read_text())
        process = await asyncio.create_subprocess_exec(
            "wrk",
            f"-t{threads}",
            f"-c{connections}",
            f"-d{seconds:.0f}s",
            "--latency",
            "--timeout",
            "10s",
            "-s",
            str(whole),
            url,
            "--",
            *arguments,
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
    told = msgspec.json.decode(line.removeprefix(_TAG), type=dict[str, float])
    return Run(
        tool="wrk",
        requests_per_s=round(told["requests"] / (told["duration_us"] / 1e6), 1),
        p50_ms=told["p50_us"] / 1000,
        p90_ms=told["p90_us"] / 1000,
        p99_ms=told["p99_us"] / 1000,
        max_ms=told["max_us"] / 1000,
        requests=int(told["requests"]),
        ok=int(told["requests"] - told["status"]),
        refused=int(told["status"]),
        broken=int(told["connect"] + told["read"] + told["write"] + told["timeout"]),
    )
