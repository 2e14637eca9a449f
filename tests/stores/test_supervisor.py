"""The supervisor: starts, starts again, drains in order, leaves nothing."""

import asyncio
import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from config.local import Child, StoreError, Supervisor, ensure_free, start_stores
from config.local.priority import give_way
from config.local.process import is_running

LIVES = "import time; print('up', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
RECORDS = """
import signal, sys, time
def end(*_):
    time.sleep(0.1)
    with open(sys.argv[1], "a") as file:
        file.write(sys.argv[2] + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(60)
"""


def child(name: str, source: str, *arguments: str, **more: object) -> Child:
    """A child that runs a few lines of Python."""
    return Child(name=name, command=[sys.executable, "-c", source, *arguments], **more)  # type: ignore[arg-type]


def nice_of(pid: int) -> tuple[int, int]:
    """Its priority relative to this process, and that of its group where the scheduler groups by session."""
    group = Path(f"/proc/{pid}/autogroup")
    own = os.getpriority(os.PRIO_PROCESS, pid) - os.getpriority(os.PRIO_PROCESS, 0)
    return own, int(group.read_text().split()[-1]) if group.exists() else own


async def until(true: Callable[[], bool]) -> None:
    """Wait, at most 10 s, for what another process brings about."""
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def until_logged(folder: Path, *names: str) -> None:
    """Wait until each child wrote that it is up, so that its signal handlers are in place."""
    for name in names:
        log = folder / f"{name}.log"
        await until(lambda log=log: log.exists() and "up" in log.read_text())  # type: ignore[misc]


async def test_children_are_drained_in_order_and_the_stores_last(folder: Path) -> None:
    """If this fails, a worker or a store is gone while serve still finishes a request."""
    record, events = folder / "record", list[str]()
    stores = start_stores(folder / "data", durable=False, only=["gate"])
    supervisor = Supervisor(
        [
            child("relay", RECORDS, str(record), "relay", rank=1),
            child("serve", RECORDS, str(record), "serve", rank=0),
            child("sandbox", RECORDS, str(record), "sandbox", rank=2),
        ],
        logs=folder,
        announce=events.append,
    )
    ready = asyncio.Event()
    task = asyncio.create_task(supervisor.run(stores, on_ready=ready.set))
    await asyncio.wait_for(ready.wait(), 10)
    await until_logged(folder, "serve", "relay", "sandbox")
    pids = [*supervisor.pids.values(), *stores.pids.values()]
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(task, 20) == 0
    assert record.read_text().split() == ["serve", "relay", "sandbox"]
    assert not any(is_running(pid, "") for pid in pids)
    assert events == ["stopping serve", "stopping relay", "stopping sandbox"]


async def test_a_dead_child_and_a_dead_store_run_again(folder: Path) -> None:
    """If this fails, one crash takes a part of the shop down until somebody looks."""
    events: list[str] = []
    stores = start_stores(folder / "data", durable=False, only=["gate"])
    supervisor = Supervisor([child("work", LIVES)], logs=folder, announce=events.append)
    task = asyncio.create_task(supervisor.run(stores))
    await until_logged(folder, "work")
    old = {**supervisor.pids, **stores.pids}
    started = time.monotonic()
    for pid in old.values():
        os.kill(pid, signal.SIGKILL)
    await until(lambda: sum("runs again" in event for event in events) == 2)
    assert time.monotonic() - started < 3
    new = {**supervisor.pids, **stores.pids}
    assert new.keys() == old.keys()
    assert set(new.values()).isdisjoint(old.values())
    supervisor.stop()
    await asyncio.wait_for(task, 20)


async def test_a_child_that_keeps_dying_is_started_less_and_less_often(folder: Path) -> None:
    """If this fails, a child that cannot start burns a core with restarts."""
    events: list[str] = []
    supervisor = Supervisor(
        [child("work", "import time; time.sleep(0.05)")], logs=folder, announce=events.append
    )
    task = asyncio.create_task(supervisor.run())
    await asyncio.sleep(1.6)
    supervisor.stop()
    await asyncio.wait_for(task, 5)
    waits = [event.split("again in ")[1].split(" s")[0] for event in events if "again in" in event]
    assert waits[:3] == ["0.2", "0.4", "0.8"]
    assert len(waits) <= 3


async def test_a_child_that_ends_before_it_is_ready_stops_the_start(folder: Path) -> None:
    """If this fails, `checkout up` hangs or loops when a part cannot start, without saying why."""

    async def never() -> bool:
        return False

    events: list[str] = []
    supervisor = Supervisor(
        [
            child("relay", LIVES),
            child("serve", "print('the reason'); raise SystemExit(3)", ready=never),
        ],
        logs=folder,
        announce=events.append,
    )
    with pytest.raises(StoreError, match=r"serve ended \(exit 3\)(.|\n)*the reason"):
        await asyncio.wait_for(supervisor.run(), 10)
    assert supervisor.pids == {}


async def test_a_deaf_child_is_killed_after_its_grace(folder: Path) -> None:
    """If this fails, Ctrl-C waits for ever for a child that ignores it."""
    events: list[str] = []
    supervisor = Supervisor([child("work", DEAF, grace_s=0.3)], logs=folder, announce=events.append)
    task = asyncio.create_task(supervisor.run())
    await until_logged(folder, "work")
    supervisor.stop()
    await asyncio.wait_for(task, 5)
    assert events == ["stopping work", "work does not end; killing it"]


async def test_no_child_outlives_a_killed_supervisor(folder: Path) -> None:
    """If this fails, kill −9 of `checkout up` leaves serve processes behind that hold the port."""
    source = (
        "import asyncio, sys; from pathlib import Path; from config.local import Child, Supervisor\n"
        f"child = Child(name='work', command=[sys.executable, '-c', {LIVES!r}])\n"
        "supervisor = Supervisor([child], logs=Path(sys.argv[1]))\n"
        "asyncio.run(supervisor.run(on_ready=lambda: print(supervisor.pids['work'], flush=True)))"
    )
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", source, str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    pid = int(await owner.stdout.readline())
    await until_logged(folder, "work")
    owner.kill()
    await owner.wait()
    await until(lambda: not is_running(pid, "time.sleep"))


HELD = """
import sys
from config.local import await_release
print("up", flush=True)
if "--held" in sys.argv:
    await_release()
""" + LIVES.replace("up", "on")


async def test_children_load_their_code_while_the_stores_start(folder: Path) -> None:
    """If this fails, the first start takes as long as stores and children one after the other; or a child runs too early."""
    supervisor = Supervisor([child("work", HELD)], logs=folder)
    supervisor.hold("work")
    await until_logged(folder, "work")
    await asyncio.sleep(0.2)
    assert (folder / "work.log").read_text() == "up\n"
    held = supervisor.pids["work"]
    running = asyncio.create_task(supervisor.run())
    await until(lambda: (folder / "work.log").read_text() == "up\non\n")
    assert supervisor.pids["work"] == held
    os.kill(held, signal.SIGKILL)  # what is started again does not wait for anybody
    await until(lambda: (folder / "work.log").read_text() == "up\non\n" * 2)
    supervisor.stop()
    assert await running == 0


async def test_what_was_held_ends_when_the_start_fails(folder: Path) -> None:
    """If this fails, a start that the disk or a lock refused leaves processes behind."""
    supervisor = Supervisor([child("work", HELD), child("relay", LIVES)], logs=folder)
    supervisor.hold("work")
    await until_logged(folder, "work")
    (pid,) = supervisor.pids.values()
    supervisor.abandon()
    assert not is_running(pid, "")


def test_a_taken_port_is_explained() -> None:
    """If this fails, a second `make up` says only `address already in use`, deep in a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StoreError, match=f"Port {port} is taken .*set CHECKOUT_PORT to a free port"):
            ensure_free("127.0.0.1", port, "CHECKOUT_PORT")
    ensure_free("127.0.0.1", port, "CHECKOUT_PORT")
    with pytest.raises(StoreError, match=r"203\.0\.113\.1 is not an address of this machine"):
        ensure_free("203.0.113.1", port, "CHECKOUT_PORT")


async def test_background_work_gives_way(folder: Path) -> None:
    """If this fails, paid orders being invoiced keep shoppers waiting on a machine that runs everything."""
    supervisor = Supervisor([child("serve", LIVES), child("work", LIVES, nice=10)], logs=folder)
    running = asyncio.create_task(supervisor.run())
    await until_logged(folder, "serve", "work")
    pids = supervisor.pids
    assert nice_of(pids["serve"]) == (0, 0)
    await until(lambda: nice_of(pids["work"]) == (10, 10))  # who is not root may set one each 100 ms
    supervisor.stop()
    assert await running == 0


async def test_a_group_that_may_not_be_set_yet_is_set_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, only the first process of a machine whose user is not root gives way: Linux takes one each 100 ms."""
    told: list[str] = []

    def write(path: Path, text: str) -> int:
        told.append(text)
        if len(told) < 3:
            raise BlockingIOError(errno.EAGAIN, "try again", str(path))
        return len(text)

    monkeypatch.setattr(Path, "write_text", write)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", LIVES)
    give_way(process.pid, 7)
    await until(lambda: told == ["7", "7", "7"])
    process.kill()
    await process.wait()
