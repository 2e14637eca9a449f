"""One request's count, paid along with the Redis call that the request makes anyway, instead of by a call of its own.

Guarantees (held by tests/api/carts/test_counting.py):
- A request is counted once, however many calls it makes: by the first one that goes out.
- The call that counts does nothing else for a request that is over its limit, and no other call follows it.
"""

from ratelimit.gcra import Decision
from ratelimit.policies import Policy
from ratelimit.shared import SharedLimiter, limit_key

FREE = ("{0}:limit:none", 0, 0)
"""What a script is given to count nothing."""


class OverLimit(Exception):
    """The request is over its limit: the decision says until when."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision)
        self.decision = decision


class Toll:
    """What a request owes under a policy, or what was decided.

    Shape: `due` says that nothing has counted the request; `decision` is None until something has.
    """

    __slots__ = ("_client", "_limiter", "_policy", "decision", "due")

    def __init__(self, limiter: SharedLimiter, policy: Policy, client: str, *, due: bool = True) -> None:
        self._limiter, self._policy, self._client, self.due = limiter, policy, client, due
        self.decision: Decision | None = None

    def along(self) -> tuple[str, int, int]:
        """(key, emission interval in µs, burst) for a script that calls gcra(); FREE once a call has been given them.

        Whoever was given anything else says what came of it: `told`, or `lost`.
        """
        if not self.due:
            return FREE
        self.due = False
        policy = self._policy
        return limit_key(policy.name, self._client), policy.emission_us, policy.burst

    def told(self, decision: Decision) -> None:
        """What the script's gcra() said. Raises: OverLimit."""
        self.decision = decision
        if not decision.allowed:
            raise OverLimit(decision)

    def lost(self) -> None:
        """The call was not answered: the request is counted in this process. Raises: OverLimit."""
        self.told(self._limiter.fall_back(self._policy, self._client))

    def waive(self) -> None:
        """Counts nothing: the request repeats one that is under way, and is counted with it."""
        self.due = False

    async def pay(self) -> None:
        """Counts the request by a call of its own, unless a call has counted it. Raises: OverLimit."""
        if self.due:
            self.due = False
            self.told(await self._limiter.take(self._policy, self._client))


PAID = Toll(SharedLimiter(None, None, away=()), Policy("none", 1, 1, 1, 1), "", due=False)
"""Of work that no request's limit counts: the shop's own, or a request that the edge has counted already."""
