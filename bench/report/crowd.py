"""What a crowd saw, as rows, plots and verdicts."""

from collections.abc import Sequence

from bench.load.crowd import Seen
from bench.load.plan import Plan
from bench.load.recording import Second
from bench.load.run import PERCENTS
from bench.measure.histogram import Histogram
from bench.measure.judge import judge, levels, whole
from bench.measure.processes import OTHERS, Usage, over
from bench.measure.targets import Verdict
from bench.report.result import Chart, Figure, Line, Row, Table

_ERRORS_SHOWN = 10
_LATE_NOTED_MS = 25.0
_LATE_MOST_MS = 50.0


class CrowdReport:
    """One crowd's figures. Shape: rows by request name, by group, and all."""

    def __init__(self, scenario: str, plan: Plan, seen: Seen) -> None:
        self._scenario, self._plan, self._seen = scenario, plan, seen
        self._by_group: dict[str, Histogram] = {}
        for name, histogram in seen.recorded.names.items():
            self._by_group.setdefault(_group(name), Histogram()).merge(histogram)
        self._whole = whole(self._by_group)
        requests = len(self._whole)
        self._interval_us = plan.users * plan.steady_s * 1e6 / requests if requests else 0.0
        self.errors = sum(sum(texts.values()) for texts in seen.recorded.errors.values())

    @property
    def usage(self) -> list[Usage]:
        """Use by process kind over the whole run."""
        return over(self._seen.samples)

    def rows(self) -> list[Row]:
        """By request, by group, all."""
        recorded = self._seen.recorded
        rows = [
            self._row(name, seen, _count(recorded.errors.get(name)))
            for name, seen in sorted(recorded.names.items())
        ]
        for group, seen in sorted(self._by_group.items()):
            errors = sum(_count(texts) for name, texts in recorded.errors.items() if _group(name) == group)
            rows.append(self._row(f"all of {group}", seen, errors, strong=True))
        return [*rows, self._row("all requests", self._whole, self.errors, strong=True)]

    def _row(self, name: str, seen: Histogram, errors: int, *, strong: bool = False) -> Row:
        steady_s = self._plan.steady_s
        return Row(
            name,
            name,
            round(len(seen) / steady_s, 1) if steady_s else 0.0,
            len(seen),
            len(seen) - errors,
            failed=errors,
            p50_ms=round(seen.percentile_ms(50), 2),
            p90_ms=round(seen.percentile_ms(90), 2),
            p99_ms=round(seen.percentile_ms(99), 2),
            p999_ms=round(seen.percentile_ms(99.9), 2),
            max_ms=round(seen.most_us / 1000, 2),
            strong=strong,
        )

    def verdicts(self) -> list[Verdict]:
        """The scenario's service levels, by latencies corrected for the requests that waiting shoppers did not send."""
        corrected = {group: seen.corrected(self._interval_us) for group, seen in self._by_group.items()}
        return judge(levels(self._scenario), corrected, errors=self.errors, orders=len(self._seen.orders))

    def tables(self) -> list[Table]:
        """Errors by what was said."""
        told = sorted(
            (
                (count, name, text)
                for name, texts in self._seen.recorded.errors.items()
                for text, count in texts.items()
            ),
            reverse=True,
        )
        if not told:
            return []
        rows = [[f"{name}: {text}", f"{count:,}"] for count, name, text in told[:_ERRORS_SHOWN]]
        return [Table("Errors", ["What", "times"], rows)]

    def lateness(self) -> tuple[list[str], list[str]]:
        """(problems, notes) when the load processes themselves were late: what they then measure is themselves."""
        late = self._seen.recorded.late
        usual, worst = late.percentile_ms(50), late.percentile_ms(99)
        if usual > _LATE_MOST_MS:
            return [
                f"the load processes were {usual:,.0f} ms late themselves (median): they had too little CPU, and their "
                "latencies are their own"
            ], []
        if worst > _LATE_NOTED_MS:
            return [], [
                f"the load processes were up to {worst:,.0f} ms late themselves (p99); latencies include it"
            ]
        return [], []

    def facts(self) -> list[tuple[str, str]]:
        """What is asked for first."""
        seen, steady_s = self._whole, self._plan.steady_s
        return [
            (f"{self._plan.users:,}", "shoppers at once"),
            (f"{len(seen) / steady_s:,.0f}/s" if steady_s else "–", "requests"),
            (f"{len(self._seen.orders):,}", "orders placed"),
            (f"{seen.percentile_ms(50):.1f} ms", "p50"),
            (f"{seen.percentile_ms(99):.1f} ms", "p99"),
            (f"{self.errors:,}", "errors"),
        ]

    def figures(self) -> list[Figure]:
        """What is compared with the run before."""
        found = [
            Figure(f"{g} p99", seen.percentile_ms(99), "time", True)
            for g, seen in sorted(self._by_group.items())
        ]
        found.append(Figure("all p50", self._whole.percentile_ms(50), "time", True))
        found += [
            Figure(f"CPU of {one.role}", one.cpu_s, "time", True)
            for one in self.usage
            if one.role in ("serve", "postgres")
        ]
        return found

    def charts(self) -> list[Chart]:
        """The run second by second, and latencies by percentile."""
        recorded = self._seen.recorded
        last = min(max(recorded.seconds, default=-1) + 1, int(self._plan.ramp_s + self._plan.steady_s))
        xs = [float(at) for at in range(last)]
        seconds = [recorded.seconds.get(at, Second()) for at in range(last)]
        latencies = [recorded.latencies.get(at, Histogram()) for at in range(last)]
        return [
            Chart(
                "Requests, orders and errors a second",
                "",
                xs,
                [
                    Line("requests", [float(second.requests) for second in seconds]),
                    Line("orders", [float(second.orders) for second in seconds]),
                    Line("errors", [float(second.errors) for second in seconds]),
                ],
                filled=True,
            ),
            Chart("Latency", "ms", xs, [percentiles_line(latencies, percent) for percent in (50, 99)]),
            Chart(
                "Latency by percentile",
                "ms",
                list(PERCENTS),
                [
                    Line(group, [round(seen.percentile_ms(percent), 3) for percent in PERCENTS])
                    for group, seen in sorted(self._by_group.items())
                ],
                "percentiles",
            ),
            *usage_charts(self._seen.samples),
            Chart(
                "Shoppers",
                "",
                xs,
                [Line("shoppers", [float(second.users) for second in seconds])],
                filled=True,
            ),
        ]


def usage_charts(samples: Sequence[Sequence[Usage]]) -> list[Chart]:
    """Cores and memory, second by second, by process kind."""
    most: dict[str, float] = {}
    for sample in samples:
        for one in sample:
            most[one.role] = max(most.get(one.role, 0.0), one.cores)
    shown = [
        role for role, cores in sorted(most.items(), key=lambda i: (i[0] == OTHERS, -i[1])) if cores > 0.02
    ]
    xs = [float(at) for at in range(len(samples))]
    by_role = [{one.role: one for one in sample} for sample in samples]
    return [
        Chart(
            "Cores used, by process",
            "",
            xs,
            [Line(role, [s[role].cores if role in s else None for s in by_role]) for role in shown],
        ),
        Chart(
            "Private memory, by process",
            "MiB",
            xs,
            [
                Line(role, [s[role].memory_mib if role in s else None for s in by_role])
                for role in shown
                if role != OTHERS
            ],
        ),
    ]


def percentiles_line(latencies: Sequence[Histogram], percent: float) -> Line:
    """One percentile, second by second; seconds without an answer are gaps."""
    return Line(
        f"p{percent:g}", [round(seen.percentile_ms(percent), 2) if len(seen) else None for seen in latencies]
    )


def _group(name: str) -> str:
    """Request names are `group: what`."""
    return name.partition(":")[0]


def _count(texts: dict[str, int] | None) -> int:
    return sum(texts.values()) if texts else 0
