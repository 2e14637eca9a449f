"""One run of a load tool, whichever it was."""

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
