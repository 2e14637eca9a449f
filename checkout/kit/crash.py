"""Named crash points: places where the crash tests kill the process, to see that nothing is lost whatever dies there.

Unarmed, a point costs one dict look-up. Armed by `CHECKOUT_CRASH_AT=name[:n]`, the n-th passage kills the process
with SIGKILL, as a power cut would. In production arming is refused at the start.
"""

import os
import signal

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


def crash_point(name: str) -> None:
    """Here the process dies, when this point is armed and its count is reached."""
    left = _armed.get(name)
    if left is None:
        return
    if left > 1:
        _armed[name] = left - 1
        return
    os.kill(os.getpid(), signal.SIGKILL)
