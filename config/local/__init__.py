"""The stores that this machine runs by itself: Postgres and two Valkeys from wheels, and their supervisor."""

from config.local.errors import StoreError
from config.local.stores import NAMES, Addresses, Stores, discover, resolve, start_stores

__all__ = ["NAMES", "Addresses", "StoreError", "Stores", "discover", "resolve", "start_stores"]
