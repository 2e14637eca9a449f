"""What flood and slow share: honest checkouts at a fixed rate, first alone, then beside somebody who attacks the shop."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from msgspec import Struct

from bench.load.drive import Tool, drive
from bench.load.run import Run
from bench.load.shapes import Shape
from bench.measure.processes import Meter, Usage
from bench.measure.row import bare_row
from bench.report.progress import Say
from bench.report.result import Row
from bench.shop.afterwards import Afterwards, drain_and_audit
from bench.shop.cores import Cores, clients_on
from bench.shop.own import own_shop
from bench.shop.store import stock_up

_CONNECTIONS = 64
_WARM_S = 3.0
_T = TypeVar("_T")


class Honest(Protocol):
    """How long and how often honest buyers buy. Units: seconds of each part; checkouts a second."""

    @property
    def seconds(self) -> float: ...
    @property
    def rate_per_s(self) -> float: ...
    @property
    def processes(self) -> int: ...
    @property
    def cores(self) -> Cores: ...
    @property
    def drain_s(self) -> float: ...


class Beside(Struct, frozen=True):
    """The checkouts alone and beside, and the shop afterwards."""

    attackers: str
    alone: Run
    beside: Run
    usage: list[Usage]
    after: Afterwards

    @property
    def ratio(self) -> float:
        """p99 beside ÷ alone."""
        return self.beside.p99_ms / max(self.alone.p99_ms, 0.001)

    @property
    def rows(self) -> list[Row]:
        """Both as rows."""
        return [
            bare_row("alone", "express checkouts, alone", self.alone, []),
            bare_row("beside", f"express checkouts, beside {self.attackers}", self.beside, []),
        ]

    @property
    def fact(self) -> tuple[str, str]:
        """What became of the slowest."""
        return f"{self.alone.p99_ms:,.1f} → {self.beside.p99_ms:,.1f} ms", "p99 of checkouts"

    @property
    def problems(self) -> list[str]:
        """Why the figures do not count: a refusal's latency is not a checkout's."""
        return [
            *not_placed("alone", self.alone),
            *not_placed(f"beside {self.attackers}", self.beside),
            *self.after.problems,
        ]


async def measure_beside(
    asked: Honest, attack: Callable[[str], AbstractAsyncContextManager[_T]], attackers: str, say: Say
) -> tuple[Beside, _T]:
    """Both parts, on a shop of its own, drained and audited; and what `attack`, given the shop's URL, tells of itself.

    Shape: `attack` is in full swing once it is entered. Raises: BenchError.
    """
    tool = Tool("generator", _CONNECTIONS, asked.seconds)
    async with own_shop(processes=asked.processes, kinds=("serve",), cores=asked.cores.shop) as shop:
        skus, _ = await stock_up(shop.settings.database_url, units=1_000_000)
        with clients_on(asked.cores):
            say(f"{asked.rate_per_s:g} checkouts a second alone, {asked.seconds:.0f} s")
            await drive(tool.lasting(_WARM_S), shop.url, Shape("express", skus), rate_per_s=asked.rate_per_s)
            alone = await drive(tool, shop.url, Shape("express", skus), rate_per_s=asked.rate_per_s)
            say(f"beside {attackers}, {asked.seconds:.0f} s")
            async with attack(shop.url) as told:
                meter = Meter(shop.roots)
                beside = await drive(tool, shop.url, Shape("express", skus), rate_per_s=asked.rate_per_s)
                usage = meter.read()
        await shop.stop()
        shop.cores = ()
        after = await drain_and_audit(shop, drain_s=asked.drain_s, say=say)
    return Beside(attackers, alone, beside, usage, after), told


def not_placed(when: str, run: Run) -> list[str]:
    """Checkouts that were not placed."""
    lost = run.refused + run.broken
    return [f"{lost:,} of {run.requests:,} checkouts {when} were not placed: {run.statuses}"] if lost else []
