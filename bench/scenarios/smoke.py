"""`bench smoke`: a thousand shoppers for a minute: does it work under people at all?"""

from bench.report.progress import Say
from bench.report.result import Result
from bench.scenarios.crowd import Crowd, run_crowd


async def run_smoke(asked: Crowd, say: Say) -> Result:
    """The whole run, judged by slo.json's `smoke`. Raises: BenchError."""
    return (await run_crowd(asked, say)).result
