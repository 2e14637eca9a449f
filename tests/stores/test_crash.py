"""kill −9 of the stores and of the process that runs them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
import redis

from config.local import discover, start_stores
from config.local.process import is_running

OWNER = """
import sys, time
from config.local import start_stores
stores = start_stores(sys.argv[1], durable=False)
print("ready", flush=True)
time.sleep(60)
"""


def owner(data: Path) -> "subprocess.Popen[bytes]":
    """A process that runs the stores of a folder, ready."""
    child = subprocess.Popen([sys.executable, "-c", OWNER, str(data)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


def wait_until(true: Callable[[], bool], timeout_s: float) -> float:
    """Wait for something to become true and say how long it took."""
    started = time.monotonic()
    while not true():
        assert time.monotonic() - started < timeout_s
        time.sleep(0.01)
    return time.monotonic() - started


async def test_killed_stores_come_back_with_what_they_had(folder: Path) -> None:
    """If this fails, kill −9 of a store loses an acknowledged commit, or needs a hand to recover."""
    with start_stores(folder / "data", durable=False) as stores:
        connection = await asyncpg.connect(stores.database_url)
        await connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id")
        stores.kill("postgres")
        started = time.monotonic()
        stores.start("postgres")
        assert time.monotonic() - started < 5
        connection.terminate()
        connection = await asyncpg.connect(stores.database_url)
        assert await connection.fetchval("SELECT count(*) FROM kept") == 1000
        await connection.close()
        for name in ("gate", "broker"):
            stores.kill(name)
            started = time.monotonic()
            stores.start(name)
            assert time.monotonic() - started < 2
        found = discover(folder / "data")
        assert found is not None
        assert found.pids == stores.pids


def test_no_store_outlives_a_killed_owner_and_the_next_starts_at_once(folder: Path) -> None:
    """If this fails, kill −9 of `checkout up` leaves orphans that block the next start."""
    data = folder / "data"
    child = owner(data)
    try:
        found = discover(data)
        assert found is not None
        assert len(found.pids) == 3
    finally:
        child.kill()
        child.communicate()
    # At once: the old servers may still be dying.
    started = time.monotonic()
    with start_stores(data, durable=False) as stores:
        assert time.monotonic() - started < 5
        for pid in found.pids.values():
            assert not is_running(pid, str(data))
        assert set(stores.pids.values()).isdisjoint(found.pids.values())
        with redis.Redis.from_url(stores.gate_url) as gate:
            assert gate.ping()


def test_orphans_end_by_themselves(folder: Path) -> None:
    """If this fails, servers run on after everything that uses them has gone."""
    data = folder / "data"
    child = owner(data)
    found = discover(data)
    child.kill()
    child.communicate()
    assert found is not None
    wait_until(lambda: not any(is_running(pid, str(data)) for pid in found.pids.values()), 8)
    assert discover(data) is None


def test_a_stopped_server_that_ignores_its_end_is_killed(folder: Path) -> None:
    """If this fails, a hung predecessor blocks the start for ever."""
    with start_stores(folder / "data", only=["broker"]) as stores:
        pid = stores.pids["broker"]
        os.kill(pid, signal.SIGSTOP)
        stores["broker"].stop(timeout_s=0.3)
        assert not is_running(pid, str(folder))


def test_a_stranger_s_pid_in_the_pid_file_does_no_harm(folder: Path) -> None:
    """If this fails, a reused pid keeps Postgres from starting, or a stranger's process is ended."""
    data = folder / "data"
    with start_stores(data, durable=False, only=["postgres"]):
        pass
    stranger = subprocess.Popen(["/bin/sleep", "60"])
    try:
        (data / "postgres" / "postmaster.pid").write_text(
            f"{stranger.pid}\n{data}/postgres\n0\n5432\n\n\n\n\n"
        )
        with start_stores(data, durable=False, only=["postgres"]) as stores:
            assert stores.pids["postgres"] != stranger.pid
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("damage", ["middle", "manifest"])
def test_an_unreadable_gate_file_is_put_aside(folder: Path, damage: str) -> None:
    """If this fails, a damaged file of the gate, which Postgres can rebuild, stops the shop."""
    data = folder / "data"
    with (
        start_stores(data, only=["gate"]) as stores,
        redis.Redis.from_url(stores.gate_url) as gate,
    ):
        for number in range(200):
            gate.set(f"key:{number}", number)
    files = data / "gate" / "appendonlydir"
    pattern = "*.incr.aof" if damage == "middle" else "*.manifest"
    for path in files.glob(pattern):
        content = bytearray(path.read_bytes())
        content[40:80] = b"x" * 40
        path.write_bytes(content)
    with start_stores(data, only=["gate"]) as stores, redis.Redis.from_url(stores.gate_url) as gate:
        assert gate.dbsize() == 0
    assert len(list(data.glob("gate.broken-*"))) == 1
