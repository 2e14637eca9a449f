"""A crowd's figures against its service levels. The levels are data: slo.json, by scenario."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.measure.histogram import Histogram
from bench.measure.targets import Verdict

LEVELS = Path(__file__).with_name("slo.json")


class Level(Struct, frozen=True):
    """One service level: a measure of a group (all requests when empty) that is at `most`, or at `least`, so much."""

    name: str
    what: str
    measure: str
    group: str = ""
    most: float | None = None
    least: float | None = None


def levels(scenario: str) -> list[Level]:
    """The service levels of a scenario, kept in the project."""
    return msgspec.json.decode(LEVELS.read_bytes(), type=dict[str, list[Level]])[scenario]


def whole(by_group: Mapping[str, Histogram]) -> Histogram:
    """All groups together."""
    everything = Histogram()
    for seen in by_group.values():
        everything.merge(seen)
    return everything


def judge(
    asked: Sequence[Level], by_group: Mapping[str, Histogram], *, errors: int, orders: int
) -> list[Verdict]:
    """Every level, judged; a group that saw no request does not hold its level."""
    return [_judged(level, by_group, {"errors": errors, "orders": orders}) for level in asked]


def _judged(level: Level, by_group: Mapping[str, Histogram], counts: Mapping[str, int]) -> Verdict:
    missing, unit = False, ""
    if level.measure in counts:
        value = float(counts[level.measure])
    else:
        seen = by_group.get(level.group, Histogram()) if level.group else whole(by_group)
        missing, unit = not len(seen), "ms"
        value = round(seen.percentile_ms(float(level.measure.removeprefix("p").removesuffix("_ms"))), 2)
    sign, bound = ("≤", level.most) if level.most is not None else ("≥", level.least or 0.0)
    held = value <= bound if sign == "≤" else value >= bound
    return Verdict(
        level.name,
        level.what,
        value,
        f"{sign} {bound:g}{' ' + unit if unit else ''}",
        not missing and held,
        unit,
    )
