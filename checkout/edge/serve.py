"""`checkout serve`: one process per core on one port; a parent starts again what dies and passes signals on.

Guarantees:
- SIGTERM: no new connection is taken, requests in flight are finished (≤ DRAIN_TIMEOUT_S), then the process ends.
- A child that dies is started again, with a growing pause; the others serve on.
- A port that is taken is said in one sentence, before anything starts.

The listening sockets share the port (SO_REUSEPORT), so that the kernel spreads connections evenly. A connection that
the kernel has queued for a process that stops may be reset; `net.ipv4.tcp_migrate_req=1` hands it over instead.
"""

import asyncio
import ctypes
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import structlog
import uvloop
from aiohttp import web

from checkout.edge import logs, measured
from checkout.edge.dispatch import DISPATCH
from checkout.edge.guard import GuardedProtocol, SlowClients
from checkout.edge.metrics import METRICS, Metrics, forget
from checkout.edge.refuse import REFUSALS
from config import limits
from config.settings import Settings

log = structlog.get_logger("checkout.serve")
MakeApp = Callable[[Settings], web.Application]
_PR_SET_PDEATHSIG = 1
_LINGERING_S = 1.0


class PortTaken(Exception):
    """Another process listens there; the message says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that others of ours may share. Raises: PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    # Its connections have these from here, which costs nothing for each.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise PortTaken(
            f"Cannot listen on {host}:{port} ({error.strerror}). Stop what uses it, or set CHECKOUT_PORT "
            "(and CHECKOUT_HOST) to a free address."
        ) from error
    made.setblocking(False)
    return made


def check_free(host: str, port: int) -> None:
    """Whether nobody else has the port: our own sharing would hide a second shop. Raises: PortTaken."""
    if not port:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"Cannot listen on {host}:{port} ({error.strerror}). Stop what uses it, or set CHECKOUT_PORT "
                "(and CHECKOUT_HOST) to a free address."
            ) from error


class Running:
    """One application that serves on one socket, in this event loop."""

    def __init__(self, app: web.Application, metrics: Metrics, *, access_log: bool = False) -> None:
        self._app = app
        self._runner = web.AppRunner(
            app,
            handle_signals=False,
            shutdown_timeout=limits.DRAIN_TIMEOUT_S,
            access_log=logs.access_logger() if access_log else None,
        )
        self._access_log = access_log
        self.slow = SlowClients(metrics)
        self._metrics = metrics
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def start(
        self, sock: socket.socket, *, keepalive_timeout_s: float = limits.KEEPALIVE_TIMEOUT_S
    ) -> None:
        """Starts the application, then takes connections."""
        await self._runner.setup()
        server = self._runner.server
        if server is None:
            raise RuntimeError("the runner made no server")
        loop = asyncio.get_running_loop()
        access_log = logs.access_logger() if self._access_log else None
        dispatch, refusals = self._app.get(DISPATCH), self._app.get(REFUSALS)

        def protocol() -> GuardedProtocol:
            return GuardedProtocol(
                server,
                slow=self.slow,
                dispatch=dispatch,
                refusals=refusals,
                loop=loop,
                access_log=access_log,
                access_log_class=logs.AccessLog,
                keepalive_timeout=keepalive_timeout_s,
                max_line_size=limits.HEADER_LINE_MAX_BYTES,
                max_field_size=limits.HEADER_FIELD_MAX_BYTES,
                lingering_time=_LINGERING_S,
                auto_decompress=False,
            )

        connections = self._metrics.gauge(measured.CONNECTIONS)
        self._metrics.before_flush.append(lambda: connections.set(len(server.connections)))
        self._sweeper = asyncio.create_task(self.slow.keep(), name="slow-clients")
        # The loop takes one connection a turn from a listening socket (libuv since 1.45); under load a turn takes
        # milliseconds, and thousands that come at once would wait for seconds.
        for taking in (sock, *(sock.dup() for _ in range(limits.ACCEPTS_A_TURN - 1))):
            self._servers.append(
                await loop.create_server(protocol, sock=taking, backlog=limits.LISTEN_BACKLOG)
            )

    async def stop(self) -> None:
        """Takes no more connections, finishes what is in flight, stops the application."""
        for server in self._servers:
            server.close()
        await self._runner.cleanup()
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)


async def _run(settings: Settings, make_app: MakeApp, sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    app = make_app(settings)
    metrics = app.get(METRICS) or Metrics()
    metrics.watch_process("serve")
    running = Running(app, metrics, access_log=settings.access_log)
    await running.start(sock)
    gc.collect()
    gc.freeze()
    gc.set_threshold(limits.COLLECTED_AFTER, 20, 50)
    log.info("serving", host=settings.host, port=sock.getsockname()[1], pid=os.getpid())
    await stopping.wait()
    log.info("draining", pid=os.getpid())
    began = time.monotonic()
    await running.stop()
    log.info("stopped", pid=os.getpid(), took_s=round(time.monotonic() - began, 3))


def run_one(settings: Settings, make_app: MakeApp, sock: socket.socket | None = None) -> int:
    """Serves in this process until SIGTERM; gives the exit status."""
    sock = sock or listen(settings.host, settings.port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings, make_app, sock))
    return 0


def serve(settings: Settings, make_app: MakeApp) -> int:
    """Serves with as many processes as the settings say, until SIGTERM; gives the exit status."""
    logs.configure(settings.log_format, settings.log_level)
    try:
        check_free(settings.host, settings.port)
    except PortTaken as error:
        print(error, file=sys.stderr)
        return 1
    forget(metrics_folder(settings), "serve")
    if settings.processes == 1:
        return run_one(settings, make_app)
    return Parent(settings, make_app).run()


def metrics_folder(settings: Settings) -> Path:
    """Where the processes of this node leave their numbers for each other."""
    return settings.data_dir / "metrics"


class Parent:
    """Forks the serving processes and looks after them; serves nothing itself."""

    def __init__(self, settings: Settings, make_app: MakeApp) -> None:
        self._settings = settings
        self._make_app = make_app
        self._children: dict[int, float] = {}
        self._stopping = False
        self._pause_s = limits.RESTART_BACKOFF_MIN_S
        # With port 0 the first socket finds the port, and is kept so that children of all times share it.
        self._reserved = listen(settings.host, settings.port)
        self._port = self._reserved.getsockname()[1]

    def run(self) -> int:
        """Until all children have ended after a signal."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for _ in range(self._settings.processes):
            self._fork()
        while self._children:
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                break
            began = self._children.pop(pid, None)
            if began is None or self._stopping:
                continue
            log.error("a serving process died", pid=pid, status=os.waitstatus_to_exitcode(status))
            lived_s = time.monotonic() - began
            if lived_s > limits.RESTART_SETTLED_S:
                self._pause_s = limits.RESTART_BACKOFF_MIN_S
            time.sleep(self._pause_s)
            self._pause_s = min(self._pause_s * 2, limits.RESTART_BACKOFF_MAX_S)
            if not self._stopping:
                self._fork()
        return 0

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for pid in self._children:
            with _gone():
                os.kill(pid, signal.SIGTERM)

    def _fork(self) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            self._children[pid] = time.monotonic()
            if self._stopping:
                os.kill(pid, signal.SIGTERM)
            return
        status = 1
        try:
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            if os.getppid() == parent:
                sock = listen(self._settings.host, self._port)
                self._reserved.close()
                status = run_one(self._settings, self._make_app, sock)
        except BaseException as error:  # the child must end here and never run the parent's code
            if not isinstance(error, KeyboardInterrupt | SystemExit):
                log.error("a serving process failed", exc_info=error)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


class _gone:  # noqa: N801 - reads as a word: with _gone()
    """Suppresses that a process has already ended."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> bool:
        return kind is not None and issubclass(kind, ProcessLookupError)
