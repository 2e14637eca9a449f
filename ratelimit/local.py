"""GCRA in this process's memory: for reads that need no Redis call, and for everything while Redis is away."""

import time
from collections.abc import Callable

from ratelimit.gcra import Decision
from ratelimit.policies import Policy


class LocalLimiter:
    """One policy, counted here only.

    Shape: at most `entries_max` clients are remembered; at the bound those who are back at zero are forgotten, and
    if that is not enough, all are: a flood of new addresses cannot grow the table, it only resets it.
    Cost: under 1 µs a call.
    """

    __slots__ = ("_clock", "_emission", "_entries_max", "_tat", "_tolerance", "policy")

    def __init__(
        self, policy: Policy, *, entries_max: int = 50_000, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.policy = policy
        self._emission = policy.emission_us
        self._tolerance = policy.emission_us * policy.burst
        self._tat: dict[str, int] = {}
        self._entries_max = entries_max
        self._clock = clock

    def __len__(self) -> int:
        return len(self._tat)

    def take(self, client: str, cost: int = 1) -> Decision:
        """Counts a request of this client."""
        return Decision(*self.count(client, cost))

    def count(self, client: str, cost: int = 1) -> tuple[bool, int, int, int]:
        """`take` as a plain tuple, for the hot path. The same arithmetic as `gcra.decide`, unrolled."""
        now = self._clock() // 1000
        emission, tolerance = self._emission, self._tolerance
        tat = self._tat.get(client, 0)
        tat = max(tat, now)
        next_tat = tat + emission * cost
        over = next_tat - tolerance - now
        if over > 0:
            return False, (tolerance - (tat - now)) // emission, -((now - tat) // 1000), -(-over // 1000)
        if len(self._tat) >= self._entries_max and client not in self._tat:
            self._forget(now)
        self._tat[client] = next_tat
        return True, -over // emission, -((now - next_tat) // 1000), 0

    def _forget(self, now_us: int) -> None:
        kept = {client: tat for client, tat in self._tat.items() if tat > now_us}
        self._tat = kept if len(kept) < self._entries_max // 2 else {}
