"""What a run leaves behind: figures as JSON, kept beside those of earlier runs, and compared with the last of its kind."""

import os
import platform
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct, field

from bench.judge import Row, Verdict
from bench.processes import Usage
from checkout.audit.model import Report as AuditReport

_KEPT_NAME = "%Y%m%dT%H%M%SZ"


class Moment(Struct, frozen=True):
    """One second of the run. Units: milliseconds; `cores` by role, `memory_mib` by role."""

    at_s: int
    users: int
    requests: int
    errors: int
    orders: int
    p50_ms: float
    p99_ms: float
    cores: dict[str, float] = field(default_factory=dict)
    memory_mib: dict[str, float] = field(default_factory=dict)


class Machine(Struct, frozen=True):
    """Where it ran."""

    cores: int
    memory_gib: float
    python: str
    system: str


class Report(Struct, frozen=True):
    """One run. Units: seconds. Shape: `distribution` is by group: (percentile, milliseconds)."""

    kind: str
    at: datetime
    users: int
    ramp_s: float
    steady_s: float
    own_shop: bool
    machine: Machine
    rows: list[Row]
    groups: list[Row]
    total: Row
    orders: int
    sold_out: int
    errors: dict[str, dict[str, int]]
    moments: list[Moment]
    usage: list[Usage]
    distribution: dict[str, list[tuple[float, float]]]
    verdicts: list[Verdict]
    audit: AuditReport | None

    @property
    def ok(self) -> bool:
        """Whether every service level holds and the audit, where one was possible, is clean."""
        return all(verdict.ok for verdict in self.verdicts) and (self.audit is None or self.audit.ok)


class Change(Struct, frozen=True):
    """One figure beside that of the run before."""

    what: str
    before: float
    now: float

    @property
    def percent(self) -> float:
        """How much more, in percent of before."""
        return (self.now - self.before) / self.before * 100 if self.before else 0.0


def this_machine() -> Machine:
    """Cores that we may use, memory, versions."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return Machine(
        len(os.sched_getaffinity(0)), round(memory, 1), platform.python_version(), platform.system()
    )


def keep(report: Report, page: str, folder: Path) -> tuple[Path, Path]:
    """Writes the JSON and the page; gives both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{report.kind}-{report.at.strftime(_KEPT_NAME)}"
    as_json, as_page = folder / f"{stem}.json", folder / f"{stem}.html"
    as_json.write_bytes(msgspec.json.encode(report))
    as_page.write_text(page)
    return as_json, as_page


def previous(folder: Path, report: Report) -> Report | None:
    """The last kept run of this kind with as many users; files that no longer fit are passed over."""
    for path in sorted(folder.glob(f"{report.kind}-*.json"), reverse=True):
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=Report)
        except msgspec.DecodeError:
            continue
        if kept.users == report.users and kept.at < report.at:
            return kept
    return None


def compare(now: Report, before: Report | None) -> list[Change]:
    """The figures that people ask for first."""
    if before is None:
        return []
    old = {row.name: row for row in before.groups}
    changes = [
        Change("requests/s", before.total.per_s, now.total.per_s),
        Change("orders", float(before.orders), float(now.orders)),
    ]
    changes += [
        Change(f"{row.name} p99 ms", old[row.name].p99_ms, row.p99_ms)
        for row in now.groups
        if row.name in old
    ]
    return changes
