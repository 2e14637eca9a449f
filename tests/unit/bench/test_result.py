"""Results: when they count, how they are kept, compared and shown."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.measure.processes import Usage
from bench.measure.targets import Verdict
from bench.report import history
from bench.report.history import change, compare, keep, previous
from bench.report.page import page
from bench.report.result import Chart, Figure, Line, Result, Row, Table, this_machine
from bench.report.terminal import console, print_result
from bench.shop.afterwards import Afterwards
from checkout.audit.model import Finding, Scale
from checkout.audit.model import Report as AuditReport

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def audit(**figures: int) -> AuditReport:
    """An audit that found this much wrong, by invariant."""
    found = {"oversold_units": 0, **figures}
    return AuditReport(
        AT, 0.0, 1.0, Scale(), tuple(Finding(n, "It holds.", "units", f, not f) for n, f in found.items())
    )


def result(**changes: Any) -> Result:
    """A run to be shown."""
    plain = Result(
        scenario="ceiling",
        title="Ceiling",
        at=AT,
        took_s=3.0,
        asked={"seconds": "2"},
        machine=this_machine(),
        rows=[
            Row(
                "express",
                "express checkouts",
                1000.0,
                2000,
                1990,
                8,
                2,
                0.25,
                "bare POST",
                1,
                2,
                3,
                4,
                5,
                {"serve": 90},
            )
        ],
        tables=[Table("Errors", ["What", "times"], [["</script><b>500", "1"]])],
        charts=[
            Chart("Latency", "ms", [0.0, 1.0], [Line("p50", [1.0, None])]),
            Chart("Ratio", "", [], [Line("ratio", [0.25])], "bars", ["express"], [0.3]),
        ],
        facts=[("1,000/s", "express checkouts")],
        verdicts=[Verdict("V1", "express ÷ bare", 0.31, "≥ 0.3", True)],
        figures=[Figure("express ÷ bare POST", 0.31, "ratio"), Figure("p99", 20.0, "time", True)],
        usage=[Usage("serve", 2, 1.5, 80.0, 3.0)],
        bare_per_s=1000.0,
        audit=audit(),
    )
    return msgspec.structs.replace(plain, **changes)


MISSED = [Verdict("V1", "express ÷ bare", 0.1, "≥ 0.3", False)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"audit": None}, 0),
        ({"verdicts": MISSED}, 1),
        ({"problems": ["something failed"]}, 3),
        ({"audit": audit(oversold_units=1)}, 3),
        ({"audit": audit(oversold_units=1), "verdicts": MISSED}, 3),
        ({"audit": audit(outbox_unfinished=9)}, 3),
        ({"audit": audit(outbox_unfinished=9), "tolerated": ["outbox_unfinished"]}, 0),
        ({"audit": audit(outbox_unfinished=9, oversold_units=1), "tolerated": ["outbox_unfinished"]}, 3),
    ],
)
def test_a_result_counts_only_when_nothing_failed(changes: dict[str, Any], code: int) -> None:
    """A failure means that a figure without a clean audit passes for one, or that a build stops for nothing."""
    assert result(**changes).exit_code == code


def test_changes_are_told_by_ratio() -> None:
    """A failure means that a busier machine is told as a slower shop."""
    half_as_fast = {"bare_now": 500.0, "bare_before": 1000.0}
    rate = change(Figure("rate", 50, "rate"), Figure("rate", 100, "rate"), **half_as_fast)
    time = change(Figure("p99", 40, "time", True), Figure("p99", 20, "time", True), **half_as_fast)
    ratio = change(Figure("ratio", 0.3, "ratio"), Figure("ratio", 0.2, "ratio"), **half_as_fast)
    memory = change(
        Figure("memory", 120, "memory", True), Figure("memory", 100, "memory", True), **half_as_fast
    )
    assert rate is not None
    assert (rate.factor, rate.better, rate.corrected) == (1.0, None, True)
    assert time is not None
    assert (time.factor, time.better, time.corrected) == (1.0, None, True)
    assert ratio is not None
    assert (ratio.factor, ratio.better) == (1.5, True)
    assert memory is not None
    assert (memory.factor, memory.better) == (1.2, False)


def test_without_the_bare_server_a_change_says_that_it_is_raw() -> None:
    """A failure means that an absolute comparison passes for a corrected one."""
    found = change(
        Figure("p99", 40, "time", True), Figure("p99", 20, "time", True), bare_now=0, bare_before=1000
    )
    assert found is not None
    assert (found.factor, found.better, found.corrected) == (2.0, False, False)
    assert change(Figure("p99", 40, "time"), Figure("p99", 0, "time"), bare_now=1, bare_before=1) is None


def test_runs_are_kept_and_compared_with_their_own_kind(tmp_path: Path) -> None:
    """A failure means that a run is compared with one of another size, with itself, or with none."""
    first = result()
    other = result(asked={"seconds": "9"}, at=AT + timedelta(minutes=1))
    now = result(at=AT + timedelta(hours=1), figures=[Figure("express ÷ bare POST", 0.62, "ratio")])
    assert previous(tmp_path, now) is None
    for one in (first, other, now):
        keep(one, "page", tmp_path)
    (tmp_path / "ceiling-20260102T030406Z.json").write_text('{"of": "an older version"}')
    found = previous(tmp_path, now)
    assert found is not None
    assert found.at == first.at
    told = compare(now, found)
    assert told is not None
    assert {one.what: one.factor for one in told.changes} == {"express ÷ bare POST": 2.0}
    assert compare(now, None) is None


def test_only_the_last_runs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure means that results fill the disk, or that the newest is thrown away."""
    monkeypatch.setattr(history, "KEPT_MOST", 2)
    for minute in range(4):
        keep(result(at=AT + timedelta(minutes=minute)), "page", tmp_path)
    keep(result(scenario="ceiling-other", at=AT), "page", tmp_path)
    names = sorted(path.name for path in tmp_path.glob("ceiling-2*"))
    assert names == [f"ceiling-20260102T030{m}05Z.{kind}" for m in (6, 7) for kind in ("html", "json")]


def test_the_page_holds_everything_and_fetches_nothing() -> None:
    """A failure means that a report cannot be opened without a network, or that an error's text runs as a script."""
    now = result(at=AT + timedelta(hours=1))
    text = page(now, compare(now, result()))
    assert "uPlot" in text
    assert not re.search(r"""(?:src|href)=["']?(?!data:)[a-z]*:?//""", text)
    figures = re.search(r'<script type="application/json" id="figures">(.*?)</script>', text, re.DOTALL)
    assert figures
    told = json.loads(figures[1])
    assert told["result"]["tables"][0]["rows"][0][0] == "</script><b>500"
    assert told["exit_code"] == 0
    assert not re.search(r"\$(title|css|js|figures|plot_)", text.replace(figures[1], ""))


@pytest.mark.parametrize(
    "changes", [{}, {"verdicts": MISSED}, {"audit": None}, {"problems": ["[bold] failed"]}]
)
def test_the_terminal_says_it(changes: dict[str, Any]) -> None:
    """A failure means that a run ends in a traceback instead of its figures."""
    now = result(at=AT + timedelta(hours=1), **changes)
    with console.capture() as said:
        print_result(now, compare(now, result()))
    text = said.get()
    assert "express checkouts" in text
    assert "× 1.00" in text
    assert all(problem in text for problem in now.problems)
    assert ("met" in text) is now.met or not now.met


@pytest.mark.parametrize(
    ("left", "apart", "doubt", "tolerated"),
    [
        (0, 500, 900, []),
        (7, 0, 900, ["outbox_unfinished"]),
        (7, 500, 900, ["outbox_unfinished", "provider_ledger"]),
        (7, 901, 900, ["outbox_unfinished"]),
    ],
)
def test_only_money_in_doubt_may_be_apart(left: int, apart: int, doubt: int, tolerated: list[str]) -> None:
    """A failure means that money is missing after a run, and the run passes because some work was still owed."""
    found = Afterwards(audit(outbox_unfinished=left, provider_ledger=apart), 9, left, 1.0, doubt)
    assert found.tolerated == tolerated
    assert bool(found.notes) is bool(left)
