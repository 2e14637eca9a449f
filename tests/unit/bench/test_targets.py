"""Verdicts: targets and service levels, met and missed; and what the shop says it answered."""

import pytest

from bench.measure import judge, noise
from bench.measure.answers import Answers, parse
from bench.measure.histogram import Histogram
from bench.measure.judge import Level
from bench.measure.processes import OTHERS, Usage
from bench.measure.targets import judged, targets


def filled(*latencies_ms: float) -> Histogram:
    """A histogram of these."""
    histogram = Histogram()
    for ms in latencies_ms:
        histogram.add(ms * 1000)
    return histogram


@pytest.mark.parametrize(
    ("name", "value", "ok"),
    [
        ("V1", 0.30, True),
        ("V1", 0.2996, True),  # shown as 0.300
        ("V1", 0.2994, False),
        ("V4 p99", 25.0, True),
        ("V4 p99", 25.004, True),  # shown as 25.00
        ("V4 p99", 25.01, False),
        ("V8", 299.0, False),
        ("sale sold", 1, False),
        ("sale sold", 0, True),
    ],
)
def test_targets_are_judged_as_they_are_shown(name: str, value: float, ok: bool) -> None:
    """A failure means that a run passes which should not, or that a figure that reads as met is told as missed."""
    verdict = judged(name, value)
    assert verdict.ok is ok
    assert verdict.bound[0] in "≤≥"


def test_every_target_has_one_bound() -> None:
    """A failure means that targets.json asks for something that no figure can be held against."""
    both = [name for name, target in targets().items() if (target.most is None) == (target.least is None)]
    assert both == []
    assert targets()["V3 product"].bound == "≥ 0.85"
    assert targets()["V4 p50"].bound == "≤ 5 ms"


@pytest.mark.parametrize(
    ("level", "ok"),
    [
        (Level("a", "p99", "p99_ms", "cart", most=20), True),
        (Level("a", "p99", "p99_ms", "cart", most=5), False),
        (Level("a", "all together", "p99_ms", most=20), True),
        (Level("a", "all together", "p99_ms", most=5), False),
        (Level("a", "nobody asked", "p99_ms", "checkout", most=20), False),
        (Level("a", "errors", "errors", most=0), False),
        (Level("a", "errors", "errors", most=3), True),
        (Level("a", "orders", "orders", least=2), True),
        (Level("a", "orders", "orders", least=3), False),
    ],
)
def test_levels_are_judged(level: Level, ok: bool) -> None:
    """A failure means that a run passes which should not, or the reverse."""
    (verdict,) = judge.judge([level], {"cart": filled(10, 10, 10)}, errors=3, orders=2)
    assert verdict.ok is ok


@pytest.mark.parametrize("scenario", ["smoke", "steady", "soak"])
def test_the_kept_levels_can_be_judged(scenario: str) -> None:
    """A failure means that slo.json names a group or a measure that no run has."""
    seen = {group: filled(1) for group in ("browse", "cart", "checkout", "order")}
    assert all(verdict.ok for verdict in judge.judge(judge.levels(scenario), seen, errors=0, orders=1))


EXPOSITION = """\
# TYPE checkout_http_requests_total counter
checkout_http_requests_total{route="POST /v1/checkouts",status="201"} 1500.0
checkout_http_requests_total{route="POST /v1/checkouts",status="503"} 20.0
checkout_http_requests_total{route="POST /v1/checkouts",status="499"} 7.0
checkout_http_requests_total{route="GET /v1/products/{key}",status="200"} 1e+06
checkout_http_requests_total{route="GET /metrics",status="200"} 3.0
checkout_http_problems_total{code="overloaded"} 20.0
"""


def test_what_the_shop_answered_is_read() -> None:
    """A failure means that refusals are counted as successes because the load tool cannot tell them apart."""
    found = parse(EXPOSITION)
    assert dict(found.statuses) == {201: 1500, 503: 20, 200: 1_000_000}
    assert found.shed == 20
    later = Answers({201: 1600, 503: 20, 200: 1_000_000, 409: 5}, {"overloaded": 20, "out_of_stock": 5})
    since = later.since(found)
    assert dict(since.statuses) == {201: 100, 409: 5}
    assert dict(since.codes) == {"out_of_stock": 5}
    assert since.in_words() == "5 × out_of_stock"


@pytest.mark.parametrize(
    ("last", "problems", "notes"), [(1040, 0, 0), (1150, 0, 1), (700, 1, 0), (1500, 1, 0)]
)
def test_a_machine_that_changed_is_told(last: float, problems: int, notes: int) -> None:
    """A failure means that a ratio counts although the machine was another one by the end of the run."""
    found = noise.drift({"POST": 1000.0}, {"POST": last})
    assert (len(found[0]), len(found[1])) == (problems, notes)


@pytest.mark.parametrize(("rates", "notes"), [((1000, 1040), 0), ((1000, 1200, 900, 1000), 1)])
def test_a_machine_that_changes_is_told(rates: tuple[float, ...], notes: int) -> None:
    """A failure means that a reader takes the figures of a busy machine for those of a quiet one."""
    assert len(noise.moved("POST", rates)) == notes


@pytest.mark.parametrize(("count", "problems", "notes"), [(0, 0, 0), (10, 0, 1), (51, 1, 0)])
def test_what_refuses_many_is_no_ceiling(count: int, problems: int, notes: int) -> None:
    """A failure means that a shop which refuses most requests passes with the few that it took."""
    found = noise.shed("express", count, 1000, "so many × overloaded")
    assert (len(found[0]), len(found[1])) == (problems, notes)


def test_company_on_the_machine_is_told() -> None:
    """A failure means that a run beside other programs is believed like one on a quiet machine."""
    assert noise.others([Usage("serve", 2, 1.0, 1.0), Usage(OTHERS, 0, 0.5, 0.0)], 2)
    assert not noise.others([Usage(OTHERS, 0, 0.05, 0.0)], 2)
    assert not noise.others([], 2)
