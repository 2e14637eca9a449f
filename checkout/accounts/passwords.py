"""Password hashes: argon2id in a thread of its own, so that a flood of sign-ins never stalls the event loop.

Source: OWASP Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane); RFC 9106.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from checkout.errors import Unavailable
from config import limits

_WAITING_MAX = 32

_hasher = PasswordHasher(
    time_cost=limits.ARGON2_TIME_COST,
    memory_cost=limits.ARGON2_MEMORY_KIB,
    parallelism=limits.ARGON2_PARALLELISM,
)


def hash_now(password: str) -> str:
    """The hash, made in the calling thread. Cost: about 40 ms and 19 MiB."""
    return _hasher.hash(password)


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


class Passwords:
    """Verifies passwords, ARGON2_CONCURRENCY at a time; a short queue, then Unavailable.

    Raises: Unavailable when too many wait: signing in gives way before anything else does.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(limits.ARGON2_CONCURRENCY, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobody = hash_now("no account has this password")

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether the password is the stored one; without a stored one the same work is done, and the answer is no."""
        if self._waiting >= _WAITING_MAX:
            raise Unavailable("Too many sign-ins at once; try again.", code="overloaded", retry_after_ms=2000)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._pool, _matches, stored or self._nobody, password)
        finally:
            self._waiting -= 1
        return found and stored is not None

    def close(self) -> None:
        """Ends the thread."""
        self._pool.shutdown(wait=False, cancel_futures=True)
