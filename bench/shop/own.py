"""A shop to be measured: one that runs already, or one of the benchmark's own, started and stopped by it."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import aiohttp

from bench.problem import BenchError
from config import local
from config.settings import DOCS, PREFIX, Settings, load

_START_S = 90.0
_STOP_S = 40.0
_PORTS = (20_000, 32_000)
_IS_UP = b"checkout is up"
_UNLIMITED = dict.fromkeys(("browse", "cart", "checkout", "login", "admin"), "1000000/second")


def free_port(*, also_next: bool = False) -> int:
    """A port that nobody listens on now, below those that clients are given: ten thousand of them must not take it.

    Raises: BenchError when none is found.
    """
    for _ in range(200):
        port = random.randrange(*_PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe, socket.socket() as beside:
            probe.bind(("127.0.0.1", port))
            if also_next:
                beside.bind(("127.0.0.1", port + 1))
            return port
    raise BenchError(f"no free port was found between {_PORTS[0]} and {_PORTS[1]}")


def _with(settings: Mapping[str, str]) -> list[str]:
    """The command that runs what follows with these settings and no others of its caller's."""
    return [
        "env",
        *(f"--unset={PREFIX}{name.upper()}" for name in DOCS),
        *(f"{k}={v}" for k, v in settings.items()),
    ]


class OwnShop:
    """`checkout up` in a folder of its own, with limits raised. `url` answers when `start` has returned.

    Shape: `more` are further settings by their variables' names; `command` starts it: with `checkout up`, unless given;
    `cores` are those it may use from its next start on, all of its caller's when empty.
    """

    def __init__(
        self,
        *,
        processes: int,
        folder: Path | None = None,
        more: Mapping[str, str] | None = None,
        command: Sequence[str] = (sys.executable, "-m", "checkout", "up"),
        start_s: float = _START_S,
        cores: Sequence[int] = (),
    ) -> None:
        self.cores = cores
        self._command = tuple(command)
        self._start_s = start_s
        self.folder = folder or Path(tempfile.mkdtemp(prefix="checkout-bench-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._keep = folder is not None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {
            "CHECKOUT_DATA_DIR": str(self.folder / "data"),
            "CHECKOUT_PORT": str(self.port),
            "CHECKOUT_SANDBOX_PORT": str(free_port(also_next=True)),
            "CHECKOUT_PROCESSES": str(processes),
            "CHECKOUT_LOG_LEVEL": "warning",
            "CHECKOUT_RATE_LIMITS": json.dumps(_UNLIMITED),
            **(more or {}),
        }
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The supervisor's."""
        return self._process.pid if self._process else 0

    @property
    def roots(self) -> dict[int, str]:
        """Where its processes descend from, for a Meter; what is ours besides is the generator's."""
        return {self.pid: "supervisor", os.getpid(): "generator"}

    @property
    def settings(self) -> Settings:
        """The shop's settings, with the addresses of its stores. Raises: SettingsError when it is not running."""
        return local.resolve(load(self._environment))

    async def start(self, kinds: Sequence[str] = (), *, demo: bool = True) -> None:
        """Starts it, or again with other kinds. Raises: BenchError with its last words when it does not come up."""
        arguments = ["--only", ",".join(kinds)] if kinds else []
        if not demo:
            arguments.append("--no-demo")
        log = (self.folder / "up.log").open("ab")
        log_size = log.tell()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *_with(self._environment),
                *self._command,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            if self.cores:
                os.sched_setaffinity(self._process.pid, self.cores)
        finally:
            log.close()
        await self._is_up(log_size)
        if not kinds or "serve" in kinds:
            await answers(f"{self.url}/readyz", wait_s=self._start_s, alive=self._running)
        if not self._running():
            raise BenchError(
                f"the shop did not start; {self.folder / 'up.log'} ends with:\n{self._last_words()}"
            )

    async def _is_up(self, log_size: int) -> None:
        """Waits until the supervisor says so in its log, from `log_size` on: the schema is there, every kind runs."""
        deadline = asyncio.get_running_loop().time() + self._start_s
        while self._running() and asyncio.get_running_loop().time() < deadline:
            if _IS_UP in (self.folder / "up.log").read_bytes()[log_size:]:
                return
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Drains and stops it; data is kept until `remove`."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_S)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._process = None

    def remove(self) -> None:
        """Deletes its data, unless the folder was given."""
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def _last_words(self) -> str:
        return "\n".join((self.folder / "up.log").read_text(errors="replace").splitlines()[-15:])


async def answers(url: str, *, wait_s: float, alive: Callable[[], bool] | None = None) -> None:
    """Waits until the URL answers 200. Raises: BenchError when it does not in time, or its process ended."""
    timeout = aiohttp.ClientTimeout(total=2)
    deadline = asyncio.get_running_loop().time() + wait_s
    async with aiohttp.ClientSession(timeout=timeout) as client:
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with client.get(url) as response:
                    if response.status == 200:
                        return
            if alive is not None and not alive():
                return
            if asyncio.get_running_loop().time() > deadline:
                raise BenchError(f"{url} did not answer within {wait_s:.0f} s")
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def own_shop(
    *,
    processes: int,
    kinds: Sequence[str] = (),
    folder: Path | None = None,
    demo: bool = True,
    more: Mapping[str, str] | None = None,
    cores: Sequence[int] = (),
) -> AsyncIterator[OwnShop]:
    """A shop for one benchmark; nothing of it is left behind, unless `folder` says where to keep it."""
    shop = OwnShop(processes=processes, folder=folder, more=more, cores=cores)
    try:
        await shop.start(kinds, demo=demo)
        yield shop
    finally:
        await shop.stop()
        shop.remove()
