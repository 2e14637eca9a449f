"""One child process that must not outlive us: started, watched, stopped, killed, started again."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from config import limits
from config.local.errors import StoreError, explain
from config.local.priority import give_way

_LAUNCH = str(Path(__file__).with_name("launch.py"))
_LOG_MAX_BYTES = 16 * 1024 * 1024
_TAIL_BYTES = 4_000


def spawn(
    command: Sequence[str],
    *,
    log: IO[bytes] | int,
    death_signal: int = signal.SIGTERM,
    mode: str = "plain",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
) -> "subprocess.Popen[bytes]":
    """Start a program that gets `death_signal` when the calling *thread* ends: call from one that lives on.

    Cost: the start of a bare Python (about 20 ms) before the program itself.
    """
    prefix = [sys.executable, "-I", "-S", _LAUNCH, str(os.getpid()), str(int(death_signal)), mode]
    return subprocess.Popen(
        [*prefix, *command],
        stdin=stdin,
        stdout=log,
        stderr=log,
        env=None if env is None else dict(env),
        cwd=cwd,
        start_new_session=True,
    )


class Process:
    """A program with its log file. Subclasses say how it is prepared, commanded and found to be ready.

    Units: `nice` is the scheduling priority, 0 to 19.
    """

    name: str
    stop_signal: int = signal.SIGTERM
    mode: str = "plain"
    nice: int = 0

    def __init__(self, name: str, log_path: Path) -> None:
        self.name = name
        self.log_path = log_path
        self._popen: subprocess.Popen[bytes] | None = None
        self._log_from = 0
        self._held = False

    @property
    def pid(self) -> int | None:
        """The pid of the running program, or None."""
        return self._popen.pid if self._popen is not None and self._popen.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How the last run ended; negative for a signal, None while it runs or before the first."""
        return self._popen.poll() if self._popen is not None else None

    def alive(self) -> bool:
        """Whether the program runs (and reaps it if it does not)."""
        return self.pid is not None

    def hold(self) -> None:
        """Start a program with the argument `--held`: it loads its code, then calls `await_release`.

        Raises: StoreError when it cannot be started.
        """
        self._held = True
        self.spawn()

    def release(self) -> None:
        """Let it go on. What has ended meanwhile is told by `alive`."""
        self._held = False
        if self._popen is not None and self._popen.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._popen.stdin.write(b"\n")
                self._popen.stdin.close()

    def spawn(self) -> None:
        """Start the program without waiting until it is ready.

        Raises: StoreError when it cannot be started.
        """
        try:
            self.prepare()
            self.log_path.parent.mkdir(parents=True, exist_ok=True)
            if self.log_path.exists() and self.log_path.stat().st_size > _LOG_MAX_BYTES:
                self.log_path.replace(self.log_path.with_suffix(".log.1"))
            with self.log_path.open("ab") as log:
                self._log_from = log.tell()
                self._popen = spawn(
                    [*self.command(), *(["--held"] if self._held else [])],
                    log=log,
                    death_signal=self.stop_signal,
                    mode=self.mode,
                    env=self.environment(),
                    stdin=subprocess.PIPE if self._held else subprocess.DEVNULL,
                )
        except OSError as error:
            raise explain(error, f"Cannot start {self.name}:") from error
        if self.nice:
            give_way(self._popen.pid, self.nice)

    def start(self, timeout_s: float = limits.STORE_START_TIMEOUT_S) -> None:
        """Start the program and wait until it is ready.

        Raises: StoreError when it ends first, or is not ready in time.
        """
        deadline = time.monotonic() + timeout_s
        self.spawn()
        while not self.ready():
            if not self.alive():
                if time.monotonic() < deadline and self.again():
                    time.sleep(0.1)
                    self.spawn()
                    continue
                raise StoreError(self.reason())
            if time.monotonic() > deadline:
                self.kill()
                raise StoreError(f"{self.name} is not ready after {timeout_s:g} s; see {self.log_path}.")
            time.sleep(0.01)

    def terminate(self) -> None:
        """Ask the program to end."""
        self._signal(self.stop_signal)

    def kill(self) -> None:
        """End the program at once, as a crash would, and reap it."""
        self._signal(signal.SIGKILL)
        if self._popen is not None:
            self._popen.wait()
            if self._popen.stdin is not None:
                self._popen.stdin.close()

    def stop(self, timeout_s: float = limits.STORE_STOP_TIMEOUT_S) -> None:
        """Ask the program to end, wait, and kill it when it does not."""
        self.terminate()
        if self._popen is not None:
            try:
                self._popen.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()

    def restart(self) -> None:
        """Stop the program and start it again."""
        self.stop()
        self.start()

    def log_tail(self) -> str:
        """What the last run wrote, at most the last few kilobytes."""
        try:
            with self.log_path.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(min(self._log_from, size), size - _TAIL_BYTES))
                return log.read().decode(errors="replace").strip()
        except OSError:
            return ""

    def reason(self) -> str:
        """Say why the last run ended, with the last lines of its log."""
        lines = "\n  ".join(self.log_tail().splitlines()[-5:])
        return f"{self.name} ended (exit {self.exit_code}); {self.log_path} says:\n  {lines}"

    def prepare(self) -> None:
        """Do what must be done before every start."""

    def command(self) -> list[str]:
        """The program and its arguments, the program as an absolute path."""
        raise AssertionError("a Process says what to run")

    def environment(self) -> Mapping[str, str] | None:
        """The program's environment; None inherits ours."""
        return None

    def ready(self) -> bool:
        """Whether the program serves."""
        return self.alive()

    def again(self) -> bool:
        """Whether a start that failed should be tried again; may mend what made it fail."""
        return False

    def _signal(self, number: int) -> None:
        if self._popen is not None and self._popen.poll() is None:
            self._popen.send_signal(number)


def await_release() -> None:
    """In a program that was started by `hold`: wait to be released; end quietly when that will not come."""
    if not sys.stdin.buffer.read(1):
        sys.exit(0)


def await_predecessor(pid: int, marker: str, stop_signal: int) -> None:
    """Wait for the end of a process that a dead supervisor left behind; help it after a while.

    Shape: `marker` must appear in its command line, or the pid was reused by a stranger and is left alone.
    """
    started = time.monotonic()
    asked = False
    while is_running(pid, marker):
        waited = time.monotonic() - started
        try:
            if waited > limits.STORE_PREDECESSOR_WAIT_S:
                os.kill(pid, signal.SIGKILL)
            elif not asked:
                os.kill(pid, stop_signal)
                asked = True
        except ProcessLookupError:
            return
        except PermissionError:
            raise StoreError(f"Process {pid} of another user still uses this data folder; end it.") from None
        time.sleep(0.02)


def is_running(pid: int, marker: str) -> bool:
    """Whether this pid is alive and has `marker` in its command line; a zombie is not alive."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return os.fsencode(marker) in command
