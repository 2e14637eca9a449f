"""Keeps the processes of one machine running: what `checkout up` is made of.

Children start in the order given, are started again when they die (and so are the embedded stores), and are drained
in order of `rank` at SIGTERM or Ctrl-C, the stores last. None outlives the supervisor, even when it is killed.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from config import limits
from config.local.errors import StoreError
from config.local.process import Process
from config.local.stores import Stores

_WATCH_S = 0.05


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """One process kind to keep running.

    Shape: `command[0]` is an absolute path; `env` replaces the environment unless None; the lowest `rank` is drained
    first; `ready` is asked until it is true (None: alive is enough).
    Units: `grace_s` is the patience between the stop signal and SIGKILL; `nice` is the scheduling priority, 0 to 19.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] | None = None
    rank: int = 0
    ready: Callable[[], Awaitable[bool]] | None = None
    stop_signal: int = signal.SIGTERM
    grace_s: float = limits.STOP_GRACE_S
    nice: int = 0


class _ChildProcess(Process):
    def __init__(self, child: Child, logs: Path) -> None:
        super().__init__(child.name, logs / f"{child.name}.log")
        self.child = child
        self.stop_signal = child.stop_signal
        self.nice = child.nice

    def command(self) -> list[str]:
        return list(self.child.command)

    def environment(self) -> Mapping[str, str] | None:
        return self.child.env


class _Watched:
    """A process with the memory of its deaths."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.started_at = time.monotonic()
        self.wait_s = limits.RESTART_BACKOFF_MIN_S
        self.again_at: float | None = None
        self.coming_up = False


class Supervisor:
    """Runs children, and watches the embedded stores that were started before.

    Shape: `announce` gets one short line for each event; everything else is in `logs`/NAME.log.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        logs: Path,
        announce: Callable[[str], None] = print,
    ) -> None:
        self._children = {child.name: _Watched(_ChildProcess(child, logs)) for child in children}
        self._specs = {child.name: child for child in children}
        self._stores: Stores | None = None
        self._store_watch: dict[str, _Watched] = {}
        self._announce = announce
        self._stopping = asyncio.Event()
        self._hurry = False

    @property
    def pids(self) -> dict[str, int]:
        """The running children's pids by name."""
        found = {name: watched.process.pid for name, watched in self._children.items()}
        return {name: pid for name, pid in found.items() if pid is not None}

    def hold(self, name: str) -> None:
        """Start a child with `--held`: it has loaded its code when `run` lets it go on.

        Raises: StoreError when it cannot be started.
        """
        self._children[name].process.hold()

    def abandon(self) -> None:
        """End what was held."""
        for watched in self._children.values():
            watched.process.kill()

    def stop(self) -> None:
        """Begin to drain; a second call stops waiting for it."""
        self._hurry = self._stopping.is_set()
        self._stopping.set()

    async def run(
        self,
        stores: Stores | None = None,
        *,
        on_ready: Callable[[], None] | None = None,
        ready_timeout_s: float = limits.STORE_START_TIMEOUT_S,
    ) -> int:
        """Start everything, keep it and the stores running until a signal, then stop everything, the stores too.

        Raises: StoreError when a child ends, or is not ready in time, at the first start.
        Cost: one look at the children every 50 ms.
        """
        self._stores = stores
        self._store_watch = {
            name: _Watched(process) for name, process in (stores.processes.items() if stores else ())
        }
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        try:
            await self._start_all(ready_timeout_s)
            if on_ready is not None and not self._stopping.is_set():
                on_ready()
            while not self._stopping.is_set():
                self._watch()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _WATCH_S)
        finally:
            await self._drain()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        return 0

    async def _start_all(self, ready_timeout_s: float) -> None:
        deadline = time.monotonic() + ready_timeout_s
        for watched in self._children.values():
            if watched.process.pid is None:
                watched.process.spawn()
            else:
                watched.process.release()
            watched.started_at = time.monotonic()
        for name, watched in self._children.items():
            while not await self._is_ready(name):
                if self._stopping.is_set():
                    return
                if not watched.process.alive():
                    raise StoreError(watched.process.reason())
                if time.monotonic() > deadline:
                    raise StoreError(
                        f"{name} is not ready after {ready_timeout_s:g} s; see {watched.process.log_path}."
                    )
                await asyncio.sleep(_WATCH_S / 2)

    async def _is_ready(self, name: str) -> bool:
        asked = self._specs[name].ready
        if asked is None:
            return self._children[name].process.alive()
        try:
            return await asked()
        except OSError:
            return False

    def _watch(self) -> None:
        """Start again what died; a store tells its new pid to the other commands once it is ready."""
        for watched in (*self._store_watch.values(), *self._children.values()):
            process, now = watched.process, time.monotonic()
            if process.alive():
                if watched.coming_up and process.ready():
                    watched.coming_up = False
                    if self._stores is not None:
                        self._stores.publish()
                    self._announce(f"{process.name} runs again (pid {process.pid})")
                continue
            if watched.again_at is None:
                if now - watched.started_at > limits.RESTART_SETTLED_S:
                    watched.wait_s = limits.RESTART_BACKOFF_MIN_S
                watched.again_at = now + watched.wait_s
                self._announce(
                    f"{process.name} ended (exit {process.exit_code}); starting it again in "
                    f"{watched.wait_s:g} s; log: {process.log_path}"
                )
                watched.wait_s = min(watched.wait_s * 2, limits.RESTART_BACKOFF_MAX_S)
            elif now >= watched.again_at:
                watched.again_at = None
                watched.started_at = now
                watched.coming_up = True
                try:
                    process.again()
                    process.spawn()
                except StoreError as error:
                    self._announce(str(error))

    async def _drain(self) -> None:
        """Stop rank by rank, each with its grace, the stores last."""
        for rank in sorted({child.rank for child in self._specs.values()}):
            group = [name for name, child in self._specs.items() if child.rank == rank]
            alive = [name for name in group if self._children[name].process.alive()]
            if alive:
                self._announce(f"stopping {', '.join(alive)}")
            for name in alive:
                self._children[name].process.terminate()
            await asyncio.gather(*(self._await_end(name) for name in alive))
        if self._stores is not None:
            self._stores.stop()

    async def _await_end(self, name: str) -> None:
        process, deadline = self._children[name].process, time.monotonic() + self._specs[name].grace_s
        while process.alive():
            if self._hurry or time.monotonic() > deadline:
                self._announce(f"{name} does not end; killing it")
                process.kill()
                return
            await asyncio.sleep(0.01)
