"""The generic cell rate algorithm as a pure function: the model that gcra.lua and the local limiter are held to.

Guarantees:
- In any stretch of `t` microseconds one client gets at most `burst + t / emission_us` requests (tests/property/ratelimit).
- A client that waits `retry_ms` is let in, if nobody else used its key meanwhile.
- A refusal changes nothing.

Source: ATM Forum TM 4.0, virtual scheduling algorithm.
"""

from typing import NamedTuple


class Decision(NamedTuple):
    """What a limiter said.

    Shape: `remaining` requests may follow at once; all of it is back after `reset_ms`; `retry_ms` is 0 when allowed.
    """

    allowed: bool
    remaining: int
    reset_ms: int
    retry_ms: int


def decide(
    *, tat_us: int | None, now_us: int, emission_us: int, burst: int, cost: int = 1
) -> tuple[int | None, Decision]:
    """(the arrival time to remember, the decision). Shape: cost ≤ burst. Units: µs."""
    tolerance = emission_us * burst
    tat = min(max(now_us if tat_us is None else tat_us, now_us), now_us + tolerance)
    next_tat = tat + emission_us * cost
    over = next_tat - tolerance - now_us
    if over > 0:
        left = (tolerance - (tat - now_us)) // emission_us
        return tat_us, Decision(False, left, _ms(tat - now_us), _ms(over))
    kept = next_tat if cost else tat_us
    return kept, Decision(True, -over // emission_us, _ms(next_tat - now_us), 0)


def _ms(duration_us: int) -> int:
    return -(-duration_us // 1000)
