"""What Stripe's client brings along into a process."""

import subprocess
import sys

_LOADED = """
import sys
from checkout.payments.providers import stripe
print("requests" in sys.modules, "httpx" in sys.modules)
import requests
print(requests.Session.__name__, stripe.StripeProvider.name)
"""


def test_the_client_brings_no_http_library_that_nobody_uses() -> None:
    """If this fails, every process carries 5 MiB more, or nothing else can import these libraries any more."""
    ran = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False", "Session", "stripe"]
