"""Postgres and the two Valkeys of this machine: started together, found by every other command."""

import fcntl
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from config.local import paths
from config.local.errors import StoreError, explain
from config.local.postgres import Postgres
from config.local.process import Process
from config.local.valkey import Valkey
from config.settings import Settings, SettingsError

NAMES = ("postgres", "gate", "broker")
_URL_FIELDS = {"postgres": "database_url", "gate": "gate_url", "broker": "broker_url"}
_LOCK_WAIT_S = 0.5


class Addresses(msgspec.Struct, frozen=True):
    """Where the stores of a data folder are; a store that is not embedded has an empty address."""

    database_url: str = ""
    gate_url: str = ""
    broker_url: str = ""
    pids: Mapping[str, int] = {}


class Stores:
    """The embedded stores that this process runs. They end when it ends, however it ends."""

    def __init__(
        self, data_dir: Path, lock: IO[str], processes: Mapping[str, Process], given: Addresses
    ) -> None:
        self.data_dir = data_dir
        self.run_dir = paths.run_dir(data_dir)
        self.processes = processes
        self._lock: IO[str] | None = lock
        self._given = given

    def __getitem__(self, name: str) -> Process:
        return self.processes[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def database_url(self) -> str:
        """Postgres, as asyncpg takes it."""
        return self._url("postgres")

    @property
    def gate_url(self) -> str:
        """The gate, as redis-py and the lane take it."""
        return self._url("gate")

    @property
    def broker_url(self) -> str:
        """The broker, as redis-py takes it."""
        return self._url("broker")

    @property
    def pids(self) -> dict[str, int]:
        """The running servers' pids by name."""
        return {name: process.pid for name, process in self.processes.items() if process.pid is not None}

    def start(self, name: str) -> None:
        """Start one store again and tell the other commands its pid.

        Raises: StoreError when it does not become ready.
        """
        self.processes[name].start()
        self.publish()

    def kill(self, name: str) -> None:
        """End one store at once, as a crash would."""
        self.processes[name].kill()

    def restart(self, name: str) -> None:
        """Stop one store and start it again."""
        self.processes[name].stop()
        self.start(name)

    def stop(self) -> None:
        """Stop every store, keep the data, let another supervisor in. Safe to repeat."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.stop()
        if self._lock is not None:
            (self.run_dir / "stores.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def publish(self) -> None:
        """Write the addresses where every other command finds them."""
        addresses = Addresses(self.database_url, self.gate_url, self.broker_url, self.pids)
        fresh = self.run_dir / "stores.json.new"
        fresh.write_bytes(msgspec.json.encode(addresses))
        fresh.replace(self.run_dir / "stores.json")

    def _url(self, name: str) -> str:
        process = self.processes.get(name)
        if isinstance(process, Postgres | Valkey):
            return process.url
        return str(getattr(self._given, _URL_FIELDS[name]))


def start_stores(
    where: Settings | Path | str, *, durable: bool = True, only: Iterable[str] = NAMES
) -> Stores:
    """Start the embedded stores of a data folder; those whose URL is set in the settings are left out.

    Shape: `only` narrows them by name. With `durable=False` Postgres does not wait for the disk: for tests, where
    the machine's crash does not matter (a killed server still loses nothing).
    Raises: StoreError saying what to do: folder, disk, version, or another supervisor.
    Cost: about a second on the first start, a quarter of one later. Call it from a thread that lives on.
    """
    given = Addresses()
    if isinstance(where, Settings):
        data_dir = where.data_dir
        given = Addresses(where.database_url, where.gate_url, where.broker_url)
    else:
        data_dir = Path(where).absolute()
    wanted = [name for name in NAMES if name in set(only) and not getattr(given, _URL_FIELDS[name])]
    run_dir, logs = paths.run_dir(data_dir), paths.logs_dir(data_dir)
    for folder in (data_dir, logs, run_dir):
        paths.private_dir(folder)
    lock = _lock(data_dir)
    processes: dict[str, Process] = {}
    for name in wanted:
        if name == "postgres":
            processes[name] = Postgres(data_dir, run_dir, logs, durable=durable)
        else:
            processes[name] = Valkey(name, data_dir, run_dir, logs)
    stores = Stores(data_dir, lock, processes, given)
    try:
        for process in reversed(processes.values()):
            if isinstance(process, Valkey):
                process.spawn()  # they load while Postgres starts
        for name in wanted:
            _await_started(processes[name])
        stores.publish()
    except BaseException as error:  # whatever stops the start, nothing may stay behind
        stores.stop()
        if isinstance(error, OSError):
            raise explain(error, "Cannot start the stores:") from error
        raise
    return stores


def discover(data_dir: Path) -> Addresses | None:
    """Find the stores that another process runs for this data folder, or None when nobody does."""
    try:
        with (data_dir / "stores.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = (paths.run_dir(data_dir) / "stores.json").read_bytes()
                return msgspec.json.decode(text, type=Addresses)
    except (OSError, msgspec.DecodeError):
        pass  # nothing was ever started here, or it is just starting
    return None


def resolve(settings: Settings) -> Settings:
    """Fill the store URLs that are not set with those of the running embedded stores.

    Raises: SettingsError when a URL is missing and nothing runs.
    """
    missing = [field for field in _URL_FIELDS.values() if not getattr(settings, field)]
    if not missing:
        return settings
    found = discover(settings.data_dir) or Addresses()
    lacking = [field for field in missing if not getattr(found, field)]
    if lacking:
        names = ", ".join(f"CHECKOUT_{field.upper()}" for field in lacking)
        raise SettingsError(
            [f"No embedded stores run for {settings.data_dir}: run `make up` first, or set {names}."]
        )
    return msgspec.structs.replace(settings, **{field: getattr(found, field) for field in missing})


def _await_started(process: Process) -> None:
    """Start a store, or see an early start through."""
    if process.alive():
        deadline = time.monotonic() + 5
        while process.alive() and time.monotonic() < deadline:
            if process.ready():
                return
            time.sleep(0.005)
    if not process.ready():
        process.stop()
        process.start()


def _lock(data_dir: Path) -> IO[str]:
    """Be the only supervisor of this data folder; the lock ends with this process."""
    path = data_dir / "stores.lock"
    deadline = time.monotonic() + _LOCK_WAIT_S
    try:
        lock = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")  # noqa: SIM115 - kept by Stores
    except OSError as error:
        raise explain(error, "Cannot use the folder") from error
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise StoreError(
                f"The stores of {data_dir} are run by another process already (pid {holder}); stop it first, "
                "or set CHECKOUT_DATA_DIR to another folder."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        return lock
