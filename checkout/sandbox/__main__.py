"""`python -m checkout.sandbox`: the sandbox alone, for tests and for a second terminal."""

import sys

from checkout.sandbox.server import run_sandbox
from config.settings import load

if __name__ == "__main__":
    sys.exit(run_sandbox(load()))
