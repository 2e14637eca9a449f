"""A real `checkout serve`, started and ended by a test."""

import contextlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.settings import Settings
from tests.workers.processes import ROOT, environment


@dataclass(slots=True)
class Serving:
    """The process that was started (with more than one serving process, their parent)."""

    process: "subprocess.Popen[bytes]"
    url: str
    settings: Settings
    log: Path

    def pids(self) -> list[int]:
        """The processes that serve."""
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [int(child) for child in children] or [parent]

    def resident_bytes(self) -> int:
        """Memory of all processes that serve."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids())
        return pages * 4096

    def errors(self) -> list[str]:
        """Lines of the log at the level error."""
        return [line for line in self.log.read_text().splitlines() if '"level":"error"' in line]


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(settings: Settings, log: Path, **more: Any) -> Iterator[Serving]:
    """`checkout serve` with these settings on a free port; ended, by force if need be, with the block.

    Shape: `more` are settings by name, as text.
    """
    port = free_port()
    changes = {"port": port, "processes": 1, "log_format": "json", "rate_limits": _unlimited(), **more}
    environ = environment(settings) | {
        f"CHECKOUT_{name.upper()}": str(value) for name, value in changes.items()
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "checkout", "serve"],
            cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    started = Serving(process, f"http://127.0.0.1:{port}", settings, log)
    try:
        _wait_ready(started)
        yield started
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()  # the serving processes end with their parent
            process.wait()


def _unlimited() -> str:
    names = ("browse", "cart", "checkout", "login", "admin")
    return "{" + ", ".join(f'"{name}": "1000000/second"' for name in names) + "}"


def _wait_ready(started: Serving, *, wait_s: float = 30.0) -> None:
    until = time.monotonic() + wait_s
    while time.monotonic() < until and started.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{started.url}/readyz", timeout=2) as answer:
                if b'"gate":"up"' in answer.read():
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"serve did not become ready: {started.log.read_text()[-2000:]}")
