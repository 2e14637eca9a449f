"""One run of a load tool, whichever it was."""

from msgspec import Struct


class Run(Struct, frozen=True):
    """Figures of one run. Units: milliseconds. `ok`: answers 2xx and 3xx; `refused`: all other answers; `broken`: none."""

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

    @property
    def ok_per_s(self) -> float:
        """Successful answers a second."""
        return self.requests_per_s * self.ok / self.requests if self.requests else 0.0
