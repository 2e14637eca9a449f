"""Does it creep? Slopes of long series, with spikes in them."""

import random

import pytest

from bench.measure.slope import thinned, trend


def test_a_line_has_its_slope() -> None:
    """A failure means that a leak is told at the wrong rate."""
    xs = [float(at) for at in range(1800)]
    found = trend(xs, [100 + 0.01 * x for x in xs])
    assert found.per_s == pytest.approx(0.01, rel=1e-6)
    assert found.per_hour == pytest.approx(36)
    assert found.level == pytest.approx(109, abs=0.1)
    assert found.growth == pytest.approx(18 / 109, rel=0.02)


def test_spikes_do_not_make_a_slope() -> None:
    """A failure means that one checkpoint of the database is told as a leak."""
    dice = random.Random(4)
    xs = [float(at) for at in range(600)]
    ys = [50 + dice.gauss(0, 1) + (5_000 if dice.random() < 0.1 else 0) for _ in xs]
    found = trend(xs, ys)
    assert abs(found.growth) < 0.02


def test_a_leak_is_seen_through_noise() -> None:
    """A failure means that the soak passes a process that grows for ever."""
    dice = random.Random(5)
    xs = [float(at) for at in range(1800)]
    ys = [150 + x / 60 + dice.gauss(0, 3) for x in xs]
    found = trend(xs, ys)
    assert found.per_hour == pytest.approx(60, rel=0.1)
    assert found.growth > 0.05


@pytest.mark.parametrize("series", [[], [3.0]])
def test_too_little_has_no_slope(series: list[float]) -> None:
    """A failure means that a run that was too short ends in a traceback."""
    found = trend([float(at) for at in range(len(series))], series)
    assert (found.per_s, found.growth) == (0.0, 0.0)


def test_long_series_are_thinned_in_order() -> None:
    """A failure means that an hour takes minutes to judge, or that points change their order."""
    xs, ys = thinned([float(at) for at in range(10_000)], [float(at) for at in range(10_000)], 100)
    assert len(xs) == 100
    assert xs == sorted(xs)
    assert xs == ys
