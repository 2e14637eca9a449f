"""docs/metrics.md: every number that /metrics shows."""

from checkout.edge.measured import CATALOGUE
from checkout.edge.metrics import BOUNDS_S


def metrics_page() -> str:
    """The catalogue as text."""
    lines = [
        "# Metrics",
        "",
        "Written by `make docs` from `checkout/edge/measured.py`. `GET /metrics` of any serve process shows the sum over",
        "all processes of its node. Counters of processes that have ended stay in the sums, their gauges do not.",
        "",
        f"Buckets of the histograms, in seconds: {', '.join(f'{bound:g}' for bound in BOUNDS_S)}.",
        "",
        "| metric | kind | labels | what it counts |",
        "|---|---|---|---|",
    ]
    for one in CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in one.labels)
        lines.append(f"| `{one.name}` | {one.kind} | {labels} | {one.help} |")
    return "\n".join(lines) + "\n"
