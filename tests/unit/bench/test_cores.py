"""Cores for the shop and for its clients."""

import os
import subprocess
import sys

import pytest

from bench.shop.cores import Cores, clients_on, divided, shared

HERE = sorted(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("cores", "shop", "clients"),
    [({3}, (3,), (3,)), ({0, 1}, (0,), (1,)), ({0, 1, 5}, (0, 1), (5,)), ({0, 1, 2, 3}, (0, 1), (2, 3))],
)
def test_every_core_is_somebodys(
    cores: set[int], shop: tuple[int, ...], clients: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If it fails, an attack takes from the shop what it measures, or cores stand idle."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: cores)
    assert divided() == Cores(shop, clients)
    assert shared() == Cores(tuple(sorted(cores)), tuple(sorted(cores)))


def test_clients_keep_to_their_cores_for_as_long_as_they_are_asked_to() -> None:
    """If it fails, the load is on the shop's cores, or the audit after it on the clients' alone."""
    last = HERE[-1]
    with clients_on(Cores(tuple(HERE), (last,))):
        said = subprocess.run(
            [sys.executable, "-c", "import os; print(*os.sched_getaffinity(0))"],
            capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
        assert said.stdout.split() == [str(last)]
    assert sorted(os.sched_getaffinity(0)) == HERE
