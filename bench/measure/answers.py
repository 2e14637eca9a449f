"""What the shop itself says it answered: statuses and problem codes from its metrics, before and after a run."""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping

import aiohttp
from msgspec import Struct

_REQUESTS = re.compile(
    r'^checkout_http_requests_total\{route="([^"]*)",status="(\d+)"\} ([0-9.e+]+)$', re.MULTILINE
)
_PROBLEMS = re.compile(r'^checkout_http_problems_total\{code="([^"]*)"\} ([0-9.e+]+)$', re.MULTILINE)
_OWN = ("GET /metrics", "GET /readyz", "GET /healthz")
_NOBODY_THERE = 499
_FLUSHED_S = 1.2
_FLUSH_S = 0.3
_WAIT_S = 6.0
SHED = (429, 503)
"""Statuses of a shop that protects itself: nothing was done, the client may ask again."""


class Answers(Struct, frozen=True):
    """Counts of answers, of all processes together."""

    statuses: Mapping[int, int]
    codes: Mapping[str, int]

    def since(self, before: "Answers") -> "Answers":
        """What came after `before`."""
        statuses = Counter(self.statuses)
        statuses.subtract(before.statuses)
        codes = Counter(self.codes)
        codes.subtract(before.codes)
        return Answers(
            {s: n for s, n in statuses.items() if n > 0}, {c: n for c, n in codes.items() if n > 0}
        )

    @property
    def total(self) -> int:
        """All answers."""
        return sum(self.statuses.values())

    @property
    def shed(self) -> int:
        """Answers that protected the shop."""
        return sum(self.statuses.get(status, 0) for status in SHED)

    def in_words(self) -> str:
        """`503 overloaded 1,444` and so on, what was not expected first."""
        return ", ".join(
            f"{count:,} × {code}" for code, count in sorted(self.codes.items(), key=lambda i: -i[1])
        )


def parse(text: str) -> Answers:
    """Answers of a Prometheus exposition; probes, scrapes and answers that nobody waited for are left out."""
    statuses: Counter[int] = Counter()
    for route, status, count in _REQUESTS.findall(text):
        if route not in _OWN and int(status) != _NOBODY_THERE:
            statuses[int(status)] += int(float(count))
    return Answers(statuses, {code: int(float(count)) for code, count in _PROBLEMS.findall(text)})


async def answers_of(url: str, *, at_least: int = 0, since: Answers | None = None) -> Answers:
    """What the shop at `url` has answered; processes tell it once a second, so `at_least` so many are waited for."""
    before = since.total if since else 0
    until = asyncio.get_running_loop().time() + _WAIT_S
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client:
        while True:
            async with client.get(f"{url}/metrics") as response:
                found = parse(await response.text())
            if found.total - before >= at_least or asyncio.get_running_loop().time() > until:
                return found
            await asyncio.sleep(_FLUSH_S)


async def settled(url: str) -> Answers:
    """What the shop has answered, as soon as it answers nothing more: the end of a load is not the beginning of the next."""
    found = await answers_of(url)
    until = asyncio.get_running_loop().time() + _WAIT_S
    while asyncio.get_running_loop().time() < until:
        await asyncio.sleep(_FLUSHED_S)
        last, found = found, await answers_of(url)
        if found.total == last.total:
            break
    return found
