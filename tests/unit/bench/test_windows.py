"""A row in windows, in turn with the bare server."""

import pytest

from bench.load.run import Run, merged
from bench.load.shapes import Shape
from bench.measure.row import Measured, Plan


def window(per_s: float, p99_ms: float = 1.0) -> Run:
    """Two seconds."""
    count = round(2 * per_s)
    return Run(
        "wrk", per_s, 1, 1, p99_ms, 1, count, count, 0, 0, elapsed_s=2.0, distribution=[(99.0, p99_ms)]
    )


def test_a_window_is_divided_by_its_neighbours() -> None:
    """A failure means that a machine which becomes slower during a run makes a shop slower than it is, or faster."""
    windows = [window(per_s) for per_s in (400.0, 250.0, 220.0)]
    plan = Plan("refused", "refused", Shape("express"), 409)
    row = Measured(plan, merged(windows), [], 870, 0, 0, windows=windows, bare=[1000, 1000, 600, 500])
    assert row.ratios == pytest.approx([0.2, 0.15625, 0.2])
    assert (row.row().ratio, row.row().between) == (0.2, (0.156, 0.2))
    alone = Measured(plan, windows[0], [], 800, 0, 0, windows=windows[:1])
    assert (alone.row().ratio, alone.row().between, alone.row().over) == (None, None, "")


def test_several_runs_are_one() -> None:
    """A failure means that percentiles of windows are summed up to something that nobody waited for, or counts are lost."""
    one = merged([window(10.0, p99_ms) for p99_ms in (5.0, 9.0, 400.0)])
    assert (one.requests, one.ok, one.requests_per_s, one.p99_ms) == (60, 60, 10.0, 9.0)
    assert one.distribution == [(99.0, 9.0)]


def test_carts_are_divided_among_windows() -> None:
    """A failure means that the second window checks out carts that the first has bought."""
    carts = Shape("cart_checkout", ["a", "b", "c", "d", "e"])
    parts = carts.parts(2)
    assert sorted(cart for part in parts for cart in part.values) == carts.values
    skus = Shape("express", ["a", "b"]).parts(2)
    assert [part.values for part in skus] == [["a", "b"]] * 2
    assert len({part.run_id for part in (*parts, *skus)}) == 4
