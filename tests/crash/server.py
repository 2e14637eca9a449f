"""A real `checkout serve` in processes of its own, to be killed."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp

from config import local

ROOT = Path(__file__).resolve().parents[2]
UNLIMITED = (
    '{"browse": "1000000/second", "cart": "1000000/second", "checkout": "1000000/second", '
    '"login": "1000000/second", "admin": "1000000/second"}'
)
NOBODY = "00000000-0000-7000-8000-000000000000"


class Server:
    """The parent that we started and the children that it forks."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str, crash_file: Path, log: Path) -> None:
        self._process = process
        self._crash_file = crash_file
        self.url = url
        self.log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    def children(self) -> list[int]:
        """Pids of the processes that serve now."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in listed]

    def arm(self, child: int, point: str, passage: int) -> None:
        """That child dies at this passage of the point."""
        self._crash_file.write_text(f"{point}:{passage}\n")
        os.kill(child, signal.SIGUSR2)

    async def died(self, child: int, *, wait_s: float) -> bool:
        """Whether that child is dead within `wait_s`. Nothing here kills it but the point it was armed at."""
        until = time.monotonic() + wait_s
        while child in self.children():
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0.01)
        return True

    async def serves(self, *, wait_s: float = 10.0) -> float:
        """Waits until a request is answered; gives how long that took. Raises: TimeoutError."""
        began = time.monotonic()
        async with asyncio.timeout(wait_s), aiohttp.ClientSession() as client:
            while True:
                try:
                    async with client.get(f"{self.url}/v1/orders/{NOBODY}") as response:
                        if response.status == 404:
                            return time.monotonic() - began
                except (aiohttp.ClientError, OSError):
                    pass
                await asyncio.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def serving(
    folder: Path, *, database_url: str, gate_url: str, broker_url: str, processes: int = 1
) -> AsyncIterator[Server]:
    """A server on a free port; it and its children end with this block."""
    folder.mkdir(parents=True, exist_ok=True)
    crash_file, log, port = folder / "crash-at", folder / "serve.log", free_port()
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "CHECKOUT_ENV": "test",
        "CHECKOUT_DATA_DIR": str(folder / "data"),
        "CHECKOUT_DATABASE_URL": database_url,
        "CHECKOUT_GATE_URL": gate_url,
        "CHECKOUT_BROKER_URL": broker_url,
        "CHECKOUT_PORT": str(port),
        "CHECKOUT_PROCESSES": str(processes),
        "CHECKOUT_RATE_LIMITS": UNLIMITED,
        "CHECKOUT_CRASH_AT": f"file:{crash_file}",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.serve"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    server = Server(process, f"http://127.0.0.1:{port}", crash_file, log)
    try:
        await server.serves(wait_s=30)
        yield server
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 15)
        except subprocess.TimeoutExpired:
            for child in server.children():
                os.kill(child, signal.SIGKILL)
            process.kill()
            process.wait()


@contextmanager
def stores_in(folder: Path) -> Iterator[local.Stores]:
    """Stores of one's own, which wait for the disk as production's do."""
    started = local.start_stores(folder, durable=True)
    try:
        yield started
    finally:
        started.stop()
