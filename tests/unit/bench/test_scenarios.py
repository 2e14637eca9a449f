"""What scenarios compute by themselves: which rows, which verdicts, which sizes; and what their help says."""

import json
import subprocess
import sys

import pytest

from bench.load import recording
from bench.load.crowd import Seen, processes_for
from bench.load.drive import Tool
from bench.load.plan import Plan
from bench.measure.processes import OTHERS, Usage
from bench.problem import BenchError
from bench.report.crowd import CrowdReport
from bench.report.result import Row
from bench.scenarios.ceiling import ROWS, Ceiling, verdicts
from bench.scenarios.growth import Growth
from bench.scenarios.soak import memory_trends
from bench.shop.mass import _document, sku_of

TOOL = Tool("generator", 8, 2.0)


def row(name: str, per_s: float, ratio: float) -> Row:
    """A measured row."""
    return Row(name, name, per_s, 1000, 1000, ratio=ratio, over="bare POST")


def test_every_target_of_the_ceiling_is_judged() -> None:
    """A failure means that a ratio is shown and nobody is told that it is too low."""
    rows = [row(name, 1000.0, 0.9) for name in ROWS]
    found = {verdict.name: verdict for verdict in verdicts(rows)}
    assert set(found) == {"V1", "V2", "V3 304", "V3 listing", "V3 product", "V5", "V7"}
    assert all(verdict.ok for verdict in found.values())
    # The machine became slower between the two.
    drifted = [row("express", 1000.0, 0.29), row("hot", 700.0, 0.2726)]
    slow = {verdict.name: verdict for verdict in verdicts(drifted)}
    assert {name: (verdict.value, verdict.ok) for name, verdict in slow.items()} == {
        "V1": (0.29, False),
        "V5": (0.94, False),
    }


def test_rows_bring_along_what_they_are_compared_with() -> None:
    """A failure means that `--only hot` has nothing to be divided by, or that a typing error measures nothing."""
    assert Ceiling(TOOL).wanted == ROWS
    assert Ceiling(TOOL, only=("hot",)).wanted == ("express", "hot")
    assert Ceiling(TOOL, only=("304", "product")).wanted == ("product", "304")
    with pytest.raises(BenchError, match="no row of the ceiling"):
        _ = Ceiling(TOOL, only=("expres",)).wanted


def test_a_shop_only_grows() -> None:
    """A failure means that growth measures sizes that it never loaded."""
    assert Growth(TOOL, skus=(10, 100), orders=(0, 5, 50)).steps == [(10, 0), (100, 0), (100, 5), (100, 50)]
    for skus, orders in (((100, 10), (0,)), ((10,), (5, 5)), ((), (0,))):
        with pytest.raises(BenchError, match="ascend"):
            _ = Growth(TOOL, skus=skus, orders=orders).steps


def test_mass_made_documents_add_up() -> None:
    """A failure means that the audit after growth finds orders that the benchmark itself made wrong."""
    told = json.loads(_document([7, 9]))
    assert [line["sku"] for line in told["lines"]] == [sku_of(7), sku_of(9)]
    assert sum(line["unit_price"] * line["quantity"] for line in told["lines"]) == 2 * 1990
    assert told["taxes"] == []


@pytest.mark.parametrize(("users", "count"), [(1, 1), (900, 1), (901, 2), (5_000, 6)])
def test_a_crowd_has_processes_enough(users: int, count: int) -> None:
    """A failure means that Locust itself is the bottleneck of what it measures."""
    assert processes_for(users) == count


def crowd() -> CrowdReport:
    """A crowd that saw a little."""
    recorded = recording.empty()
    for name, ms, times in (
        ("browse: product", 5, 90),
        ("checkout: express", 40, 9),
        ("checkout: cart", 60, 1),
    ):
        recorded.names[name].add(ms * 1000, times)
    recorded.errors["checkout: cart"]["500 internal"] += 1
    recorded.seconds[0] = recording.Second(users=10, requests=100, errors=1, orders=9)
    plan = Plan("http://shop", 10, 0.0, 10.0, ["A"], ["a"])
    return CrowdReport("steady", plan, Seen(recorded, [[Usage("serve", 2, 0.5, 80.0, 0.5)]], ["an-id"]))


def test_a_crowd_is_told_by_request_by_group_and_as_a_whole() -> None:
    """A failure means that a failed request is counted as good, or that a group leaves one of its requests out."""
    rows = {one.name: one for one in crowd().rows()}
    assert rows["all of checkout"].requests == 10
    assert rows["all of checkout"].failed == 1
    assert (rows["all requests"].requests, rows["all requests"].good, rows["all requests"].failed) == (
        100,
        99,
        1,
    )
    assert rows["all requests"].per_s == 10
    assert rows["browse: product"].p99_ms == pytest.approx(5, rel=0.02)


def test_a_crowd_is_judged() -> None:
    """A failure means that V9 passes with errors, or without anybody who filled a cart."""
    found = {verdict.name: verdict.ok for verdict in crowd().verdicts()}
    assert found["V9 errors"] is False
    assert found["V9 browse"] is True
    assert found["V9 cart"] is False


@pytest.mark.parametrize(
    ("usual_ms", "worst_ms", "problems", "notes"), [(1, 2, 0, 0), (1, 90, 0, 1), (80, 90, 1, 0)]
)
def test_late_load_processes_are_told(usual_ms: float, worst_ms: float, problems: int, notes: int) -> None:
    """A failure means that the shop is judged by latencies that the load generator made."""
    told = crowd()
    late = told._seen.recorded.late
    late.add(usual_ms * 1000, 90)
    late.add(worst_ms * 1000, 10)
    found = told.lateness()
    assert (len(found[0]), len(found[1])) == (problems, notes)


def test_only_settled_memory_is_judged() -> None:
    """A failure means that caches which fill are told as a leak, or that the generator's memory is judged."""
    filling = [[Usage("serve", 2, 1.0, 50.0 + 10 * at), Usage("generator", 1, 1.0, at)] for at in range(10)]
    settled = [[Usage("serve", 2, 1.0, 150.0), Usage(OTHERS, 0, 1.0, 0.0)] for _ in range(90)]
    found = memory_trends([*filling, *settled], ramp_s=0)
    assert set(found) == {"serve"}
    assert found["serve"].growth == 0


def test_help_teaches_every_scenario() -> None:
    """A failure means that nobody finds out what a scenario answers, or how long it takes."""
    said = subprocess.run(
        [sys.executable, "-m", "checkout", "bench", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for name in (
        "smoke",
        "floor",
        "ceiling",
        "sale",
        "latency",
        "steady",
        "drain",
        "growth",
        "soak",
        "startup",
        "memory",
        "flood",
        "overload",
        "slow",
        "connections",
    ):
        assert f" {name} " in said
    assert "Exit code" in said
    assert said.count(" min") + said.count(" s ") >= 11
