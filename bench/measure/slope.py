"""Does it creep? The slope of a long series, by a rule that a few spikes cannot move."""

import itertools
from collections.abc import Sequence
from statistics import median

from msgspec import Struct

_POINTS = 200


class Trend(Struct, frozen=True):
    """A straight line through a series. Units: `per_s` and `level` in the series' own unit (a second).

    Shape: `level` is the median; `growth` is what the line gains over the whole series, as a share of `level`.
    """

    per_s: float
    level: float
    growth: float

    @property
    def per_hour(self) -> float:
        """What the line gains in an hour."""
        return self.per_s * 3600


def thinned(xs: Sequence[float], ys: Sequence[float], most: int = _POINTS) -> tuple[list[float], list[float]]:
    """The series in at most so many points, each the median of its neighbours."""
    if len(xs) <= most:
        return list(xs), list(ys)
    edges = [round(at * len(xs) / most) for at in range(most + 1)]
    parts = [(a, b) for a, b in itertools.pairwise(edges) if b > a]
    return [median(xs[a:b]) for a, b in parts], [median(ys[a:b]) for a, b in parts]


def trend(xs: Sequence[float], ys: Sequence[float]) -> Trend:
    """The median of the slopes of all pairs of points. Units: `xs` in seconds.

    Source: Theil (1950), Sen (1968): up to 29 % of the points may be anything.
    """
    xs, ys = thinned(xs, ys)
    slopes = [
        (ys[b] - ys[a]) / (xs[b] - xs[a])
        for a in range(len(xs))
        for b in range(a + 1, len(xs))
        if xs[b] != xs[a]
    ]
    if not slopes:
        return Trend(0.0, median(ys) if ys else 0.0, 0.0)
    per_s, level = median(slopes), median(ys)
    return Trend(per_s, level, per_s * (xs[-1] - xs[0]) / level if level else 0.0)
