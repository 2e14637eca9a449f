"""The tier that processes share, in Redis: documents with their generation, a lease for who loads, a clock of events.

**Guarantees** (held by tests/property/catalog_cache/test_shared.py against a real server):
- A document loaded before an invalidation of one of its tags is not stored after it, and not read if it was stored before.
- Each process sends its invalidation on the same connection as its reads, so no read of a process that has heard of a
  change can find what the change made wrong.
- When the server is away, slow, or lost its memory, readers load from the source; nothing is raised.

All keys share one hash tag, so that on a cluster every script stays on one node.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Iterable
from hashlib import sha1
from pathlib import Path
from typing import Any, Protocol

import msgspec

from catalog_cache.entry import Document

LEASE_MS = 2000
TAG_TTL_S = 900
"""Longer than any document lives and any load takes, so that an expired tag has nothing left to invalidate."""

_HERE = Path(__file__).parent
Arg = bytes | str | int


class Lane(Protocol):
    """One connection; commands are answered in the order in which they were sent."""

    def call(self, *args: Arg) -> Awaitable[Any]:
        """Sends one command."""


class _Script:
    def __init__(self, name: str) -> None:
        self.text = (_HERE / name).read_text()
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()


_READ, _STORE, _INVALIDATE = _Script("read.lua"), _Script("store.lua"), _Script("invalidate.lua")
_decoder = msgspec.msgpack.Decoder(Document)
_encoder = msgspec.msgpack.Encoder()


class Found(msgspec.Struct, frozen=True):
    """The document is there. Units: seconds that it stays fresh."""

    document: Document
    fresh_s: float


class Load(msgspec.Struct, frozen=True):
    """The caller loads; `clock` goes back with `store`."""

    clock: int


WAIT = "wait"


class SharedTier:
    """Documents by key, shared by all processes of one gate.

    `failures` are the errors of the lane that mean "not available": they are counted and swallowed.
    """

    def __init__(
        self, lane: Lane, *, failures: tuple[type[Exception], ...], prefix: str = "{catalog}:"
    ) -> None:
        self._lane = lane
        self._failures = failures
        self._documents = prefix + "d:"
        self._leases = prefix + "l:"
        self._tags = prefix + "t:"
        self._clock = prefix + "clock"
        self._flushed = prefix + "flushed"
        self._name = secrets.token_hex(8)
        self._missed = False
        self._sending: set[asyncio.Task[None]] = set()
        self.away = 0
        self.refused = 0

    async def read(self, key: str, *, lease: bool = True) -> Found | Load | str | None:
        """What to do about the key: Found, Load, WAIT (another loads), None (the tier is away). Cost: one round trip."""
        try:
            if self._missed:
                await self._send_invalidation(())
            answer = await self._run(
                _READ, self._keys(key), (self._tags, LEASE_MS, self._name if lease else "")
            )
        except self._failures:
            self.away += 1
            return None
        if answer[1] == 0:
            return Load(int(answer[0]))
        if answer[1] < 0:
            return WAIT
        try:
            return Found(_decoder.decode(answer[2]), max(0, answer[3]) / 1000)
        except msgspec.MsgspecError:  # written by another version of this program
            return Load(int(answer[0]))

    async def store(self, key: str, document: Document, load: Load) -> bool:
        """Shares what was loaded; False when it was overtaken or the tier is away."""
        ttl_ms = int(document.fresh_s * 1000)
        if ttl_ms < 1 or not document.shared:
            await self.release(key)
            return False
        args: tuple[Arg, ...] = (self._tags, load.clock, ttl_ms, _encoder.encode(document), *document.tags)
        try:
            stored = bool(await self._run(_STORE, self._keys(key), args))
        except self._failures:
            self.away += 1
            return False
        self.refused += not stored
        return stored

    async def release(self, key: str) -> None:
        """Gives the lease back without storing: the load failed, or there was nothing."""
        try:
            await self._lane.call(b"DEL", self._leases + key)
        except self._failures:
            self.away += 1

    def invalidate(self, tags: Iterable[str] = ()) -> None:
        """Makes documents with these tags (none: all) invalid for everyone.

        It leaves in this turn of the loop, before any later read of this process; when it cannot be sent, the tier is
        not read again before everything in it has been made invalid.
        """
        chosen = tuple(tags)
        args: tuple[Arg, ...] = (self._tags, TAG_TTL_S, *chosen)
        try:
            future = self._call(_INVALIDATE, (self._clock, self._flushed), args)
        except self._failures:
            self.away += 1
            self._missed = True
            return
        task = asyncio.ensure_future(self._confirm(future, chosen))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _confirm(self, future: Awaitable[Any], tags: tuple[str, ...]) -> None:
        try:
            await future
        except self._failures as error:
            try:
                if not str(error).startswith("NOSCRIPT"):
                    raise
                await self._send_invalidation(tags)
            except self._failures:
                self.away += 1
                self._missed = True

    async def _send_invalidation(self, tags: tuple[str, ...]) -> None:
        await self._run(_INVALIDATE, (self._clock, self._flushed), (self._tags, TAG_TTL_S, *tags))
        if not tags:
            self._missed = False

    async def on_connect(self, lane: Lane) -> None:
        """For the lane: a server that we (re)connect to may have lost events; its documents are not believed."""
        for script in (_READ, _STORE, _INVALIDATE):
            await lane.call(b"SCRIPT", b"LOAD", script.text)
        await lane.call(b"EVALSHA", _INVALIDATE.sha, 2, self._clock, self._flushed, self._tags, TAG_TTL_S)
        self._missed = False

    def _keys(self, key: str) -> tuple[str, str, str, str]:
        return self._documents + key, self._leases + key, self._clock, self._flushed

    def _call(self, script: _Script, keys: tuple[str, ...], args: tuple[Arg, ...]) -> Awaitable[Any]:
        return self._lane.call(b"EVALSHA", script.sha, len(keys), *keys, *args)

    async def _run(self, script: _Script, keys: tuple[str, ...], args: tuple[Arg, ...]) -> Any:
        try:
            return await self._call(script, keys, args)
        except self._failures as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            await self._lane.call(b"SCRIPT", b"LOAD", script.text)
            return await self._call(script, keys, args)
