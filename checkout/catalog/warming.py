"""Learns what every SKU of a currency costs before its first shopper asks, a page at a time beside the traffic.

A currency begins to be learned when the first shopper asks in it, once more when everything had to be forgotten, and
again before what was learned gets old. Nothing waits for it: a SKU that is not known yet is asked for as ever.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from checkout.catalog.offers import OFFER_TTL_S, Offers
from checkout.errors import Unavailable
from checkout.kit.db import PostgresError
from checkout.quoting.model import Offer

_LOOK_S = 1.0
_QUIET_S = 3.0
"""Nothing is learned until nothing was forgotten for this long: an import forgets everything again and again."""
_REST = 1.0
"""Rests so many times as long as a page took, most of which Postgres took."""

Page = Callable[[int, str], Awaitable[tuple[Sequence[Offer], int | None]]]
"""Gives the next offers of a currency after an item, and the item after which to go on; None at the end."""


class Warming:
    """One process's learning; of what was learned whole it knows when that began, by the offers' clock."""

    def __init__(
        self, offers: Offers, page: Page, *, look_s: float = _LOOK_S, quiet_s: float = _QUIET_S
    ) -> None:
        self._offers = offers
        self._page = page
        self._look_s = look_s
        self._quiet_s = quiet_s
        self._learned: dict[str, float] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._look_s)
            for currency in self._offers.currencies:
                began = self._offers.now()
                if self._due(currency) and await self._learn(currency):
                    self._learned[currency] = began

    def _due(self, currency: str) -> bool:
        offers, learned = self._offers, self._learned.get(currency)
        if offers.now() - offers.forgotten_at < self._quiet_s:
            return False
        return learned is None or learned < offers.forgotten_at or offers.now() - learned > OFFER_TTL_S / 2

    async def _learn(self, currency: str) -> bool:
        """All pages; says whether the end was reached."""
        loop, offers = asyncio.get_running_loop(), self._offers
        after: int | None = 0
        while after is not None:
            began, asked_at = loop.time(), offers.generation
            try:
                page, after = await self._page(after, currency)
            except (Unavailable, PostgresError):
                return False
            if not offers.learn(page, currency, asked_at):
                return False
            await asyncio.sleep(_REST * (loop.time() - began))
        return True
