"""One turn of the event loop can be long: hundreds of orders take their next step in it, and nobody else is heard meanwhile.

Whoever works in many steps breathes between them; whoever must be heard attends. The steps themselves stay together in their
turn, because what many do at once is cheaper.
"""

import math
from collections.abc import Callable
from time import perf_counter

from config import limits


class Turn:
    """A process's turns. Shape: `breathe` may be called from any step, however often."""

    def __init__(self) -> None:
        self._attending: Callable[[], None] | None = None
        self._next_s = math.inf

    def attend(self, hear: Callable[[], None]) -> None:
        """From now on `hear` is called between the steps of a turn that is long, in place of whoever attended before."""
        self._attending, self._next_s = hear, 0.0

    def dismiss(self, hear: Callable[[], None]) -> None:
        """Calls `hear` no more."""
        if self._attending == hear:
            self._attending, self._next_s = None, math.inf

    def breathe(self) -> None:
        """Between two steps: lets those be heard who attend, once a BREATH_S at most. Cost: 0.1 µs when it is not time."""
        if perf_counter() >= self._next_s and self._attending is not None:
            self._attending()
            self._next_s = perf_counter() + limits.BREATH_S


_TURN = Turn()
attend, dismiss, breathe = _TURN.attend, _TURN.dismiss, _TURN.breathe
