"""The fitted figures describe real baskets, and what is drawn from them looks like them."""

import csv
import random
from bisect import bisect
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pytest

from bench.load.baskets import Baskets
from bench.load.fit import Figures, distance, fit, kept, popularity_shares, read_baskets, size_shares


@pytest.fixture(scope="module")
def figures() -> Figures:
    """The figures kept in the project."""
    return kept()


def test_the_kept_figures_are_a_close_fit(figures: Figures) -> None:
    """A failure means that the load's baskets are not shaped by the real ones that the project was given."""
    assert figures.baskets == 9835
    assert figures.popularity.products == 169
    assert figures.sizes.mean == pytest.approx(4.409, abs=0.001)
    assert figures.sizes.distance < 0.03
    assert figures.popularity.distance < 0.05


def test_shares_are_shares(figures: Figures) -> None:
    """A failure means that some baskets or products are drawn more often than the fit says."""
    sizes = size_shares(figures.sizes.r, figures.sizes.p, figures.sizes.most)
    ranks = popularity_shares(figures.popularity.exponent, figures.popularity.shift, 600)
    assert sum(sizes) == pytest.approx(1)
    assert sum(ranks) == pytest.approx(1)
    assert ranks == sorted(ranks, reverse=True)
    assert 1 + sum(more * share for more, share in enumerate(sizes)) == pytest.approx(
        figures.sizes.mean, rel=0.05
    )


def test_drawn_baskets_look_like_the_fit(figures: Figures) -> None:
    """A failure means that the sampler draws another shape than the one that was fitted."""
    baskets = Baskets([f"SKU-{number}" for number in range(figures.popularity.products)], figures, seed=7)
    drawn = [baskets.basket() for _ in range(4000)]
    sizes = Counter(len(basket) for basket in drawn)
    observed = [sizes[size] / len(drawn) for size in range(1, figures.sizes.most + 1)]
    assert distance(observed, size_shares(figures.sizes.r, figures.sizes.p, figures.sizes.most)) < 0.03
    singles = Counter(baskets.sku() for _ in range(20_000))
    popularity = figures.popularity
    fitted = popularity_shares(popularity.exponent, popularity.shift, popularity.products)
    assert singles["SKU-0"] / 20_000 == pytest.approx(fitted[0], rel=0.1)
    assert fitted[0] == pytest.approx(popularity.top_share, rel=0.35)
    assert all(len({sku for sku, _ in basket}) == len(basket) for basket in drawn)
    assert all(quantity >= 1 for basket in drawn for _, quantity in basket)


def test_the_same_seed_draws_the_same_baskets(figures: Figures) -> None:
    """A failure means that two runs of one benchmark do not send the same load."""
    one, same, other = (Baskets(["A", "B", "C", "D"], figures, seed) for seed in (1, 1, 2))
    first = [one.basket() for _ in range(50)]
    assert first == [same.basket() for _ in range(50)]
    assert first != [other.basket() for _ in range(50)]


def test_a_shop_of_one_product_can_be_loaded(figures: Figures) -> None:
    """A failure means that the load loops for ever where a basket holds more products than the shop."""
    assert {sku for sku, _ in Baskets(["ONLY"], figures, 1).basket()} == {"ONLY"}


def indexes(dice: random.Random, shares: list[float]) -> Iterator[int]:
    """Indexes drawn by these shares, without end."""
    cumulative = list(accumulate(shares))
    while True:
        yield min(bisect(cumulative, dice.random() * cumulative[-1]), len(shares) - 1)


def test_the_fit_finds_the_figures_that_made_the_baskets(tmp_path: Path) -> None:
    """A failure means that the fit does not measure what it says it does."""
    dice = random.Random(3)
    sizes, products = (
        indexes(dice, size_shares(1.4, 0.3, 40)),
        indexes(dice, popularity_shares(1.0, 5.0, 200)),
    )
    path = tmp_path / "baskets.csv"
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        for _ in range(3000):
            size, basket = 1 + next(sizes), set()
            while len(basket) < size:
                basket.add(next(products))
            writer.writerow(f"P{product}" for product in sorted(basket))
    found = fit(read_baskets(path))
    assert found.baskets == 3000
    assert found.sizes.mean == pytest.approx(1 + 1.4 * 0.7 / 0.3, rel=0.05)
    assert found.sizes.r == pytest.approx(1.4, rel=0.2)
    assert found.sizes.p == pytest.approx(0.3, rel=0.2)
    assert found.sizes.distance < 0.02
    assert found.popularity.products == 200
    assert found.popularity.distance < 0.03
