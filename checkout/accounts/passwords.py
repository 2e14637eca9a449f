"""Password hashes: argon2id in a thread of its own, so that a flood of sign-ins never stalls the event loop.

Source: OWASP Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane); RFC 9106; NIST SP 800-63B section 3.1.1 (length and
a list of common passwords, no rules of composition).
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from checkout.accounts.model import plain_email
from checkout.errors import Invalid, Unavailable
from config import limits

T = TypeVar("T")
_COMMON = frozenset((Path(__file__).parent / "common_passwords.txt").read_text().split())
_DISTINCT_MIN = 4

_hasher = PasswordHasher(
    time_cost=limits.ARGON2_TIME_COST,
    memory_cost=limits.ARGON2_MEMORY_KIB,
    parallelism=limits.ARGON2_PARALLELISM,
)


def hash_now(password: str) -> str:
    """The hash, made in the calling thread. Cost: about 40 ms and 19 MiB."""
    return _hasher.hash(password)


def insist_on_strength(password: str, *, email: str, field: str) -> None:
    """Whether people may choose this password. Raises: Invalid (`weak_password`), saying why not."""
    reason = weakness(password, email=email)
    if reason is not None:
        raise Invalid(reason, field=field, code="weak_password")


def weakness(password: str, *, email: str) -> str | None:
    """Why nobody should choose this password, or None."""
    plain, local = password.strip().lower(), plain_email(email).partition("@")[0]
    if len(password) < limits.PASSWORD_MIN_CHARS:
        return f"Choose at least {limits.PASSWORD_MIN_CHARS} characters; a sentence is best."
    bare = plain.rstrip("!.?0123456789")
    if plain in _COMMON or bare in _COMMON or len(set(plain)) < _DISTINCT_MIN or _is_run(plain):
        return "This password is among the first that are tried; choose another."
    if plain == plain_email(email) or (local and bare in (local, local * 2)):
        return "The password must not be your e-mail address."
    return None


def _is_run(plain: str) -> bool:
    """Whether each character follows the one before it: 1234567890, abcdefghij, and the same backwards."""
    steps = {ord(after) - ord(before) for before, after in pairwise(plain)}
    return steps in ({1}, {-1}, {1, -9}, {-1, 9})


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _give_way() -> None:
    """Hashing gives way to the event loop's thread: Linux schedules threads by a priority of their own."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), limits.PASSWORD_HASHING_NICE)


class Passwords:
    """Hashes and verifies, ARGON2_CONCURRENCY at a time; a short queue, then Unavailable.

    Raises: Unavailable when too many wait: signing in gives way before anything else does.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(
            limits.ARGON2_CONCURRENCY, thread_name_prefix="argon2", initializer=_give_way
        )
        self._waiting = 0
        self._nobody = hash_now("no account has this password")

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether the password is the stored one; without a stored one the same work is done, and the answer is no."""
        found = await self._in_turn(_matches, stored or self._nobody, password)
        return found and stored is not None

    async def hashed(self, password: str) -> str:
        """The hash to store."""
        return await self._in_turn(hash_now, password)

    def is_outdated(self, stored: str) -> bool:
        """Whether the stored hash was made with other parameters than today's: it is made anew at a sign-in."""
        return _hasher.check_needs_rehash(stored)

    async def _in_turn(self, work: Callable[..., T], *args: str) -> T:
        if self._waiting >= limits.ARGON2_WAITING_MAX:
            raise Unavailable("Too many sign-ins at once; try again.", code="overloaded", retry_after_ms=2000)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Ends the thread."""
        self._pool.shutdown(wait=False, cancel_futures=True)
