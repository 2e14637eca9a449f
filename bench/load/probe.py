"""A few requests a second beside a load, each remembered by itself: when, how long, which answer."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from msgspec import Struct

from bench.load.shapes import Build

_LONGEST_S = 10.0
_READ = 65536


class Sample(Struct, frozen=True):
    """One request. Units: `at_s` by the monotonic clock, when it was sent. Shape: `status` 0 had no answer."""

    at_s: float
    ms: float
    status: int


class Probe:
    """Sends on connections that are kept; one that waits keeps no other back. `samples` in the order of their answers."""

    def __init__(self, url: str, build: Build) -> None:
        parts = urlsplit(url)
        self._at = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._build = build
        self._number = 0
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.samples: list[Sample] = []

    def between(self, begin_s: float, end_s: float) -> list[Sample]:
        """What was sent in this while, in the order of sending."""
        return sorted((s for s in self.samples if begin_s <= s.at_s < end_s), key=lambda s: s.at_s)

    async def one(self) -> None:
        """Sends one request and waits for its answer; the time to connect is no part of it.

        A kept connection that was closed meanwhile is no answer: it is sent again, as any client does, on another.
        """
        self._number += 1
        data, status = self._build(self._number), 0
        began = time.monotonic()
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            async with asyncio.timeout(_LONGEST_S):
                while self._free and not status:
                    with contextlib.suppress(ConnectionError, EOFError):
                        status = await self._ask(*self._free.pop(), data)
                if not status:
                    connecting = time.monotonic()
                    connection = await asyncio.open_connection(*self._at)
                    began += time.monotonic() - connecting
                    status = await self._ask(*connection, data)
        self.samples.append(Sample(began, (time.monotonic() - began) * 1000, status))

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> int:
        """The answer's status; the connection is kept for the next one. Raises: OSError, EOFError."""
        status = 0
        try:
            writer.write(data)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
            await reader.readexactly(int(length or 0))
            status = int(head[9:12])
        finally:
            if status:
                self._free.append((reader, writer))
            else:
                writer.close()
        return status

    def close(self) -> None:
        """Closes its connections."""
        for _, writer in self._free:
            writer.close()


@contextlib.asynccontextmanager
async def probing(url: str, build: Build, *, rate_per_s: float) -> AsyncIterator[Probe]:
    """Probes at work for a while; those under way at its end are waited for."""
    probe, began, open_ones = Probe(url, build), time.monotonic(), set[asyncio.Task[None]]()

    async def keep_rate() -> None:
        number = 0
        while True:
            number += 1
            await asyncio.sleep(max(0.0, began + number / rate_per_s - time.monotonic()))
            task = asyncio.create_task(probe.one())
            open_ones.add(task)
            task.add_done_callback(open_ones.discard)

    keeper = asyncio.create_task(keep_rate())
    try:
        yield probe
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, *open_ones, return_exceptions=True)
        probe.close()


def percentile_ms(samples: list[Sample], percent: float) -> float:
    """The least time that `percent` of these are within (nearest rank); 0 when there are none."""
    took = sorted(sample.ms for sample in samples)
    return took[max(0, -int(-len(took) * percent // 100) - 1)] if took else 0.0


def recovered_after_s(samples: list[Sample], *, since_s: float, usual_ms: float, window: int) -> float | None:
    """How long after `since_s` the first of `window` probes in a row was sent that all bought, none slower than `usual_ms`.

    None when there was no such row of them.
    """
    after = [sample for sample in samples if sample.at_s >= since_s]
    row = 0
    for number, sample in enumerate(after):
        row = row + 1 if sample.status == 201 and sample.ms <= usual_ms else 0
        if row == window:
            return after[number - window + 1].at_s - since_s
    return None
