"""How much a run may be believed: whether the machine was the same from first to last, and whether it was ours alone."""

from collections.abc import Mapping, Sequence

from bench.measure.processes import OTHERS, Usage

DRIFT_NOTED = 0.1
DRIFT_MOST = 0.25
BUSY_NOTED_CORES = 0.15
SHED_MOST = 0.05


def drift(
    first: Mapping[str, float], last: Mapping[str, float], *, of: str = "bare"
) -> tuple[list[str], list[str]]:
    """(problems, notes) of the bare server's rates, by method: beyond DRIFT_MOST no ratio means anything."""
    problems, notes = [], []
    for method, rate in first.items():
        moved = last[method] / rate - 1 if rate else 0.0
        if abs(moved) > DRIFT_MOST:
            problems.append(
                f"{of} {method} moved by {moved:+.0%} from first to last: run it again when the machine is quiet"
            )
        elif abs(moved) > DRIFT_NOTED:
            notes.append(
                f"{of} {method} moved by {moved:+.0%} from first to last: no ratio is more certain than that"
            )
    return problems, notes


def moved(method: str, rates: Sequence[float]) -> list[str]:
    """A note when the bare server's rate was not the same all the time."""
    low, high = min(rates), max(rates)
    if high <= low * (1 + DRIFT_NOTED):
        return []
    return [
        f"bare {method} did {low:,.0f} to {high:,.0f} a second in {len(rates)} windows: the machine was not quiet; each "
        "window of a row is divided by the two beside it"
    ]


def others(usage: Sequence[Usage], cores: int) -> list[str]:
    """A note when other programs used the machine too."""
    used = next((one.cores for one in usage if one.role == OTHERS), 0.0)
    if used <= BUSY_NOTED_CORES:
        return []
    return [f"other programs used {used:.2f} of {cores} cores meanwhile: the machine was not ours alone"]


def shed(name: str, count: int, requests: int, words: str) -> tuple[list[str], list[str]]:
    """(problems, notes): what refuses many is no ceiling, whatever the rest of the answers say."""
    if not count:
        return [], []
    said = f"{name}: {count:,} of {requests:,} requests were shed ({words})"
    if count > SHED_MOST * requests:
        return [f"{said}: what is refused is no measure of what is served"], []
    return [], [said]
