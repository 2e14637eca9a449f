"""One run of a load tool, whichever it was."""

from collections import Counter
from collections.abc import Sequence
from statistics import median

from msgspec import Struct, field

PERCENTS = (0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.99, 100.0)


class Second(Struct):
    """One second of a run, by when answers came. Units: milliseconds."""

    at_s: int
    answers: int = 0
    good: int = 0
    refused: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0


class Run(Struct, frozen=True):
    """Figures of one run. Units: milliseconds.

    Shape: `ok`: answers 2xx and 3xx; `refused`: all other answers; `broken`: requests without an answer. `distribution`:
    (percent, ms). `seconds` and `late_p99_ms` (how much later than due the generator itself sent) by the own generator only.
    """

    tool: str
    requests_per_s: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    requests: int
    ok: int
    refused: int
    broken: int
    p999_ms: float = 0.0
    elapsed_s: float = 0.0
    late_p99_ms: float = 0.0
    distribution: list[tuple[float, float]] = field(default_factory=list)
    seconds: list[Second] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def ok_per_s(self) -> float:
        """Successful answers a second."""
        return self.requests_per_s * self.ok / self.requests if self.requests else 0.0


def merged(runs: Sequence[Run]) -> Run:
    """Several runs of one tool as one: counts are summed; of each percentile the median, of the longest the longest."""
    if len(runs) == 1:
        return runs[0]
    elapsed_s, requests = sum(run.elapsed_s for run in runs), sum(run.requests for run in runs)
    statuses: Counter[int] = Counter()
    for run in runs:
        statuses.update(run.statuses)
    percents = [percent for percent, _ in runs[0].distribution]
    return Run(
        tool=runs[0].tool,
        requests_per_s=round(requests / elapsed_s, 1) if elapsed_s else 0.0,
        p50_ms=median(run.p50_ms for run in runs),
        p90_ms=median(run.p90_ms for run in runs),
        p99_ms=median(run.p99_ms for run in runs),
        max_ms=max(run.max_ms for run in runs),
        requests=requests,
        ok=sum(run.ok for run in runs),
        refused=sum(run.refused for run in runs),
        broken=sum(run.broken for run in runs),
        p999_ms=median(run.p999_ms for run in runs),
        elapsed_s=elapsed_s,
        late_p99_ms=max(run.late_p99_ms for run in runs),
        distribution=[
            (percent, median(dict(run.distribution)[percent] for run in runs)) for percent in percents
        ],
        statuses=dict(statuses),
    )
