"""`python -m workers`: the workers alone, as `checkout work`."""

import sys

from config import local
from config.settings import load
from workers.worker import run_workers

sys.exit(run_workers(local.resolve(load())))
