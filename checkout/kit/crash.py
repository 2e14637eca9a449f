"""Named crash points: places where the crash tests kill the process, to see that nothing is lost whatever dies there.

Unarmed, a point costs one dict look-up. `CHECKOUT_CRASH_AT=name[:n]` arms one at the start: its n-th passage kills the
process with SIGKILL, as a power cut would. `CHECKOUT_CRASH_AT=file:PATH` arms what the file says whenever SIGUSR2
comes. In production both are refused at the start.
"""

import asyncio
import os
import signal
from pathlib import Path

POINTS = frozenset(
    {
        "checkout.after_parse",
        "checkout.after_quote",
        "admit.before",
        "admit.after",
        "commit.before_send",
        "commit.after_commit",
        "answer.before_encode",
        "answer.after_encode",
        "settle.before",
        "settle.after_send",
        "give_back.before",
        "give_back.after",
        "cart.before_persist",
        "cart.after_persist",
        "rebuild.before_open",
        "rebuild.after_open",
    }
)
_armed: dict[str, int] = {}


def arm(spec: str) -> None:
    """Arms `name` or `name:n`. Raises: ValueError for an unknown point."""
    name, _, count = spec.partition(":")
    if name not in POINTS:
        raise ValueError(f"{name!r} is not a crash point; there are {', '.join(sorted(POINTS))}")
    _armed[name] = int(count or 1)


def prepare(setting: str) -> None:
    """Arms what CHECKOUT_CRASH_AT says, now or on SIGUSR2. Raises: ValueError for an unknown point."""
    if setting.startswith("file:"):
        path = Path(setting.removeprefix("file:"))
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, lambda: arm(path.read_text().strip()))
    elif setting:
        arm(setting)


def crash_point(name: str) -> None:
    """Here the process dies, when this point is armed and its count is reached."""
    left = _armed.get(name)
    if left is None:
        return
    if left > 1:
        _armed[name] = left - 1
        return
    os.kill(os.getpid(), signal.SIGKILL)
