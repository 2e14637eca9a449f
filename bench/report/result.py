"""One run of one scenario, whichever: what the terminal, the page, the file and the comparison are made of.

**Guarantees** (held by tests/unit/bench):
- A run whose figures do not count (a failed request, a broken invariant) is never told as good, whatever its figures are.
- What is compared with an earlier run is a ratio to the bare server of its own run, so that a busier machine is no change.
"""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, field

from bench.measure.processes import Usage
from bench.measure.targets import Verdict
from checkout.audit.model import Report as AuditReport


class Row(Struct, frozen=True):
    """One kind of request. Units: milliseconds, answers a second, µs of CPU a good answer by process kind.

    Shape: `good` answers are those that the row is about; `shed` were refused to protect the shop (429, 503); `ratio` is
    `per_s` (good ones) ÷ the bare server's, where that is asked: the median window's, `between` the least and the greatest.
    """

    name: str
    what: str
    per_s: float
    requests: int
    good: int
    shed: int = 0
    failed: int = 0
    ratio: float | None = None
    over: str = ""
    p50_ms: float = 0.0
    p90_ms: float = 0.0
    p99_ms: float = 0.0
    p999_ms: float = 0.0
    max_ms: float = 0.0
    cpu_us: dict[str, float] = field(default_factory=dict)
    strong: bool = False
    between: tuple[float, float] | None = None


class Table(Struct, frozen=True):
    """Anything else that reads best as a table; the first column is text, the others are numbers."""

    title: str
    heads: list[str]
    rows: list[list[str]]


class Line(Struct, frozen=True):
    """One line of a chart; None is a gap."""

    name: str
    values: list[float | None]


class Chart(Struct, frozen=True):
    """One plot. Shape: `kind`: `time` (xs in seconds), `percentiles` (xs in percent), `log` (both axes) or `bars`: `labels`
    in place of xs, lines are stacked, `marks` are levels to be reached."""

    title: str
    unit: str
    xs: list[float]
    lines: list[Line]
    kind: str = "time"
    labels: list[str] = field(default_factory=list)
    marks: list[float | None] = field(default_factory=list)
    filled: bool = False


class Figure(Struct, frozen=True):
    """What is compared with the run before.

    Shape: `kind` says how it depends on the machine: rate (÷ bare/s), time (× bare/s); ratio, count, memory: not at all.
    """

    name: str
    value: float
    kind: str
    less_is_better: bool = False


class Machine(Struct, frozen=True):
    """Where it ran, and which version."""

    cores: int
    memory_gib: float
    processor: str
    system: str
    python: str
    commit: str
    load_before: float


class Result(Struct, frozen=True):
    """One run. Units: seconds; `bare_per_s`: bare POSTs a second in the same run, 0 when not measured.

    Shape: `problems` say why the figures do not count; `notes` what a reader should know. `tolerated` are
    invariants that need not hold because the backlog was not worked off before the audit.
    """

    scenario: str
    title: str
    at: datetime
    took_s: float
    asked: dict[str, str]
    machine: Machine
    rows: list[Row] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bare_per_s: float = 0.0
    audit: AuditReport | None = None
    tolerated: list[str] = field(default_factory=list)

    @property
    def broken(self) -> list[str]:
        """Invariants that do not hold."""
        if self.audit is None:
            return []
        return [name for name in self.audit.failed if name not in self.tolerated]

    @property
    def counts(self) -> bool:
        """Whether the figures count: nothing failed, and the audit is clean."""
        return not self.problems and not self.broken

    @property
    def met(self) -> bool:
        """Whether every target was met."""
        return all(verdict.ok for verdict in self.verdicts)

    @property
    def ok(self) -> bool:
        """Whether the figures count and are good enough."""
        return self.counts and self.met

    @property
    def exit_code(self) -> int:
        """0: good; 1: a target was missed; 3: the figures do not count. (2: it could not run at all.)"""
        return 0 if self.ok else 1 if self.counts else 3

    @property
    def kept_name(self) -> str:
        """What its files are called."""
        return f"{self.scenario}-{self.at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def this_machine() -> Machine:
    """Cores that we may use, memory, versions, and how busy it was before."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(memory, 1),
        processor=_processor(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        commit=_commit(),
        load_before=round(os.getloadavg()[0], 2),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _commit() -> str:
    """The version under test; a plus when files differ from it."""
    here = Path(__file__).parent
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"],
            cwd=here,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return said.stdout.strip()
