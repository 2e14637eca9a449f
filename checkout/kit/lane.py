"""The Redis lane: one connection, many callers.

Commands gather while earlier ones are under way and leave in one write; replies come back in order.

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
from config import limits

Arg = bytes | str | int


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Redis listens, and who signs its certificate.

    Shape: `redis://[user:password@]host:port/db`, `rediss://…?ssl_ca_certs=FILE` or `unix:///path?db=0`.
    """

    path: str | None
    host: str
    port: int
    username: str | None
    password: str | None
    db: int
    tls: bool
    ca: str | None = None

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
        ca = query.get("ssl_ca_certs", [None])[0]
        return cls(None, host, port, username, password, db, parts.scheme == "rediss", ca)


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
    """One connection: commands gather while the ones before are under way, then leave in one write.

    A write costs as much as twenty commands, here and at the server; so the next one goes out when the last is answered.
    """

    def __init__(self, on_lost: Callable[["_Wire"], None], timeout_s: float) -> None:
        self.transport: asyncio.Transport | None = None
        self._on_lost = on_lost
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._written: deque[asyncio.Future[Any]] = deque()
        self._gathered: list[asyncio.Future[Any]] = []
        self._bytes: list[bytes] = []
        self._composing: list[Callable[[], None]] = []
        self._watch: asyncio.TimerHandle | None = None
        self._written_at = 0.0

    def send(self, data: bytes) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        self._gathered.append(future)
        self._bytes.append(data)
        if len(self._bytes) == 1 and not self._written:
            self._loop.call_soon(self.flush)
        return future

    def before_write(self, compose: Callable[[], None]) -> None:
        """Calls `compose` once, just before the next write, which takes along what it sends."""
        self._composing.append(compose)
        if len(self._composing) == 1 and not self._bytes and not self._written:
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Writes what has gathered, unless earlier commands are still unanswered."""
        if self._written or self.transport is None:
            return
        self._compose()
        if not self._bytes:
            return
        data = self._bytes[0] if len(self._bytes) == 1 else b"".join(self._bytes)
        self._written.extend(self._gathered)
        self._bytes.clear()
        self._gathered.clear()
        self._written_at = self._loop.time()
        if self._watch is None:
            self._watch = self._loop.call_later(self._timeout_s, self._check)
        self.transport.write(data)

    def _compose(self) -> None:
        composing, self._composing = self._composing, []
        for compose in composing:
            compose()

    def _check(self) -> None:
        """One timer for all: a server that left a write unanswered for `timeout_s` is dead to us."""
        self._watch = None
        if not self._written:
            return
        left_s = self._written_at + self._timeout_s - self._loop.time()
        if left_s > 0:
            self._watch = self._loop.call_later(left_s, self._check)
        elif self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        reader, written = self._reader, self._written
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not False:
                future = written.popleft()
                if future.done():
                    continue
                if isinstance(reply, hiredis.ReplyError):
                    future.set_exception(ReplyError(str(reply)))
                else:
                    future.set_result(reply)
        except (hiredis.ProtocolError, IndexError):
            if self.transport is not None:
                self.transport.abort()
        if not written and (self._bytes or self._composing):
            self._loop.call_soon(self.flush)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._on_lost(self)
        self._compose()
        for future in self._written:
            if not future.done():
                future.set_exception(
                    OutcomeUnknown("The store did not answer in time; ask again.", retry_after_ms=500)
                )
        for future in self._gathered:
            if not future.done():
                future.set_exception(_away())
        self._written.clear()
        self._gathered.clear()
        self._bytes.clear()


def _away() -> Unavailable:
    return Unavailable("The gate is not reachable.", code="gate_away", retry_after_ms=500)


class Lane:
    """One multiplexed connection to one Redis, for one purpose.

    Cost: about 3 µs of client CPU a command when many callers share a write.
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
        self._connector: asyncio.Task[None] | None = None
        self._closed = False
        self._up = asyncio.Event()
        self.calls = 0

    @property
    def is_up(self) -> bool:
        return self._wire is not None

    async def start(self, *, wait_s: float = 0.0) -> None:
        """Begins to connect; waits up to `wait_s` for the first connection, without failing when it does not come."""
        self._connector = asyncio.create_task(self._keep_connected(), name="lane")
        if wait_s:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._up.wait(), wait_s)

    async def close(self) -> None:
        """Ends the lane; whoever still waits learns that the outcome is unknown."""
        self._closed = True
        if self._connector is not None:
            self._connector.cancel()
            await asyncio.gather(self._connector, return_exceptions=True)
        if self._wire is not None and self._wire.transport is not None:
            self._wire.flush()
            self._wire.transport.close()
            await asyncio.sleep(0)

    def call(self, *args: Arg) -> asyncio.Future[Any]:
        """Sends one command with the others that are waiting. Raises: Unavailable (not sent), OutcomeUnknown, ReplyError."""
        wire = self._wire
        if wire is None:
            raise _away()
        self.calls += 1
        return wire.send(pack(args))

    def before_write(self, compose: Callable[[], None]) -> None:
        """Calls `compose` once, just before the next write, so that many callers can share one command; when the connection
        is lost before that, or is not there, at once."""
        if self._wire is None:
            compose()
        else:
            self._wire.before_write(compose)

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

    def _lost(self, wire: _Wire) -> None:
        if wire is self._wire:
            self._wire = None
            self._up.clear()

    async def _keep_connected(self) -> None:
        pause_s = limits.GATE_RECONNECT_MIN_S
        while not self._closed:
            if self._wire is not None:
                await asyncio.sleep(limits.GATE_RECONNECT_MIN_S)
                continue
            try:
                async with asyncio.timeout(self.connect_timeout_s):
                    await self._connect()
                pause_s = limits.GATE_RECONNECT_MIN_S
            except (OSError, TimeoutError, Unavailable, ReplyError):
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, limits.GATE_RECONNECT_MAX_S)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        address = self.address
        wire = _Wire(self._lost, self.timeout_s)
        try:
            if address.path is not None:
                await loop.create_unix_connection(lambda: wire, address.path)
            else:
                if address.tls and self._tls is None:
                    self._tls = ssl.create_default_context(cafile=address.ca)
                context = self._tls
                await loop.create_connection(lambda: wire, address.host, address.port, ssl=context)
            if address.password is not None:
                auth = (address.username, address.password) if address.username else (address.password,)
                await wire.send(pack((b"AUTH", *auth)))
            if address.db:
                await wire.send(pack((b"SELECT", address.db)))
            if self.on_connect is not None:
                await self.on_connect(_Handshake(wire))  # type: ignore[arg-type]
            self._wire = wire
            self._up.set()
        finally:
            if self._wire is not wire and wire.transport is not None:
                with contextlib.suppress(RuntimeError):
                    wire.transport.abort()


class _Handshake:
    """What `on_connect` may use: this one connection, before it is the lane's."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    def call(self, *args: Arg) -> asyncio.Future[Any]:
        return self._wire.send(pack(args))

    async def load(self, *scripts: Script) -> None:
        for script in scripts:
            await self.call(b"SCRIPT", b"LOAD", script.text)
