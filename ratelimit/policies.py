"""Rate-limit policies as data: so many requests per client in a period, the whole of it may come at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

_MICROSECONDS = 1_000_000


class Rate(Protocol):
    """What a policy is made from: the setting's value."""

    @property
    def requests(self) -> int: ...

    @property
    def period_s(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Policy:
    """One named limit.

    Shape: `emission_us` ≥ 1, so no policy allows more than a million requests a second.
    """

    name: str
    requests: int
    period_s: int
    emission_us: int
    burst: int

    @classmethod
    def of(cls, name: str, rate: Rate) -> "Policy":
        """The policy for a rate such as `10/second`: ten at once, then one every 100 ms."""
        emission_us = max(1, rate.period_s * _MICROSECONDS // rate.requests)
        return cls(name, rate.requests, rate.period_s, emission_us, rate.requests)

    def shared_by(self, processes: int) -> "Policy":
        """One process's part, when each of `processes` counts on its own."""
        emission_us = max(1, self.period_s * _MICROSECONDS * processes // self.requests)
        burst = max(1, -(-self.requests // processes))
        return Policy(self.name, self.requests, self.period_s, emission_us, burst)

    @property
    def header(self) -> str:
        """The RateLimit-Policy field's value."""
        return f'"{self.name}";q={self.requests};w={self.period_s}'


def policies(rates: Mapping[str, Rate]) -> dict[str, Policy]:
    """The policy of each name in the settings."""
    return {name: Policy.of(name, rate) for name, rate in rates.items()}
