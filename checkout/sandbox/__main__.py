"""`python -m checkout.sandbox`: the sandbox alone, for tests and for a second terminal."""

import uvloop

from checkout.sandbox.app import run
from config.settings import load

if __name__ == "__main__":
    uvloop.run(run(load()))
