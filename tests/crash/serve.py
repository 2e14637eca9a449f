"""`checkout serve` for the crash tests: always children under a parent, who forgets sooner that a child has died.

Arguments: none; settings come from the environment as for `checkout serve`. A child that lived `SETTLED_S` counts as
recovered, so that the hundredth kill of a run is answered by as prompt a restart as the first.
"""

import os
import sys

from checkout.app import build
from checkout.edge import logs
from checkout.edge.serve import Parent
from config import limits, settings

SETTLED_S = 0.2


def main() -> int:
    """Serves until SIGTERM."""
    limits.RESTART_SETTLED_S = SETTLED_S
    mine = settings.load(os.environ)
    logs.configure(mine.log_format, mine.log_level)
    return Parent(mine, build).run()


if __name__ == "__main__":
    sys.exit(main())
