"""Percentiles, the correction of coordinated omission, verdicts and the reports made of them."""

import json
import os
import random
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from bench import judge, recording
from bench.histogram import Histogram
from bench.judge import Level, Row
from bench.page import page
from bench.processes import Meter, Usage, over
from bench.report import Moment, Report, compare, keep, previous, this_machine
from bench.shop import BenchError
from bench.wrk_tool import parse


def filled(*latencies_ms: float) -> Histogram:
    """A histogram of these."""
    histogram = Histogram()
    for ms in latencies_ms:
        histogram.add(ms * 1000)
    return histogram


@pytest.mark.parametrize("percent", [1, 25, 50, 90, 99, 99.9, 100])
def test_percentiles_are_right_to_two_percent(percent: float) -> None:
    """A failure means that every latency in every report is wrong."""
    dice = random.Random(5)
    latencies = sorted(dice.lognormvariate(1, 1) for _ in range(20_000))
    rank = max(1, -(-len(latencies) * percent // 100))
    assert filled(*latencies).percentile_ms(percent) == pytest.approx(latencies[int(rank) - 1], rel=0.02)


def test_nothing_recorded_has_no_latency() -> None:
    """A failure means that a run without a request crashes its own report."""
    assert Histogram().percentile_ms(99) == 0
    assert Histogram().mean_ms() == 0


def test_a_stall_is_seen_by_all_who_would_have_waited() -> None:
    """A failure means that a server which stops for ten seconds is reported as having answered in a millisecond."""
    stalled = Histogram()
    stalled.add(1_000, times=99)
    stalled.add(10_000_000)
    whole = stalled.corrected(100_000)
    assert stalled.percentile_ms(98) == pytest.approx(1, rel=0.02)
    assert len(whole) == pytest.approx(100 + 99, abs=1)
    assert whole.percentile_ms(98) > 9_000
    assert whole.percentile_ms(60) == pytest.approx(2_000, rel=0.1)


def test_no_stall_needs_no_correction() -> None:
    """A failure means that the correction invents slow requests."""
    quiet = filled(*[5.0] * 100)
    assert quiet.corrected(100_000).counts == quiet.counts
    assert quiet.corrected(0).counts == quiet.counts


def test_histograms_add_up_across_processes(tmp_path: Path) -> None:
    """A failure means that what a second load process saw is lost or counted twice."""
    parts = []
    for number in range(2):
        recorded = recording.empty()
        recorded.names["cart: view"].add(1000 * (number + 1))
        recorded.errors["cart: view"]["500 internal"] += 1
        recorded.seconds[3] = recording.Second(users=500, requests=7, errors=1, orders=2)
        recorded.latencies[3].add(1000)
        recording.write(recorded, tmp_path / f"{number}.json")
        parts.append(recording.read(tmp_path / f"{number}.json"))
    whole = recording.merge(parts)
    assert len(whole.names["cart: view"]) == 2
    assert whole.names["cart: view"].most_us == 2000
    assert whole.errors["cart: view"]["500 internal"] == 2
    assert whole.seconds[3] == recording.Second(users=1000, requests=14, errors=2, orders=4)


@pytest.mark.parametrize(
    ("level", "ok"),
    [
        (Level("a", "p99", "p99_ms", "cart", most=20), True),
        (Level("a", "p99", "p99_ms", "cart", most=5), False),
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


def test_the_kept_levels_can_be_judged() -> None:
    """A failure means that slo.json names a group or a measure that no run has."""
    seen = {group: filled(1) for group in ("browse", "cart", "checkout", "order")}
    assert all(verdict.ok for verdict in judge.judge(judge.levels(), seen, errors=0, orders=1))


def report(**changes: object) -> Report:
    """A run to be shown."""
    row = Row("cart", 10, 1, 5.0, 1.0, 2.0, 3.0, 4.0, 3.5)
    plain = Report(
        kind="smoke",
        at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        users=10,
        ramp_s=1,
        steady_s=2,
        own_shop=True,
        machine=this_machine(),
        rows=[row],
        groups=[row],
        total=row,
        orders=4,
        sold_out=0,
        errors={"cart": {"</script><b>500": 1}},
        moments=[Moment(0, 10, 5, 0, 1, 1.0, 2.0, {"serve": 0.5}, {"serve": 80.0})],
        usage=[],
        distribution={"cart": [(50, 1.0), (100, 2.0)]},
        verdicts=[judge.Verdict("errors", "failed requests", 1, "≤ 0", False)],
        audit=None,
    )
    return msgspec.structs.replace(plain, **changes)


def test_the_page_holds_everything_and_fetches_nothing() -> None:
    """A failure means that a report cannot be opened without a network, or that an error's text runs as a script."""
    text = page(report(), compare(report(orders=8), report()))
    assert "uPlot" in text
    assert not re.search(r"""(?:src|href)=["']?(?!data:)[a-z]*:?//""", text)
    figures = re.search(r'<script type="application/json" id="figures">(.*?)</script>', text, re.DOTALL)
    assert figures
    told = json.loads(figures[1])
    assert told["report"]["errors"]["cart"] == {"</script><b>500": 1}
    assert told["ok"] is False
    assert not re.search(r"\$(title|css|js|figures|plot_)", text.replace(figures[1], ""))


def test_runs_are_kept_and_compared_with_their_own_kind(tmp_path: Path) -> None:
    """A failure means that a run is compared with one of another size, with itself, or with none."""
    first, other = report(), report(users=99, at=report().at + timedelta(minutes=1))
    latest = report(at=report().at + timedelta(hours=1), orders=8)
    assert previous(tmp_path, latest) is None
    for one in (first, other, latest):
        keep(one, "page", tmp_path)
    (tmp_path / "smoke-20260101T000000Z.json").write_text('{"of": "an older version"}')
    found = previous(tmp_path, latest)
    assert found is not None
    assert found.at == first.at
    changes = {change.what: change for change in compare(latest, found)}
    assert changes["orders"].percent == pytest.approx(100)
    assert compare(latest, None) == []


def test_wrks_answer_is_read() -> None:
    """A failure means that every ceiling is computed from misread figures."""
    said = (
        "Running 5s test\n"
        'JSON {"duration_us":2000000,"requests":1000,"p50_us":1500,"p90_us":2500,"p99_us":9000,"max_us":12000,'
        '"connect":0,"read":1,"write":0,"timeout":2,"status":100}\n'
    )
    run = parse(said)
    assert (run.requests_per_s, run.ok, run.refused, run.broken) == (500, 900, 100, 3)
    assert run.ok_per_s == 450
    assert run.p99_ms == 9
    with pytest.raises(BenchError, match="unable to connect"):
        parse("unable to connect to 127.0.0.1")


def test_processes_are_metered() -> None:
    """A failure means that CPU by process is missing from every report, or belongs to somebody else."""
    meter = Meter({os.getpid(): "tests"})
    sum(number * number for number in range(2_000_000))
    usage = {one.role: one for one in meter.read()}
    assert usage["tests"].cores > 0.1
    assert usage["tests"].memory_mib > 5


def test_a_load_tool_that_has_ended_is_metered() -> None:
    """A failure means that the load's share of the box is told as nothing."""
    meter = Meter({os.getpid(): "load"})
    subprocess.run([sys.executable, "-c", "sum(n * n for n in range(2_000_000))"], check=True)
    usage = {one.role: one for one in meter.read()}
    assert usage["load"].cores > 0.1


def test_samples_of_a_role_that_ended_still_count() -> None:
    """A failure means that a load process is missing from the CPU figures because it has ended."""
    whole = over([[Usage("load", 1, 0.5, 10.0)], [Usage("serve", 2, 1.0, 80.0)]])
    assert {one.role: one.cores for one in whole} == {"serve": 0.5, "load": 0.25}


def test_gevent_stays_in_the_load_processes() -> None:
    """A failure means that gevent patches the standard library under asyncio in a process of ours."""
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, bench.commands; print('gevent' in sys.modules, 'locust' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["False", "False"]
