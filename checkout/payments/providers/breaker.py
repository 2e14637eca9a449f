"""A bound on what one provider may cost us: calls at once, and failures in a row.

Guarantees:
- Not more than `concurrency` calls are under way; the others wait at most `wait_s` and are then refused unsent.
- After `failures` failures within `window_s` the breaker is open: calls are refused at once, unsent. After `rest_s` one
  call probes; its success closes the breaker, its failure opens it for another rest.
- A refusal of the provider (declined, invalid) is an answer, never a failure.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

from config import limits

State = Literal["closed", "open", "probing"]


class Resting(Exception):
    """The breaker is open, or every slot is taken: the call was not sent."""


class Breaker:
    """Guards one provider in one process. `clock` is injected so that tests need not wait."""

    def __init__(
        self,
        *,
        concurrency: int = limits.PROVIDER_CONCURRENCY,
        failures: int = limits.BREAKER_FAILURES,
        window_s: float = limits.BREAKER_WINDOW_S,
        rest_s: float = limits.BREAKER_REST_S,
        wait_s: float = limits.PROVIDER_CONNECT_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slots = asyncio.Semaphore(concurrency)
        self._most, self._window_s, self._rest_s, self._wait_s = failures, window_s, rest_s, wait_s
        self._clock = clock
        self._failed: deque[float] = deque(maxlen=failures)
        self._opened_at: float | None = None
        self._probing = False

    @property
    def state(self) -> State:
        """Closed: calls pass. Open: refused at once. Probing: one call is finding out."""
        if self._opened_at is None:
            return "closed"
        return "probing" if self._probing else "open"

    @asynccontextmanager
    async def call(self) -> AsyncIterator["Call"]:
        """One call. The body says `failed()` when the provider did not answer usably; an exception counts as that too.

        Raises: Resting, and then nothing was sent.
        """
        probe = self._enter()
        try:
            if not self._slots.locked():
                await self._slots.acquire()  # at once: no timer for what does not wait
            else:
                async with asyncio.timeout(self._wait_s):
                    await self._slots.acquire()
        except TimeoutError as error:
            self._probing = self._probing and not probe
            raise Resting("every slot of this provider is taken") from error
        except asyncio.CancelledError:
            self._probing = self._probing and not probe
            raise
        call = Call()
        try:
            yield call
        except asyncio.CancelledError:
            # We gave up, which says nothing about the provider; another call may probe.
            self._probing = self._probing and not probe
            raise
        except BaseException:  # raised again: any failure inside counts, and nothing is lost to the caller
            self._leave(probe, ok=False)
            raise
        else:
            self._leave(probe, ok=call.ok)
        finally:
            self._slots.release()

    def _enter(self) -> bool:
        if self._opened_at is None:
            return False
        if self._probing or self._clock() - self._opened_at < self._rest_s:
            raise Resting("the provider failed too often and rests")
        self._probing = True
        return True

    def _leave(self, probe: bool, *, ok: bool) -> None:
        now = self._clock()
        if probe:
            self._probing = False
            self._failed.clear()
            self._opened_at = None if ok else now
        elif ok:
            self._failed.clear()
        else:
            self._failed.append(now)
            full = len(self._failed) == self._most
            if full and now - self._failed[0] <= self._window_s and self._opened_at is None:
                self._opened_at = now


class Call:
    """What became of one call."""

    ok = True

    def failed(self) -> None:
        """The provider did not answer usably."""
        self.ok = False
