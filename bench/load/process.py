"""The own generator as a process of its own: `python -m bench.load.process ASKED.json RUN.json`.

So that it shares no interpreter with what measures, and its CPU is its own in the figures.
"""

import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.load.generator import run_generator
from bench.load.open_files import raise_file_limit
from bench.load.run import Run
from bench.load.shapes import Shape, builder


class Asked(Struct, frozen=True):
    """What to send. Units: seconds, requests a second; `rate_per_s` 0 is a closed loop."""

    url: str
    shape: Shape
    connections: int
    seconds: float
    rate_per_s: float = 0.0


def main() -> int:
    """Runs what is asked to its end."""
    asked = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Asked)
    raise_file_limit()
    run: Run = run_generator(
        asked.url,
        builder(asked.shape),
        connections=asked.connections,
        seconds=asked.seconds,
        rate_per_s=asked.rate_per_s,
    )
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(run))
    return 0


if __name__ == "__main__":
    sys.exit(main())
