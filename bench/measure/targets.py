"""What is asked for, by name: targets.json. A figure and its target make a verdict."""

from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

_FILE = Path(__file__).with_name("targets.json")


class Target(Struct, frozen=True):
    """At `most`, or at `least`, so much. Shape: `unit` is empty for ratios and counts."""

    what: str
    unit: str = ""
    most: float | None = None
    least: float | None = None

    @property
    def bound(self) -> str:
        """As people read it."""
        sign, value = ("≤", self.most) if self.most is not None else ("≥", self.least or 0.0)
        return f"{sign} {value:g}{' ' + self.unit if self.unit else ''}"

    def holds(self, value: float) -> bool:
        """Whether the value is within the bound."""
        return value <= self.most if self.most is not None else value >= (self.least or 0.0)


class Verdict(Struct, frozen=True):
    """One target, judged. Shape: `what` may say more than the target: at which size, over how long."""

    name: str
    what: str
    value: float
    bound: str
    ok: bool
    unit: str = ""


@cache
def targets() -> dict[str, Target]:
    """All targets by name."""
    return msgspec.json.decode(_FILE.read_bytes(), type=dict[str, Target])


def judged(name: str, value: float, *, what: str = "") -> Verdict:
    """The verdict on a figure; the bound is compared with the figure as it is shown, not with hidden digits."""
    target = targets()[name]
    shown = round(value, 3 if not target.unit else 2)
    return Verdict(name, what or target.what, shown, target.bound, target.holds(shown), target.unit)
