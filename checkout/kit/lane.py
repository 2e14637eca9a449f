"""The Redis lane: one connection, many callers.

Commands issued in the same turn of the event loop leave in one write; replies come back in order.

Guarantees:
- A command is written at most once. Not written: Unavailable. Written and not answered: OutcomeUnknown;
  never a silent retry.
- After each (re)connect `on_connect` decides, before anything else is sent, whether this server may be used.
- No caller waits longer than `timeout_s`: a server that stops answering loses the connection, and all who wait are told.

Source: RESP3, https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import hiredis

from checkout.errors import OutcomeUnknown, Unavailable

Arg = bytes | str | int
_RECONNECT_FIRST_S, _RECONNECT_MOST_S = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Redis listens. Shape: `redis://[user:password@]host:port/db`, `rediss://…` or `unix:///path?db=0`."""

    path: str | None
    host: str
    port: int
    username: str | None
    password: str | None
    db: int
    tls: bool

    @classmethod
    def parse(cls, url: str) -> "Address":
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        username = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        if parts.scheme == "unix":
            db = int(query.get("db", ["0"])[0])
            return cls(unquote(parts.path), "", 0, username, password, db, False)
        if parts.scheme not in ("redis", "rediss"):
            raise ValueError(f"{url!r}: the scheme is redis, rediss or unix")
        db = int(query["db"][0]) if "db" in query else int(parts.path.strip("/") or 0)
        host, port = parts.hostname or "127.0.0.1", parts.port or 6379
        return cls(None, host, port, username, password, db, parts.scheme == "rediss")


class Script:
    """A Lua script and its digest; `include` files come first, as fragments."""

    def __init__(self, *sources: Path) -> None:
        self.name = sources[-1].stem
        self.text = "\n".join(source.read_text() for source in sources)
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class ReplyError(Exception):
    """The server answered with an error: a wrong command or script, or a server that is loading or read-only."""


pack: Callable[[tuple[Arg, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]
"""One command as RESP bulk strings; hiredis's own stub knows tuples of one element only."""


class _Wire(asyncio.Protocol):
    """One connection: bytes out, replies matched to futures in order."""

    def __init__(self, on_lost: Callable[["_Wire"], None]) -> None:
        self.reader = hiredis.Reader()
        self.waiting: deque[asyncio.Future[Any]] = deque()
        self.transport: asyncio.Transport | None = None
        self.on_lost = on_lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        reader, waiting = self.reader, self.waiting
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not False:
                future = waiting.popleft()
                if future.done():
                    continue
                if isinstance(reply, hiredis.ReplyError):
                    future.set_exception(ReplyError(str(reply)))
                else:
                    future.set_result(reply)
        except (hiredis.ProtocolError, IndexError):
            if self.transport is not None:
                self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.on_lost(self)
        while self.waiting:
            future = self.waiting.popleft()
            if not future.done():
                future.set_exception(
                    OutcomeUnknown("The store did not answer in time; ask again.", retry_after_ms=500)
                )

    def send(self, data: bytes, future: asyncio.Future[Any]) -> None:
        self.waiting.append(future)
        if self.transport is not None:
            self.transport.write(data)


class Lane:
    """One multiplexed connection to one Redis, for one purpose.

    Cost: about 3 µs of client CPU a command when many callers share a turn of the loop.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 1.0,
        connect_timeout_s: float = 1.0,
        on_connect: Callable[["Lane"], Awaitable[None]] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.address = Address.parse(url)
        self.timeout_s = timeout_s
        self.connect_timeout_s = connect_timeout_s
        self.on_connect = on_connect
        self._tls = tls
        self._wire: _Wire | None = None
        self._candidate: _Wire | None = None
        self._buffer: list[bytes] = []
        self._connector: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._watched: asyncio.Future[Any] | None = None
        self._closed = False
        self._up = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.calls = 0

    @property
    def is_up(self) -> bool:
        return self._wire is not None

    async def start(self, *, wait_s: float = 0.0) -> None:
        """Begins to connect; waits up to `wait_s` for the first connection, without failing when it does not come."""
        self._loop = asyncio.get_running_loop()
        self._connector = self._loop.create_task(self._keep_connected(), name="lane")
        if wait_s:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._up.wait(), wait_s)

    async def close(self) -> None:
        """Ends the lane; whoever still waits learns that the outcome is unknown."""
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
        if self._connector is not None:
            self._connector.cancel()
            await asyncio.gather(self._connector, return_exceptions=True)
        if self._wire is not None and self._wire.transport is not None:
            self._flush()
            self._wire.transport.close()
            await asyncio.sleep(0)

    def call(self, *args: Arg) -> asyncio.Future[Any]:
        """Sends one command with this turn's others. Raises: Unavailable (not sent), OutcomeUnknown, ReplyError."""
        wire = self._wire
        if wire is None:
            raise Unavailable("The gate is not reachable.", code="gate_away", retry_after_ms=500)
        return self._send(wire, pack(args))

    def script(self, script: Script, keys: tuple[Arg, ...], args: tuple[Arg, ...]) -> asyncio.Future[Any]:
        """Runs a script by its digest; every script in use is loaded on connect (see `load`)."""
        return self.call(b"EVALSHA", script.sha, len(keys), *keys, *args)

    async def run(self, script: Script, keys: tuple[Arg, ...], args: tuple[Arg, ...]) -> Any:
        """Like `script`, and loads it when the server does not know it (a script that is unknown did nothing)."""
        try:
            return await self.script(script, keys, args)
        except ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            await self.load(script)
            return await self.script(script, keys, args)

    async def load(self, *scripts: Script) -> None:
        """Makes the server know these scripts."""
        for script in scripts:
            await self.call(b"SCRIPT", b"LOAD", script.text)

    def drop(self) -> None:
        """Cuts the connection; it is made again, with all checks."""
        if self._wire is not None and self._wire.transport is not None:
            self._wire.transport.abort()

    def _send(self, wire: _Wire, data: bytes) -> asyncio.Future[Any]:
        loop = self._loop
        if loop is None:
            raise RuntimeError("start the lane first")
        future: asyncio.Future[Any] = loop.create_future()
        self.calls += 1
        wire.waiting.append(future)
        buffer = self._buffer
        buffer.append(data)
        if len(buffer) == 1:
            loop.call_soon(self._flush)
        if self._watch is None:
            self._watched = future
            self._watch = loop.call_later(self.timeout_s, self._check, wire)
        return future

    def _flush(self) -> None:
        buffer, wire = self._buffer, self._wire or self._candidate
        if not buffer:
            return
        data = buffer[0] if len(buffer) == 1 else b"".join(buffer)
        buffer.clear()
        if wire is not None and wire.transport is not None:
            wire.transport.write(data)

    def _check(self, wire: _Wire) -> None:
        """One timer for all: if the command watched since `timeout_s` is unanswered, the connection is dead to us."""
        self._watch = None
        watched, self._watched = self._watched, None
        if watched is not None and not watched.done() and wire.transport is not None:
            wire.transport.abort()
            return
        current = self._wire or self._candidate
        if current is not None and current.waiting and self._loop is not None:
            self._watched = current.waiting[0]
            self._watch = self._loop.call_later(self.timeout_s, self._check, current)

    def _lost(self, wire: _Wire) -> None:
        if wire is self._wire or wire is self._candidate:
            self._buffer.clear()
        if wire is self._wire:
            self._wire = None
            self._up.clear()

    async def _keep_connected(self) -> None:
        pause_s = _RECONNECT_FIRST_S
        while not self._closed:
            if self._wire is not None:
                await asyncio.sleep(_RECONNECT_FIRST_S)
                continue
            try:
                async with asyncio.timeout(self.connect_timeout_s):
                    await self._connect()
                pause_s = _RECONNECT_FIRST_S
            except (OSError, TimeoutError, Unavailable, ReplyError):
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _RECONNECT_MOST_S)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        address = self.address
        wire = _Wire(self._lost)
        self._candidate = wire
        try:
            if address.path is not None:
                await loop.create_unix_connection(lambda: wire, address.path)
            else:
                context = self._tls or (ssl.create_default_context() if address.tls else None)
                await loop.create_connection(lambda: wire, address.host, address.port, ssl=context)
            if address.password is not None:
                auth = (address.username, address.password) if address.username else (address.password,)
                await self._send(wire, pack((b"AUTH", *auth)))
            if address.db:
                await self._send(wire, pack((b"SELECT", address.db)))
            if self.on_connect is not None:
                await self.on_connect(_Handshake(self, wire))  # type: ignore[arg-type]
            self._wire = wire
            self._up.set()
        finally:
            self._candidate = None
            if self._wire is not wire and wire.transport is not None:
                with contextlib.suppress(RuntimeError):
                    wire.transport.abort()


class _Handshake:
    """What `on_connect` may use: this one connection, before it is the lane's."""

    def __init__(self, lane: Lane, wire: _Wire) -> None:
        self._lane, self._wire = lane, wire

    def call(self, *args: Arg) -> asyncio.Future[Any]:
        return self._lane._send(self._wire, pack(args))

    async def load(self, *scripts: Script) -> None:
        for script in scripts:
            await self.call(b"SCRIPT", b"LOAD", script.text)
