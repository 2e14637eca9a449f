"""A real `checkout serve` in processes of its own, to be killed."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from tests.shop import Stores

ROOT = Path(__file__).resolve().parents[2]
UNLIMITED = (
    '{"browse": "1000000/second", "cart": "1000000/second", "checkout": "1000000/second", '
    '"login": "1000000/second", "admin": "1000000/second"}'
)
NOBODY = "00000000-0000-7000-8000-000000000000"
START_WITHIN_S = 60.0
_LOG_SHOWN_CHARS = 4000


class Server:
    """The parent that we started and the children that it forks."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str, crash_file: Path, log: Path) -> None:
        self._process = process
        self._crash_file = crash_file
        self.url = url
        self.log = log

    def children(self) -> list[int]:
        """Pids of the processes that serve now."""
        pid = self._process.pid
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in listed]

    def ends(self) -> list[int]:
        """How each child that has died did, by its parent's log: the negative number of the signal."""
        return [int(status) for status in re.findall(r"process died .*status=(-?\d+)", self.log.read_text())]

    def arm(self, child: int, point: str, passage: int) -> None:
        """That child dies at this passage of the point."""
        self._crash_file.write_text(f"{point}:{passage}\n")
        os.kill(child, signal.SIGUSR2)

    async def outage(self, child: int) -> float:
        """Waits until that child is dead and another serves; gives the seconds between. Nothing here kills it."""
        while child in self.children():
            await asyncio.sleep(0.01)
        return await self.serves()

    async def serves(self, *, within_s: float = 20.0) -> float:
        """Waits until a request is answered by Postgres's word; gives how long that took. Raises: TimeoutError."""
        began = time.monotonic()
        async with (
            asyncio.timeout(within_s),
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as client,
        ):
            while True:
                assert self._process.poll() is None, self.log.read_text()[-2000:]
                with suppress(aiohttp.ClientError, OSError):
                    async with client.get(f"{self.url}/v1/orders/{NOBODY}") as response:
                        if response.status == 404:
                            return time.monotonic() - began
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Ends it with its children, gently and then not."""
        self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, 15)
        except subprocess.TimeoutExpired:
            for child in self.children():
                os.kill(child, signal.SIGKILL)
            self._process.kill()
            self._process.wait()


@asynccontextmanager
async def serving(
    stores: Stores, name: str, *, database_url: str, gate_url: str, processes: int = 1
) -> AsyncIterator[Server]:
    """A server on a free port; it and its children end with this block.

    Whatever was broken meanwhile, no exception may have reached its log: that would be a case nobody thought of.
    """
    folder = stores.folder / name
    folder.mkdir(parents=True)
    crash_file, log, port = folder / "crash-at", folder / "serve.log", free_port()
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "CHECKOUT_ENV": "test",
        "CHECKOUT_DATA_DIR": str(folder / "data"),
        "CHECKOUT_DATABASE_URL": database_url,
        "CHECKOUT_GATE_URL": gate_url,
        "CHECKOUT_BROKER_URL": stores.fresh_broker_url(),
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
        await server.serves(within_s=START_WITHIN_S)
        yield server
        assert "Traceback" not in log.read_text()
    except Exception as error:
        error.add_note(f"serve's log ends with:\n{log.read_text()[-_LOG_SHOWN_CHARS:]}")
        raise
    finally:
        await server.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
