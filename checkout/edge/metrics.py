"""Numbers for Prometheus, counted in plain lists on the hot path.

Each process writes its numbers to a file of its own once a second and when it ends; `/metrics` of any process adds
the files of all. Counters of processes that have ended stay in the sums; their gauges do not.

Source: https://prometheus.io/docs/concepts/metric_types/, exposition by prometheus-client.
"""

import contextlib
import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """One metric: what docs/metrics.md says of it. Shape: `kind` is counter, gauge or histogram."""

    name: str
    kind: str
    help: str
    labels: Labels = ()


RESIDENT = Described("checkout_process_resident_bytes", "gauge", "Resident memory", ("kind",))
CPU = Described("checkout_process_cpu_seconds_total", "counter", "CPU time used", ("kind",))


class Counter:
    """Only grows. `value` may be increased directly on the hot path."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, by: float = 1) -> None:
        """Adds `by` ≥ 0."""
        self.value += by


class Gauge(Counter):
    """A level; the sum over the living processes is shown."""

    __slots__ = ()

    def set(self, value: float) -> None:
        """Puts the level."""
        self.value = value


class Histogram:
    """Times in seconds, counted into BOUNDS_S. Cost of `observe`: 0.3 µs."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum = 0.0

    def observe(self, took_s: float) -> None:
        """Counts one time. Units: s."""
        self.counts[bisect_left(BOUNDS_S, took_s)] += 1
        self.sum += took_s


class Metrics:
    """This process's numbers, and the merged numbers of all.

    Shape: `folder` holds one file a process, `<kind>-<pid>-<start>.json`; without a folder only this process is shown.
    """

    def __init__(self, folder: Path | None = None, *, kind: str = "serve") -> None:
        self._folder = folder
        self._file = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = folder / f"{kind}-{os.getpid()}-{time.time_ns()}.json"
        self._writing = threading.Lock()
        self._described: dict[str, Described] = {}
        self._series: dict[tuple[str, Labels], Counter | Histogram] = {}
        self.before_flush: list[Any] = []

    def counter(self, described: Described, labels: Labels = ()) -> Counter:
        """The counter with these label values, made when first asked for."""
        return self._get(described, labels, Counter)  # type: ignore[no-any-return]

    def gauge(self, described: Described, labels: Labels = ()) -> Gauge:
        """The gauge with these label values."""
        return self._get(described, labels, Gauge)  # type: ignore[no-any-return]

    def histogram(self, described: Described, labels: Labels = ()) -> Histogram:
        """The histogram with these label values."""
        return self._get(described, labels, Histogram)  # type: ignore[no-any-return]

    def _get(self, described: Described, labels: Labels, made: Any) -> Any:
        if len(labels) != len(described.labels):
            raise ValueError(f"{described.name} has the labels {described.labels}, not {labels}")
        self._described[described.name] = described
        found = self._series.get((described.name, labels))
        if found is None:
            found = self._series[described.name, labels] = made()
        return found

    def watch_process(self, kind: str) -> None:
        """Adds this process's memory and CPU time to every flush, under its kind (serve, work, relay)."""
        resident, cpu = self.gauge(RESIDENT, (kind,)), self.counter(CPU, (kind,))

        def prepare() -> None:
            times = os.times()
            cpu.value = times.user + times.system
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            resident.set(pages * os.sysconf("SC_PAGE_SIZE"))

        self.before_flush.append(prepare)

    def snapshot(self) -> dict[str, Any]:
        """Everything of this process, as it goes into the file; from any thread, while others count."""
        for prepare in self.before_flush:
            prepare()
        # Each in one step: a copy makes no object for each entry, at which the collector could let another thread go on.
        described, series = list(self._described.values()), self._series.copy()
        return {
            "pid": os.getpid(),
            "described": [[d.name, d.kind, d.help, list(d.labels)] for d in described],
            "series": [
                [
                    name,
                    list(labels),
                    [*found.counts, found.sum] if isinstance(found, Histogram) else found.value,
                ]
                for (name, labels), found in series.items()
            ],
        }

    def flush(self) -> None:
        """Writes the file, whole or not at all; from any thread. Cost: under 1 ms, but a busy disk may hold it up."""
        if self._file is None:
            return
        part = self._file.with_suffix(".part")
        # A full disk must not stop the shop: the other processes then show older numbers of this one.
        with self._writing, contextlib.suppress(OSError):
            part.write_bytes(orjson.dumps(self.snapshot()))
            part.replace(self._file)

    def render(self) -> bytes:
        """The exposition text of all processes; from a thread, because a busy disk may hold it up.

        What it shows of this process is written first: a counter that was seen never falls, whatever dies.
        """
        self.flush()
        snapshots = [self.snapshot()] if self._folder is None else list(_read(self._folder))
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Merged(snapshots))
        return generate_latest(registry)


METRICS = web.AppKey("metrics", Metrics)
"""Under this key an application keeps its numbers."""


def forget(folder: Path, kind: str) -> None:
    """Drops the files of earlier runs of this kind: called once by a node's first process of the kind."""
    for path in folder.glob(f"{kind}-*"):
        path.unlink(missing_ok=True)


def _read(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(
            OSError, orjson.JSONDecodeError
        ):  # just replaced or removed: the next scrape has it
            yield orjson.loads(path.read_bytes())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class _Merged:
    """A prometheus-client collector over the snapshots of many processes."""

    def __init__(self, snapshots: Iterable[dict[str, Any]]) -> None:
        self._snapshots = snapshots

    def collect(self) -> Iterator[Metric]:
        kinds: dict[str, tuple[str, str, list[str]]] = {}
        sums: dict[str, dict[Labels, list[float]]] = {}
        for snapshot in self._snapshots:
            living = _alive(snapshot["pid"])
            for name, kind, text, labels in snapshot["described"]:
                kinds.setdefault(name, (kind, text, labels))
            for name, labels, value in snapshot["series"]:
                if kinds[name][0] == "gauge" and not living:
                    continue
                values = value if isinstance(value, list) else [value]
                into = sums.setdefault(name, {}).setdefault(tuple(labels), [0.0] * len(values))
                for at, number in enumerate(values):
                    into[at] += number
        for name, (kind, text, labels) in sorted(kinds.items()):
            yield _family(name, kind, text, labels, sums.get(name, {}))


def _family(name: str, kind: str, text: str, labels: list[str], series: dict[Labels, list[float]]) -> Metric:
    if kind == "histogram":
        histogram = HistogramMetricFamily(name, text, labels=labels)
        for values, numbers in sorted(series.items()):
            total, buckets = 0.0, []
            for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), numbers[:-1], strict=True):
                total += count
                buckets.append((bound, total))
            histogram.add_metric(list(values), buckets, sum_value=numbers[-1])
        return histogram
    family: CounterMetricFamily | GaugeMetricFamily
    family = (CounterMetricFamily if kind == "counter" else GaugeMetricFamily)(name, text, labels=labels)
    for values, numbers in sorted(series.items()):
        family.add_metric(list(values), numbers[0])
    return family
