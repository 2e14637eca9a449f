"""How many requests this process works on at once, and whom it refuses first.

Guarantees:
- A lower priority is refused before a higher one: browsing may fill half of the room, carts three quarters,
  checkouts all of it; health checks are never refused.
- The room shrinks while answers stay slow (multiplicatively) and grows again when they are fast and the room is
  used (additively), between `low` and `high`: a sick store gets a short queue instead of a long one. One slow window
  alone decides nothing: a machine may stand still for a moment.

Source: AIMD as in TCP congestion avoidance (RFC 5681) applied to concurrency, cf. Netflix concurrency-limits.
"""

from config import limits

BROWSE, CART, CHECKOUT, HEALTH = 0, 1, 2, 3
_SHARES = (0.5, 0.75, 1.0)
_UNBOUNDED = 1 << 30
_SHRINK = 0.8


class InFlight:
    """The room and who is in it. Call `enter` before the work and `leave` after it; `adapt` a few times a second.

    Shape: `target_s` is the mean answer time beyond which the room shrinks; windows of fewer than `samples_min`
    answers decide nothing. `coming` are here and will enter in a moment; while they and `count` are fewer than `crowded`,
    nobody is refused.
    """

    __slots__ = (
        "_answers", "_answers_s", "_peak", "_thresholds", "_was_slow", "coming", "count", "crowded", "high", "limit",
        "low", "samples_min", "shed", "target_s",
    )  # fmt: skip

    def __init__(
        self,
        *,
        high: int = limits.IN_FLIGHT_MAX,
        low: int = 64,
        target_s: float = 0.25,
        samples_min: int = 10,
    ) -> None:
        self.high = high
        self.low = min(low, high)
        self.target_s = target_s
        self.samples_min = samples_min
        self.count = 0
        self.coming = 0
        self.shed = [0, 0, 0, 0]
        self._peak = 0
        self._answers = 0
        self._answers_s = 0.0
        self._was_slow = False
        self.limit = high
        self.crowded = 0
        self._thresholds = (0, 0, 0, 0)
        self._set(high)

    def _set(self, limit: int) -> None:
        self.limit = limit
        self._thresholds = (*(max(1, int(limit * share)) for share in _SHARES), _UNBOUNDED)  # type: ignore[assignment]
        self.crowded = self._thresholds[BROWSE]

    def full(self, priority: int) -> bool:
        """Whether a request of this priority would be refused once all who are coming have entered; takes no place."""
        return self.count + self.coming >= self._thresholds[priority]

    def enter(self, priority: int) -> bool:
        """Whether there is room for a request of this priority; takes its place if so."""
        count = self.count
        if count >= self._thresholds[priority]:
            self.shed[priority] += 1
            return False
        self.count = count + 1
        if count >= self._peak:
            self._peak = count + 1
        return True

    def leave(self, took_s: float, counts: bool = True) -> None:
        """Gives the place back. `counts` is false for work whose time says nothing of the stores' health."""
        self.count -= 1
        if counts:
            self._answers += 1
            self._answers_s += took_s

    def adapt(self, loop_lag_s: float = 0.0) -> None:
        """Decides the room from the window that ends now: its answer times, and how late the event loop runs."""
        answers, answers_s, peak = self._answers, self._answers_s, self._peak
        self._answers, self._answers_s, self._peak = 0, 0.0, self.count
        late = answers >= self.samples_min and answers_s > self.target_s * answers
        was_slow, self._was_slow = self._was_slow, late or loop_lag_s > self.target_s
        if self._was_slow:
            if was_slow:
                self._set(max(self.low, int(min(self.limit, max(peak, 1)) * _SHRINK)))
        elif self.limit < self.high and peak * 2 >= self.limit:
            self._set(min(self.high, self.limit + max(8, self.limit // 20)))
        elif self.limit < self.high and peak * 4 < self.limit:
            self._set(min(self.high, self.limit + 8))
