"""Percentiles, the correction of coordinated omission, what load tools say, CPU by process."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.load import recording
from bench.load.wrk_tool import parse
from bench.measure.histogram import Histogram
from bench.measure.processes import OTHERS, Meter, Usage, cpu_us, memory_of, over, snapshot
from bench.problem import BenchError


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


def test_wrks_answer_is_read() -> None:
    """A failure means that every ceiling is computed from misread figures."""
    said = (
        "Running 5s test\n"
        'JSON {"duration_us":2000000,"requests":1000,"max_us":12000,"connect":0,"read":1,"write":0,"timeout":2,"status":100,'
        '"percentiles":[[0,100],[50,1500],[90,2500],[99,9000],[99.9,11000],[100,12000]]}\n'
    )
    run = parse(said)
    assert (run.requests_per_s, run.ok, run.refused, run.broken) == (500, 900, 100, 3)
    assert run.ok_per_s == 450
    assert (run.p50_ms, run.p99_ms, run.p999_ms, run.max_ms) == (1.5, 9, 11, 12)
    assert run.distribution[-1] == (100, 12)
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
    meter = Meter({os.getpid(): "generator"})
    subprocess.run([sys.executable, "-c", "sum(n * n for n in range(2_000_000))"], check=True)
    usage = {one.role: one for one in meter.read()}
    assert usage["generator"].cores > 0.1


def test_what_a_tool_used_before_is_not_of_the_while_in_which_it_ends() -> None:
    """A failure means that the last second of every chart shows as many cores as the load used in all its time."""
    burn = "sum(n * n for n in range(8_000_000)); print('done', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as tool:
        assert tool.stdout is not None
        assert tool.stdout.readline() == "done\n"
        used_s = snapshot({os.getpid(): "generator"})[tool.pid].cpu_s
        meter = Meter({os.getpid(): "generator"})
        tool.communicate("\n")
    usage = {one.role: one for one in meter.read()}
    assert used_s > 0.1
    assert usage["generator"].cpu_s < used_s / 2


def test_samples_of_a_role_that_ended_still_count() -> None:
    """A failure means that a load process is missing from the CPU figures because it has ended."""
    whole = over([[Usage("load", 1, 0.5, 10.0)], [Usage("serve", 2, 1.0, 80.0)]])
    assert {one.role: one.cores for one in whole} == {"serve": 0.5, "load": 0.25}


def test_cpu_is_told_per_request() -> None:
    """A failure means that the cost of a request includes the load generator's neighbours, or is off by a factor."""
    usage = [
        Usage("serve", 2, 1.0, 80.0, 4.0),
        Usage("supervisor", 1, 0.1, 9.0, 0.2),
        Usage(OTHERS, 0, 1.0, 0.0, 3.0),
    ]
    assert cpu_us(usage, 20_000) == {"serve": 200.0}
    assert cpu_us(usage, 0) == {}


def test_what_others_use_is_told_apart() -> None:
    """A failure means that a busy machine looks like a quiet one, and nobody doubts the ratios."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as stranger:
        try:
            meter, until = Meter({0: "nobody"}), time.monotonic() + 20
            while (others := meter.read()[-1].cpu_s) < 0.2 and time.monotonic() < until:
                pass
        finally:
            stranger.kill()
    assert others >= 0.2


def test_memory_of_a_process_is_read() -> None:
    """A failure means that memory is judged by a figure that is not there."""
    mine = next(one for one in memory_of({os.getpid(): "tests"}, "tests") if one.pid == os.getpid())
    assert 10 < mine.pss_mib <= mine.rss_mib


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
