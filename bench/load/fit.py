"""Fits the shape of real shopping: how many products a basket holds, and how popular the products are.

Run once on a file of baskets (one a line, products separated by commas); the figures are kept in baskets.json, and
that file is all that the load needs. Source: the fits are by least squared error over a grid, then refined; the
distance told is Kolmogorov-Smirnov's (largest gap between the fitted and the observed cumulative share).
"""

import csv
import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path

import msgspec
from msgspec import Struct

FIGURES = Path(__file__).parent / "baskets.json"
SIZE_MOST = 40


class Sizes(Struct, frozen=True):
    """Products in a basket: one, and as many more as a negative binomial (r, p) draws, at most `most`."""

    r: float
    p: float
    most: int
    mean: float
    distance: float


class Popularity(Struct, frozen=True):
    """The product of rank r is bought in proportion to 1 / (r + shift) ** exponent."""

    exponent: float
    shift: float
    products: int
    top_share: float
    distance: float


class Figures(Struct, frozen=True):
    """All that the load knows of real baskets."""

    baskets: int
    sizes: Sizes
    popularity: Popularity


def size_shares(r: float, p: float, most: int) -> list[float]:
    """The share of baskets of 1, 2 … `most` products; what lies beyond is cut off and spread over all."""
    weights = [
        math.exp(
            math.lgamma(more + r)
            - math.lgamma(more + 1)
            - math.lgamma(r)
            + r * math.log(p)
            + more * math.log1p(-p)
        )
        for more in range(most)
    ]
    whole = sum(weights)
    return [weight / whole for weight in weights]


def popularity_shares(exponent: float, shift: float, products: int) -> list[float]:
    """The share of purchases of the most popular product, the second, …"""
    weights = [(rank + shift) ** -exponent for rank in range(1, products + 1)]
    whole = sum(weights)
    return [weight / whole for weight in weights]


def distance(observed: Sequence[float], fitted: Sequence[float]) -> float:
    """Kolmogorov-Smirnov's distance of two lists of shares."""
    pairs = zip(accumulate(observed), accumulate(fitted), strict=True)
    return max(abs(one - other) for one, other in pairs)


def _least(
    error: Callable[[float, float], float], first: Sequence[float], second: Sequence[float]
) -> tuple[float, float]:
    """The grid's best pair, refined three times around itself."""
    best = min(((a, b) for a in first for b in second), key=lambda pair: error(*pair))
    step_a, step_b = first[1] - first[0], second[1] - second[0]
    for _ in range(3):
        step_a, step_b = step_a / 4, step_b / 4
        near = [
            (max(1e-6, best[0] + i * step_a), max(1e-6, best[1] + j * step_b))
            for i in range(-4, 5)
            for j in range(-4, 5)
        ]
        best = min(near, key=lambda pair: error(*pair))
    return best


def _squares(observed: Sequence[float], fitted: Sequence[float]) -> float:
    pairs = zip(accumulate(observed), accumulate(fitted), strict=True)
    return sum((one - other) ** 2 for one, other in pairs)


def fit(baskets: Sequence[Sequence[str]]) -> Figures:
    """The figures of these baskets. Cost: some seconds for ten thousand."""
    sizes = Counter(min(len(basket), SIZE_MOST) for basket in baskets)
    observed = [sizes[size] / len(baskets) for size in range(1, SIZE_MOST + 1)]
    r, p = _least(
        lambda r, p: _squares(observed, size_shares(r, min(p, 0.999), SIZE_MOST)),
        [0.2 * i for i in range(1, 20)],
        [0.05 * i for i in range(1, 19)],
    )
    bought = Counter(product for basket in baskets for product in basket)
    units = sum(bought.values())
    ranked = [count / units for _, count in bought.most_common()]
    exponent, shift = _least(
        lambda e, s: _squares(ranked, popularity_shares(e, s, len(ranked))),
        [0.2 * i for i in range(2, 16)],
        [2.0 * i for i in range(30)],
    )
    return Figures(
        len(baskets),
        Sizes(
            round(r, 4),
            round(p, 4),
            SIZE_MOST,
            round(units / len(baskets), 3),
            round(distance(observed, size_shares(r, p, SIZE_MOST)), 4),
        ),
        Popularity(
            round(exponent, 4),
            round(shift, 3),
            len(ranked),
            round(ranked[0], 4),
            round(distance(ranked, popularity_shares(exponent, shift, len(ranked))), 4),
        ),
    )


def kept() -> Figures:
    """The figures kept in the project."""
    return msgspec.json.decode(FIGURES.read_bytes(), type=Figures)


def read_baskets(path: Path) -> list[list[str]]:
    """Baskets of a file: one a line, a product once a basket."""
    with path.open(newline="") as lines:
        rows = ([name.strip() for name in row if name.strip()] for row in csv.reader(lines))
        return [list(dict.fromkeys(row)) for row in rows if row]


def main() -> int:
    """`python -m bench.load.fit BASKETS.csv`: writes baskets.json."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m bench.load.fit BASKETS.csv\n")
        return 2
    figures = fit(read_baskets(Path(sys.argv[1])))
    FIGURES.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    sys.stdout.write(FIGURES.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
