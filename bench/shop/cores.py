"""Which cores the shop may use and which its clients: on the same ones, who asks takes from who is measured."""

import contextlib
import os
from collections.abc import Iterator

from msgspec import Struct


class Cores(Struct, frozen=True):
    """Numbers of cores, ascending; the same ones when there is only one."""

    shop: tuple[int, ...]
    clients: tuple[int, ...]

    @property
    def in_words(self) -> str:
        """As a report says it."""
        shop, clients = (",".join(map(str, cores)) for cores in (self.shop, self.clients))
        return f"shop {shop}, clients {clients}"


def divided() -> Cores:
    """Half of the cores for the clients, the others for the shop."""
    cores = tuple(sorted(os.sched_getaffinity(0)))
    half = (len(cores) + 1) // 2
    return Cores(cores[:half], cores[half:] or cores)


def shared() -> Cores:
    """All cores for both."""
    cores = tuple(sorted(os.sched_getaffinity(0)))
    return Cores(cores, cores)


@contextlib.contextmanager
def clients_on(cores: Cores) -> Iterator[None]:
    """This process, and whom it starts but for the shop, on the clients' cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores.clients)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
