"""What one load process saw, in a form that adds up across processes."""

from collections import defaultdict
from pathlib import Path

import msgspec
from msgspec import Struct, field

from bench.measure.histogram import Histogram


class Second(Struct):
    """One second of a run."""

    users: int = 0
    requests: int = 0
    errors: int = 0
    orders: int = 0


class Recorded(Struct):
    """Shape: histograms by request name (steady phase alone), by second (all phases); errors by text. `late`: how much later
    than asked for the load process itself was woken, a few times a second (steady phase)."""

    names: dict[str, Histogram]
    errors: dict[str, dict[str, int]]
    seconds: dict[int, Second]
    latencies: dict[int, Histogram]
    steady_s: float = 0.0
    sold_out: int = 0
    late: Histogram = field(default_factory=Histogram)


def empty() -> Recorded:
    """Nothing seen yet."""
    return Recorded(
        defaultdict(Histogram),
        defaultdict(lambda: defaultdict(int)),
        defaultdict(Second),
        defaultdict(Histogram),
    )


def merge(parts: list[Recorded]) -> Recorded:
    """What all processes saw together."""
    whole = empty()
    for part in parts:
        for name, histogram in part.names.items():
            whole.names[name].merge(histogram)
        for name, texts in part.errors.items():
            for text, count in texts.items():
                whole.errors[name][text] += count
        for at, second in part.seconds.items():
            sum_ = whole.seconds[at]
            sum_.users += second.users
            sum_.requests += second.requests
            sum_.errors += second.errors
            sum_.orders += second.orders
        for at, histogram in part.latencies.items():
            whole.latencies[at].merge(histogram)
        whole.steady_s = max(whole.steady_s, part.steady_s)
        whole.sold_out += part.sold_out
        whole.late.merge(part.late)
    return whole


def write(recorded: Recorded, path: Path) -> None:
    """Writes it for the process that adds up."""
    path.write_bytes(msgspec.json.encode(recorded, enc_hook=_encode))


def read(path: Path) -> Recorded:
    """Reads what another process wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Recorded, dec_hook=_decode)


def _encode(value: object) -> object:
    if isinstance(value, Histogram):
        return value.as_dict()
    raise TypeError(type(value))


def _decode(kind: type, value: object) -> object:
    if kind is Histogram and isinstance(value, dict):
        return Histogram.from_dict(value)
    raise TypeError(kind)
