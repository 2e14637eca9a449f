"""Bytes on a socket, as clients that do not keep to HTTP send them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. Shape: header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """Its problem document; fails when it is none, or says another status than the answer."""
        assert self.headers["content-type"] == "application/problem+json", self
        found: dict[str, Any] = orjson.loads(self.body)
        assert {"type", "title", "status", "detail", "code"} <= found.keys(), found
        assert found["status"] == self.status
        return found


class Wire:
    """One open connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *parts: bytes, pause_s: float = 0.0) -> None:
        """Sends these bytes, with a pause between the parts; stops early when the other end has closed."""
        for number, part in enumerate(parts):
            if number and pause_s:
                await asyncio.sleep(pause_s)
            try:
                self.writer.write(part)
                await self.writer.drain()
            except ConnectionError:
                return

    async def answer(self, *, wait_s: float = 10.0) -> Answer | None:
        """The next answer, or None when the connection was closed without one."""
        async with asyncio.timeout(wait_s):
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
            first, *fields = head.decode("latin-1").rstrip().split("\r\n")
            headers = {name.lower(): text.strip() for name, _, text in (f.partition(":") for f in fields)}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
            return Answer(int(first.split()[1]), headers, body)

    async def closed_after(
        self, *, dribble: bytes = b"", every_s: float = 0.5, most_s: float = 20.0
    ) -> float:
        """How many seconds it took until the other end closed, while a byte of `dribble` went out now and then."""
        began = time.monotonic()
        pending = iter(dribble)
        while time.monotonic() - began < most_s:
            with contextlib.suppress(ConnectionError):
                if (byte := next(pending, None)) is not None:
                    self.writer.write(bytes([byte]))
            try:
                if not await asyncio.wait_for(self.reader.read(65536), every_s):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        return time.monotonic() - began


@contextlib.asynccontextmanager
async def wire(url: str) -> AsyncIterator[Wire]:
    """A connection to the server of this address."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def exchange(url: str, *parts: bytes, pause_s: float = 0.0) -> Answer | None:
    """The answer to these bytes on a connection of their own."""
    async with wire(url) as connection:
        await connection.send(*parts, pause_s=pause_s)
        return await connection.answer()


def post(path: str, body: bytes, *fields: str) -> bytes:
    """A JSON request as it goes over the wire."""
    head = [f"POST {path} HTTP/1.1", "Host: shop", "Content-Type: application/json", *fields]
    if not any(field.lower().startswith(("content-length", "transfer-encoding")) for field in fields):
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body
