"""Who goes first when a machine is short of cores: who answers customers and the stores, then what works afterwards.

Source: sched(7), "The autogroup feature"; setpriority(2).
"""

import contextlib
import os
import threading
import time
from pathlib import Path

_NICEST = 19
_TRIES = 50
_PAUSE_S = 0.11


def give_way(pid: int, nice: int) -> None:
    """Lets others go before this process and those that it will start: by so much more than now.

    Shape: `nice` is 1 to 19; the process leads a session of its own. Linux schedules sessions as groups, with a priority
    of their own; that of a process counts within its group alone.
    """
    ours = os.getpriority(os.PRIO_PROCESS, pid)
    os.setpriority(os.PRIO_PROCESS, pid, min(_NICEST, ours + nice))
    if not _group_gives_way(pid, nice):
        threading.Thread(target=_try_again, args=(pid, nice), name=f"nice-{pid}", daemon=True).start()


def _group_gives_way(pid: int, nice: int) -> bool:
    """Whether the group's priority is settled: set, or there is none to set. Who is not root may set one each 100 ms."""
    try:
        with contextlib.suppress(FileNotFoundError, PermissionError, ProcessLookupError):
            Path(f"/proc/{pid}/autogroup").write_text(str(nice))
    except BlockingIOError:
        return False
    return True


def _try_again(pid: int, nice: int) -> None:
    for _ in range(_TRIES):
        time.sleep(_PAUSE_S)
        if _group_gives_way(pid, nice):
            return
