"""A crowd of Locust's shoppers, in processes of their own: started, watched, added up."""

import asyncio
import math
import sys
import tempfile
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.load import recording
from bench.load.plan import Plan
from bench.load.recording import Recorded
from bench.measure.processes import Sampler, Usage
from bench.problem import BenchError
from bench.report.progress import Say
from bench.shop.own import free_port

# Each has a connection, and geventhttpclient asks `select` whether one is alive: beyond the 1,024th file that says no, and
# every request would open a connection anew.
USERS_PER_PROCESS = 900
_FILE = Path(__file__).with_name("locustfile.py")
_STOP_S = 5
_OVERTIME_S = 60.0


class Seen(Struct, frozen=True):
    """What the crowd saw. Shape: `samples` second by second, by process kind; `orders`: ids that were answered with 201."""

    recorded: Recorded
    samples: list[list[Usage]]
    orders: list[str]


def processes_for(users: int) -> int:
    """How many load processes so many users need: Locust's own cost is the bound."""
    return max(1, math.ceil(users / USERS_PER_PROCESS))


async def send_crowd(plan: Plan, say: Say, *, roots: dict[int, str], processes: int = 0) -> Seen:
    """Runs the crowd to its end; `processes` 0 is as many as needed. Raises: BenchError when a load process fails."""
    count = processes or processes_for(plan.users)
    with tempfile.TemporaryDirectory(prefix="checkout-crowd-") as name:
        folder = Path(name)
        told = folder / "plan.json"
        told.write_bytes(msgspec.json.encode(plan))
        port = str(free_port())
        several = ["--processes", str(count), "--master-bind-port", port, "--master-port", port]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "locust", "-f", str(_FILE), "--host", plan.url),
            *("--headless", "--only-summary", "--skip-log-setup", "--exit-code-on-error", "0"),
            *(
                "--users",
                str(plan.users),
                "--spawn-rate",
                f"{max(1.0, plan.users / max(plan.ramp_s, 1.0)):g}",
            ),
            *(
                "--run-time",
                f"{math.ceil(plan.ramp_s + plan.steady_s + _OVERTIME_S)}s",
                "--stop-timeout",
                str(_STOP_S),
            ),
            *("--plan", str(told), "--out", str(folder)),
            *(several if count > 1 else ()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        whole_s = plan.ramp_s + plan.steady_s
        try:
            async with Sampler({**roots, process.pid: "generator"}) as sampler:
                ending = asyncio.create_task(process.communicate())
                loop = asyncio.get_running_loop()
                began = loop.time()
                while not ending.done() and loop.time() - began < whole_s + _OVERTIME_S:
                    await asyncio.wait([ending], timeout=1.0)
                    say.move(min(loop.time() - began, whole_s), whole_s)
                if not ending.done():
                    ending.cancel()
                    raise BenchError("the load processes did not end in time")
                said = ending.result()[1].decode(errors="replace")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return _added_up(folder, count, process.returncode or 0, said, sampler.samples)


def _added_up(folder: Path, count: int, code: int, said: str, samples: list[list[Usage]]) -> Seen:
    """What all load processes left. Raises: BenchError when one left nothing."""
    results = sorted(folder.glob("result-*.json"))
    if code or len(results) < count:
        raise BenchError(f"{count - len(results)} of {count} load processes failed:\n{said[-1500:]}")
    return Seen(
        recording.merge([recording.read(path) for path in results]),
        samples,
        [line for path in sorted(folder.glob("orders-*.txt")) for line in path.read_text().split()],
    )
