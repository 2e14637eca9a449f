"""CPU and memory of processes, read from /proc: by role, in cores, and in MiB that a process shares with no other."""

import asyncio
import os
import resource
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ROLES = (
    ("checkout serve", "serve"),
    ("checkout work", "work"),
    ("workers.main", "work"),
    ("checkout relay", "relay"),
    ("checkout sandbox", "sandbox"),
    ("checkout up", "supervisor"),
    ("postgres", "postgres"),
    ("/gate", "gate"),
    ("/broker", "broker"),
    ("bench.shop.bare", "bare"),
    ("locust", "generator"),
    ("wrk", "generator"),
    ("bench.load", "generator"),
)
OTHERS = "others"
"""The role of all that is not below a root: what else ran on this machine meanwhile."""


class Usage(Struct, frozen=True):
    """One role over a while. Units: cores used on average, MiB (private: shared buffers count for nobody) at the end."""

    role: str
    processes: int
    cores: float
    memory_mib: float
    cpu_s: float = 0.0


class _Seen(Struct, frozen=True):
    role: str
    cpu_s: float
    private_mib: float


def _role_of(command: str) -> str | None:
    return next((role for part, role in _ROLES if part in command), None)


def _read(pid: int) -> tuple[int, str, float, float] | None:
    """(parent, command, CPU seconds, MiB), or None when it is gone."""
    folder = Path(f"/proc/{pid}")
    try:
        stat = (folder / "stat").read_text().rpartition(")")[2].split()
        _, resident, shared, *_ = (folder / "statm").read_text().split()
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    cpu_s = (int(stat[11]) + int(stat[12])) * _TICK_S
    return int(stat[1]), command, cpu_s, (int(resident) - int(shared)) * _PAGE / 2**20


def snapshot(roots: Mapping[int, str]) -> dict[int, _Seen]:
    """Every process below the roots. Shape: `roots` is pid → role of what is not known by its command line."""
    table = {int(name): read for name in os.listdir("/proc") if name.isdigit() and (read := _read(int(name)))}
    roles: dict[int, str] = {}

    def role(pid: int) -> str | None:
        """Its own role, else its parent's, when it descends from a root."""
        if pid in roles:
            return roles[pid]
        if pid not in table:
            return None
        above = roots.get(pid) or role(table[pid][0])
        if above is None:
            return None
        roles[pid] = _role_of(table[pid][1]) or above
        return roles[pid]

    return {pid: _Seen(named, read[2], read[3]) for pid, read in table.items() if (named := role(pid))}


def pids_of(roots: Mapping[int, str], role: str) -> list[int]:
    """Processes of one role below the roots."""
    return [pid for pid, seen in snapshot(roots).items() if seen.role == role]


def _ended_children_s() -> float:
    """CPU seconds of our own children that have ended: load tools that are gone before they can be looked at."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _machine_s() -> float:
    """CPU seconds that the machine has been busy since it started; 0 where it does not say."""
    try:
        user, nice, system, _idle, _wait, irq, softirq, steal = (
            int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        )
    except (OSError, ValueError):
        return 0.0
    return (user + nice + system + irq + softirq + steal) * _TICK_S


class Meter:
    """Measures from its making to `read`. Where we are a root ourselves, children that ended meanwhile count as ours.

    What the rest of the machine used is told under the role `others`.
    """

    def __init__(self, roots: Mapping[int, str]) -> None:
        self._roots = dict(roots)
        self._machine_s = _machine_s()
        self._at = time.monotonic()
        self._before = snapshot(self._roots)
        self._ended_s = _ended_children_s()

    def read(self) -> list[Usage]:
        """Use by role since the beginning, greatest first."""
        elapsed_s = max(time.monotonic() - self._at, 1e-3)
        cpu: defaultdict[str, float] = defaultdict(float)
        memory: defaultdict[str, float] = defaultdict(float)
        count: defaultdict[str, int] = defaultdict(int)
        now = snapshot(self._roots)
        for pid, seen in now.items():
            before = self._before.get(pid)
            cpu[seen.role] += seen.cpu_s - (before.cpu_s if before else 0.0)
            memory[seen.role] += seen.private_mib
            count[seen.role] += 1
        mine = self._roots.get(os.getpid())
        if mine is not None:  # with all they ever used: what they had used before is not of this while
            gone_s = sum(
                seen.cpu_s for pid, seen in self._before.items() if pid not in now and seen.role == mine
            )
            cpu[mine] += max(0.0, _ended_children_s() - self._ended_s - gone_s)
        cpu[OTHERS] = max(0.0, _machine_s() - self._machine_s - sum(cpu.values()))
        usages = [
            Usage(
                role,
                count[role],
                round(cpu[role] / elapsed_s, 3),
                round(memory[role], 1),
                round(cpu[role], 3),
            )
            for role in cpu
        ]
        return sorted(usages, key=lambda usage: (usage.role == OTHERS, -usage.cores))


def over(samples: Sequence[Sequence[Usage]]) -> list[Usage]:
    """Many short whiles as one: mean cores, most processes, most memory. A role that has ended still counts."""
    roles = dict.fromkeys(one.role for sample in samples for one in sample)
    whole = []
    for role in roles:
        mine = [one for sample in samples for one in sample if one.role == role]
        whole.append(
            Usage(
                role,
                max(one.processes for one in mine),
                round(sum(one.cores for one in mine) / len(samples), 3),
                max(one.memory_mib for one in mine),
                round(sum(one.cpu_s for one in mine), 3),
            )
        )
    return sorted(whole, key=lambda usage: (usage.role == OTHERS, -usage.cores))


class Sampler:
    """Meters second by second while something runs: `async with Sampler(roots) as samples: …`."""

    def __init__(self, roots: Mapping[int, str], *, every_s: float = 1.0) -> None:
        self._roots = dict(roots)
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None
        self.samples: list[list[Usage]] = []

    async def __aenter__(self) -> "Sampler":
        self._task = asyncio.create_task(self._sample())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _sample(self) -> None:
        while True:
            meter = Meter(self._roots)
            await asyncio.sleep(self._every_s)
            self.samples.append(await asyncio.to_thread(meter.read))

    def whole(self) -> list[Usage]:
        """All samples as one while."""
        return over(self.samples)


def cpu_us(usage: Sequence[Usage], requests: int) -> dict[str, float]:
    """CPU per request by role, of those that worked for it. Units: microseconds."""
    if not requests:
        return {}
    return {
        one.role: round(one.cpu_s / requests * 1e6, 1)
        for one in usage
        if one.role not in (OTHERS, "supervisor") and one.cpu_s > 0
    }


def since_birth(roots: Mapping[int, str], elapsed_s: float) -> list[Usage]:
    """What every process has used since it began; ourselves left out. Units: `cores` over `elapsed_s`."""
    by_role: defaultdict[str, list[_Seen]] = defaultdict(list)
    for pid, seen in snapshot(roots).items():
        if pid != os.getpid():
            by_role[seen.role].append(seen)
    usages = []
    for role, all_of_it in by_role.items():
        cpu_s, memory_mib = sum(one.cpu_s for one in all_of_it), sum(one.private_mib for one in all_of_it)
        cores = round(cpu_s / elapsed_s, 3) if elapsed_s else 0.0
        usages.append(Usage(role, len(all_of_it), cores, round(memory_mib, 1), round(cpu_s, 3)))
    return sorted(usages, key=lambda usage: -usage.cores)


class Memory(Struct, frozen=True):
    """One process's memory. Units: MiB. Shape: `pss` divides shared pages by those who share them."""

    pid: int
    rss_mib: float
    pss_mib: float


def memory_of(roots: Mapping[int, str], role: str) -> list[Memory]:
    """Memory of each process of a role, greatest first."""
    found = []
    for pid, seen in snapshot(roots).items():
        if seen.role != role:
            continue
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        kib = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:] if " kB" in line}
        found.append(Memory(pid, round(kib.get("Rss", 0) / 1024, 1), round(kib.get("Pss", 0) / 1024, 1)))
    return sorted(found, key=lambda one: -one.rss_mib)
