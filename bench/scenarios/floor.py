"""`bench floor`: what aiohttp alone does on this machine, under the same load tool."""

import time
from datetime import UTC, datetime

from bench.load.drive import Tool
from bench.measure.processes import over
from bench.measure.row import bare_row
from bench.report.progress import Say
from bench.report.result import Figure, Result, Row, this_machine
from bench.shop.floor import Floor, measure_bare


async def run_floor(tool: Tool, say: Say) -> Result:
    """POST and GET, with one process and with two."""
    at, began, machine, floors = datetime.now(UTC), time.monotonic(), this_machine(), []
    for processes in (1, 2):
        for method in ("POST", "GET"):
            say(f"bare {method}, {processes} process{'es' * (processes > 1)}")
            floors.append(await measure_bare(tool, method=method, processes=processes))
    rows = [_row(floor) for floor in floors]
    return Result(
        scenario="floor",
        title="Floor: bare aiohttp",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={"tool": tool.name, "connections": str(tool.connections), "seconds": f"{tool.seconds:g}"},
        machine=machine,
        rows=rows,
        facts=[(f"{row.per_s:,.0f}/s", row.what) for row in rows],
        figures=[Figure(row.what, row.per_s, "raw") for row in rows],
        usage=over([floor.usage for floor in floors]),
        problems=[f"{row.what}: {row.failed:,} requests failed" for row in rows if row.failed],
        bare_per_s=floors[2].run.requests_per_s,
    )


def _row(floor: Floor) -> Row:
    what = f"{floor.method}, {floor.processes} process{'es' * (floor.processes > 1)}"
    return bare_row(f"{floor.method} {floor.processes}", what, floor.run, floor.usage)
