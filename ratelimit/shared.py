"""GCRA in Redis: one count for all processes and nodes.

While Redis is away each process counts for itself with its part of the limit: the limit is then held per node
only, and the shop stays open. A lost answer counts as away; nobody is refused for it.
"""

from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Protocol

from ratelimit.gcra import Decision
from ratelimit.local import LocalLimiter
from ratelimit.policies import Policy

GCRA_LUA = Path(__file__).parent / "gcra.lua"
LIMIT_LUA = Path(__file__).parent / "limit.lua"
LIMIT_SOURCES = (GCRA_LUA, LIMIT_LUA)
"""What the script is made of, in order."""


class Lane(Protocol):
    """What is needed of the connection to Redis: run a script, loading it when the server does not know it."""

    def run(self, script: Any, keys: tuple[Any, ...], args: tuple[Any, ...]) -> Awaitable[Any]: ...


class SharedLimiter:
    """Counts under any policy, in Redis while it answers.

    Shape: `script` is made from LIMIT_SOURCES; `away` are the errors by which the lane says that Redis is away.
    Cost: one round trip.
    """

    def __init__(
        self, lane: Lane | None, script: Any, *, away: tuple[type[Exception], ...], processes: int = 1
    ) -> None:
        self._lane = lane
        self._script = script
        self._away = away
        self._processes = processes
        self._local: dict[str, LocalLimiter] = {}
        self.fell_back = 0

    async def take(self, policy: Policy, client: str, cost: int = 1) -> Decision:
        """Counts a request of this client under this policy. Raises: nothing of Redis."""
        if self._lane is not None:
            try:
                allowed, remaining, reset_ms, retry_ms = await self._lane.run(
                    self._script, (limit_key(policy.name, client),), (policy.emission_us, policy.burst, cost)
                )
                return Decision(allowed == 1, remaining, reset_ms, retry_ms)
            except self._away:
                return self.fall_back(policy, client, cost)
        return self._here(policy, client, cost)

    def fall_back(self, policy: Policy, client: str, cost: int = 1) -> Decision:
        """Counts in this process alone, because Redis did not answer."""
        self.fell_back += 1
        return self._here(policy, client, cost)

    def _here(self, policy: Policy, client: str, cost: int) -> Decision:
        local = self._local.get(policy.name)
        if local is None:
            local = self._local[policy.name] = LocalLimiter(policy.shared_by(self._processes))
        return local.take(client, cost)


def limit_key(policy: str, client: str) -> str:
    """The key in Redis that counts this client under this policy.

    Its hash tag is the gate's, so that the gate's own scripts may count along, also on a Cluster.
    """
    return f"{{0}}:limit:{policy}:{client}"
