"""Stripe's client, without the HTTP libraries that it loads when it finds them.

Ours is aiohttp; the others would take 5 MiB of every process.

Source: stripe/_http_client.py, which takes the first that can be imported, and needs none of these.
"""

import sys

_UNUSED = {"requests", "httpx"} - sys.modules.keys()
sys.modules.update(dict.fromkeys(_UNUSED))  # type: ignore[arg-type] # None stops an import
try:
    import stripe
finally:
    for _name in _UNUSED:
        del sys.modules[_name]

__all__ = ["stripe"]
