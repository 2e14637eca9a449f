"""The composition root of `work`: Dramatiq's own command line, and in each of its processes one crew on the event loop."""

import gc
import sys
from typing import Any

import structlog
import uvloop
from dramatiq import cli
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware import Middleware, MiddlewareError

from checkout.after_order import Outside, close_outside, make_outside, verbs
from checkout.kit.db import Pool, make_pool
from checkout.outbox.store import OutboxStore
from config import limits, local
from config.settings import Settings, load
from workers.actors import Crew, declare
from workers.broker import make_broker
from workers.log import configure_logs

log = structlog.get_logger()
# Dramatiq's command line has no types.
_parser: Any = cli.make_argument_parser
_main: Any = cli.main


class Composition(Middleware):
    """Makes the pool, the providers and the crew on the worker's event loop, and closes them there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._outside: Outside | None = None
        self._pool: Pool | None = None
        self._crew: Crew | None = None

    def crew(self) -> Crew:
        """The crew of this process."""
        if self._crew is None:
            raise RuntimeError("the worker has not booted")
        return self._crew

    def before_worker_boot(self, broker: Any, worker: Any) -> None:
        """After AsyncIO has started the loop."""
        try:
            _on_loop(self._open())
        except Exception as error:  # Dramatiq goes on after any other exception, without a crew
            raise MiddlewareError(f"the worker cannot start: {error}") from error

    def after_worker_shutdown(self, broker: Any, worker: Any) -> None:
        """Before AsyncIO stops the loop."""
        _on_loop(self._close())

    async def _open(self) -> None:
        settings = self._settings
        self._pool = make_pool(settings.database_url, purpose="work", max_size=limits.WORK_POOL_SIZE)
        await self._pool
        self._outside = make_outside(settings)
        self._crew = Crew(verbs(settings, self._pool, self._outside), OutboxStore(self._pool))
        # What the start has made lives as long as the process; the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)

    async def _close(self) -> None:
        if self._outside is not None:
            await close_outside(self._outside)
        if self._pool is not None:
            await self._pool.close()


def _on_loop(work: Any) -> None:
    thread = get_event_loop_thread()
    if thread is None:
        raise RuntimeError("the AsyncIO middleware has not started the loop")
    thread.run_coroutine(work)


def boot() -> None:
    """What Dramatiq's command line calls in each worker process: settings, broker, actors."""
    settings = local.resolve(load())
    configure_logs(settings)
    uvloop.install()  # before AsyncIO makes the worker's loop
    composition = Composition(settings)
    declare(make_broker(settings.broker_url, composition), composition.crew)


def run_workers(settings: Settings) -> int:
    """Runs Dramatiq's command line until it is told to stop; gives its exit code."""
    arguments = _parser().parse_args(
        [
            "workers.worker:boot",
            "--processes",
            str(settings.work_processes),
            "--threads",
            str(settings.work_threads),
            "--skip-logging",
            "--worker-shutdown-timeout",
            str(int(limits.DRAIN_TIMEOUT_S * 1000)),
        ]
    )
    return int(_main(arguments) or 0)


if __name__ == "__main__":
    sys.exit(run_workers(local.resolve(load())))
