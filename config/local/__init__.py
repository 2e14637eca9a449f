"""The stores that this machine runs by itself: Postgres and two Valkeys from wheels, and their supervisor."""

from config.local.errors import StoreError
from config.local.ports import ensure_free
from config.local.process import await_release
from config.local.stores import NAMES, Addresses, Stores, discover, resolve, start_stores
from config.local.supervisor import Child, Supervisor

__all__ = [
    "NAMES",
    "Addresses",
    "Child",
    "StoreError",
    "Stores",
    "Supervisor",
    "await_release",
    "discover",
    "ensure_free",
    "resolve",
    "start_stores",
]
