"""Runs are kept, as figures and as a page, and compared with the last of their kind: by ratio, never by absolute figure."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.report.result import Figure, Result

KEPT_MOST = 20
_SAME_WITHIN = 0.05


class Change(Struct, frozen=True):
    """One figure beside that of the run before.

    Shape: `factor` is now ÷ before, corrected by how fast the machine was (the bare server of either run); `corrected` says
    whether that was possible. `better` is None when it is about the same.
    """

    what: str
    before: float
    now: float
    factor: float
    corrected: bool
    better: bool | None


class Comparison(Struct, frozen=True):
    """A run beside the one before. Shape: `machine` is the bare server's rate now ÷ before; 0 when not known."""

    before: str
    commit: str
    machine: float
    changes: list[Change]


def change(now: Figure, before: Figure, *, bare_now: float, bare_before: float) -> Change | None:
    """The change of one figure; None when there is nothing to divide by."""
    if not before.value or not now.value:
        return None
    machine = bare_now / bare_before if bare_now and bare_before else 0.0
    factor, corrected = now.value / before.value, now.kind in ("ratio", "memory", "count")
    if machine and now.kind in ("rate", "time"):
        factor, corrected = factor / machine if now.kind == "rate" else factor * machine, True
    better: bool | None = None
    if abs(factor - 1) > _SAME_WITHIN:
        better = (factor < 1) == now.less_is_better
    return Change(now.name, before.value, now.value, round(factor, 3), corrected, better)


def compare(now: Result, before: Result | None) -> Comparison | None:
    """What has changed since the run before."""
    if before is None:
        return None
    old = {figure.name: figure for figure in before.figures}
    bare = {"bare_now": now.bare_per_s, "bare_before": before.bare_per_s}
    changes = [
        found
        for figure in now.figures
        if figure.name in old and (found := change(figure, old[figure.name], **bare)) is not None
    ]
    machine = now.bare_per_s / before.bare_per_s if now.bare_per_s and before.bare_per_s else 0.0
    return Comparison(before.kept_name, before.machine.commit, round(machine, 3), changes)


def kept(folder: Path, scenario: str) -> Sequence[Path]:
    """Files of this scenario's runs, the newest first."""
    return sorted(folder.glob(f"{scenario}-[0-9]*Z.json"), reverse=True)


def read(path: Path) -> Result | None:
    """A kept run; None when it was written by a version that this one does not understand."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Result)
    except (msgspec.DecodeError, OSError):
        return None


def previous(folder: Path, result: Result) -> Result | None:
    """The last run before this one that asked for the same."""
    for path in kept(folder, result.scenario):
        found = read(path)
        if found is not None and found.at < result.at and found.asked == result.asked:
            return found
    return None


def keep(result: Result, page: str, folder: Path) -> tuple[Path, Path]:
    """Writes figures and page, drops the oldest of the scenario beyond KEPT_MOST; gives both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    as_json, as_page = folder / f"{result.kept_name}.json", folder / f"{result.kept_name}.html"
    as_json.write_bytes(msgspec.json.encode(result))
    as_page.write_text(page)
    for old in kept(folder, result.scenario)[KEPT_MOST:]:
        old.unlink(missing_ok=True)
        old.with_suffix(".html").unlink(missing_ok=True)
    return as_json, as_page
