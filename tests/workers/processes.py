"""Real worker processes for tests: started with the test's settings, killed by their pid, never left behind."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from config.settings import Settings

ROOT = Path(__file__).parent.parent.parent


def environment(settings: Settings) -> dict[str, str]:
    """The settings as a worker process reads them."""
    names = (
        "env",
        "data_dir",
        "database_url",
        "gate_url",
        "broker_url",
        "stripe_api_base",
        "stripe_api_key",
        "stripe_webhook_secret",
        "dhl_api_base",
        "dhl_api_key",
        "dhl_api_secret",
        "dhl_account",
        "smtp_host",
        "smtp_port",
        "work_processes",
        "work_threads",
    )
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CHECKOUT_")}
    return plain | {f"CHECKOUT_{name.upper()}": str(getattr(settings, name)) for name in names}


@asynccontextmanager
async def workers(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """Workers in a process group of their own; all of it is gone when the block is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workers",
        cwd=ROOT,
        env=environment(settings),
        start_new_session=True,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL if not os.environ.get("SHOW_WORKERS") else None,
    )
    try:
        yield process
    finally:
        kill_all(process)
        await process.wait()


def kill_all(process: asyncio.subprocess.Process) -> None:
    """kill -9 of the workers, all processes of the group at once."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
