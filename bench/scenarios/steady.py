"""`bench steady`: five thousand shoppers for minutes, everything running: no error, and nobody waits long (V9)."""

from bench.report.progress import Say
from bench.report.result import Result
from bench.scenarios.crowd import Crowd, run_crowd


async def run_steady(asked: Crowd, say: Say) -> Result:
    """The whole run, judged by slo.json's `steady`. Raises: BenchError."""
    return (await run_crowd(asked, say)).result
