"""Latencies in bounded memory: a histogram of logarithmic buckets that add up across processes.

Units: microseconds inside, milliseconds where people read. Buckets are 2 % wide, so a percentile is right to 1 %.
"""

import math
from collections import Counter
from collections.abc import Mapping

_WIDTH = math.log(1.02)


def bucket_of(us: float) -> int:
    """The bucket of a latency."""
    return max(0, math.ceil(math.log(max(us, 1.0)) / _WIDTH))


def middle_of(bucket: int) -> float:
    """The latency that a bucket stands for, in microseconds."""
    return math.exp((bucket - 0.5) * _WIDTH) if bucket else 1.0


class Histogram:
    """Counts by bucket, with the exact largest."""

    def __init__(self, counts: Mapping[int, int] | None = None, most_us: float = 0.0) -> None:
        self.counts: Counter[int] = Counter(counts or {})
        self.most_us = most_us

    def add(self, us: float, times: int = 1) -> None:
        """Records a latency."""
        self.counts[bucket_of(us)] += times
        self.most_us = max(self.most_us, us)

    def merge(self, other: "Histogram") -> None:
        """Takes in what another process saw."""
        self.counts.update(other.counts)
        self.most_us = max(self.most_us, other.most_us)

    def __len__(self) -> int:
        return self.counts.total()

    def percentile_ms(self, percent: float) -> float:
        """The least latency that `percent` of all are within (nearest rank). 0 when nothing was recorded."""
        total = self.counts.total()
        if not total:
            return 0.0
        rank = max(1, math.ceil(total * percent / 100))
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= rank:
                return min(middle_of(bucket), self.most_us) / 1000
        return self.most_us / 1000

    def mean_ms(self) -> float:
        """The mean latency."""
        total = self.counts.total()
        return sum(middle_of(b) * n for b, n in self.counts.items()) / total / 1000 if total else 0.0

    def corrected(self, expected_us: float) -> "Histogram":
        """The same, with the requests that a stalled client did not send.

        A client that sends every `expected_us` and once waits ten times as long has kept nine requests back: they would have
        waited nine, eight … times as long. Source: Gil Tene's correction of coordinated omission (HdrHistogram).
        """
        whole = Histogram(self.counts, self.most_us)
        if expected_us <= 0:
            return whole
        for bucket, times in self.counts.items():
            missing = middle_of(bucket) - expected_us
            while missing >= expected_us:
                whole.counts[bucket_of(missing)] += times
                missing -= expected_us
        return whole

    def as_dict(self) -> dict[str, object]:
        """What `from_dict` reads."""
        return {"counts": {str(bucket): n for bucket, n in self.counts.items()}, "most_us": self.most_us}

    @classmethod
    def from_dict(cls, document: Mapping[str, object]) -> "Histogram":
        """A histogram that another process wrote."""
        counts, most_us = document["counts"], document["most_us"]
        if not isinstance(counts, dict) or not isinstance(most_us, int | float):
            raise TypeError("not a histogram")
        return cls({int(bucket): int(n) for bucket, n in counts.items()}, float(most_us))
