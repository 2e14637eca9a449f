"""Baskets drawn from the fitted figures: the same seed draws the same baskets."""

import random
from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate

from bench.load.fit import Figures, popularity_shares, size_shares

_UNITS = (1, 1, 1, 1, 1, 1, 1, 2, 2, 3)


class Baskets:
    """Draws baskets over these SKUs, most popular first; the fitted popularity is stretched over as many as there are."""

    def __init__(self, skus: Sequence[str], figures: Figures, seed: int) -> None:
        self._skus = skus
        sizes = figures.sizes
        self._sizes = list(accumulate(size_shares(sizes.r, sizes.p, sizes.most)))
        self._random = random.Random(seed)
        popularity = figures.popularity
        stretch = len(skus) / popularity.products
        shares = popularity_shares(popularity.exponent, popularity.shift * stretch, len(skus))
        self._cumulative = list(accumulate(shares))

    def sku(self) -> str:
        """One SKU, by popularity."""
        at = bisect(self._cumulative, self._random.random() * self._cumulative[-1])
        return self._skus[min(at, len(self._skus) - 1)]

    def size(self) -> int:
        """How many products a basket holds."""
        drawn = bisect(self._sizes, self._random.random()) + 1
        return min(drawn, len(self._sizes), len(self._skus))

    def basket(self) -> list[tuple[str, int]]:
        """(sku, quantity) of one purchase, no SKU twice."""
        lines: dict[str, int] = {}
        size = self.size()
        for _ in range(size * 20):
            if len(lines) == size:
                break
            lines.setdefault(self.sku(), self._random.choice(_UNITS))
        return list(lines.items())
