"""A run's figures against its service levels. The levels are data: slo.json."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.histogram import Histogram
from bench.recording import Recorded

LEVELS = Path(__file__).parent / "slo.json"


class Level(Struct, frozen=True):
    """One service level: a measure of a group (all when empty) that is at `most`, or at `least`, so much."""

    name: str
    what: str
    measure: str
    group: str = ""
    most: float | None = None
    least: float | None = None


class Verdict(Struct, frozen=True):
    """One level, judged."""

    name: str
    what: str
    value: float
    bound: str
    ok: bool


class Row(Struct, frozen=True):
    """One kind of request, or a group of kinds, in the steady phase. Units: milliseconds, requests/s.

    Shape: `honest_p99_ms` adds the requests that waiting users did not send.
    """

    name: str
    requests: int
    errors: int
    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    honest_p99_ms: float


def levels() -> list[Level]:
    """The service levels kept in the project."""
    return msgspec.json.decode(LEVELS.read_bytes(), type=list[Level])


def row(name: str, seen: Histogram, errors: int, *, steady_s: float, interval_us: float) -> Row:
    """One row. `interval_us`: how often one user sends something."""
    return Row(
        name,
        len(seen),
        errors,
        round(len(seen) / steady_s, 1) if steady_s else 0.0,
        round(seen.percentile_ms(50), 2),
        round(seen.percentile_ms(95), 2),
        round(seen.percentile_ms(99), 2),
        round(seen.most_us / 1000, 2),
        round(seen.corrected(interval_us).percentile_ms(99), 2),
    )


def groups(recorded: Recorded) -> dict[str, Histogram]:
    """Request names are `group: what`; all latencies of each group."""
    found: dict[str, Histogram] = {}
    for name, histogram in recorded.names.items():
        found.setdefault(name.partition(":")[0], Histogram()).merge(histogram)
    return found


def judge(
    asked: Sequence[Level], by_group: Mapping[str, Histogram], *, errors: int, orders: int
) -> list[Verdict]:
    """Every level, judged; a group that saw no request does not hold its level."""
    return [_judged(level, by_group, {"errors": errors, "orders": orders}) for level in asked]


def _judged(level: Level, by_group: Mapping[str, Histogram], counts: Mapping[str, int]) -> Verdict:
    missing = False
    if level.measure in counts:
        value = float(counts[level.measure])
    else:
        seen = by_group.get(level.group, Histogram())
        missing = not len(seen)
        value = round(seen.percentile_ms(float(level.measure.removeprefix("p").removesuffix("_ms"))), 2)
    if level.most is not None:
        return Verdict(
            level.name, level.what, value, f"≤ {level.most:g}", not missing and value <= level.most
        )
    least = level.least or 0.0
    return Verdict(level.name, level.what, value, f"≥ {least:g}", not missing and value >= least)
