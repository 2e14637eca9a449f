"""Starting the embedded stores, finding them, and starting them again."""

import asyncio
import os
import stat
import tempfile
import time
from pathlib import Path

import asyncpg
import pytest
import redis

from config.local import StoreError, Stores, discover, resolve, start_stores
from config.local.paths import run_dir
from config.local.postgres import Postgres
from config.settings import SettingsError, load


async def value(url: str, query: str) -> object:
    """Ask Postgres for one value over a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def ask(url: str) -> redis.Redis:
    """A client that tells failures at once."""
    return redis.Redis.from_url(url, decode_responses=True, socket_timeout=2)


async def test_three_stores_start_are_found_and_keep_their_data(folder: Path) -> None:
    """If this fails, `make up` does not start, or a restart loses what was stored."""
    data = folder / "data"
    started = time.monotonic()
    with start_stores(data) as stores:
        assert time.monotonic() - started < 20
        assert set(stores.pids) == {"postgres", "gate", "broker"}
        assert await value(stores.database_url, "SELECT current_setting('synchronous_commit')") == "on"
        assert await value(stores.database_url, "SELECT current_setting('fsync')") == "on"
        assert int(str(await value(stores.database_url, "SHOW server_version_num"))) >= 180000
        assert await value(stores.database_url, "SELECT 'Ä' < 'é'") is True
        await value(stores.database_url, "CREATE TABLE kept (id int)")
        with ask(stores.gate_url) as gate:
            assert gate.config_get("appendonly")["appendonly"] == "yes"
            assert gate.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
            gate.set("kept", "1")
        settings = resolve(load({"CHECKOUT_DATA_DIR": str(data)}))
        assert settings.database_url == stores.database_url
        assert settings.broker_url == stores.broker_url
        assert stat.S_IMODE(stores.run_dir.stat().st_mode) == 0o700
    assert discover(data) is None
    with start_stores(data) as stores:
        assert await value(stores.database_url, "SELECT count(*) FROM kept") == 0
        with ask(stores.gate_url) as gate:
            assert gate.get("kept") == "1"


def test_without_running_stores_the_remedy_is_told(folder: Path) -> None:
    """If this fails, `checkout audit` without `make up` shows a traceback."""
    with pytest.raises(SettingsError, match="run `make up` first, or set CHECKOUT_DATABASE_URL"):
        resolve(load({"CHECKOUT_DATA_DIR": str(folder / "data")}))


def test_a_store_with_a_url_is_not_started(folder: Path) -> None:
    """If this fails, an external store is shadowed by an embedded one."""
    settings = load(
        {
            "CHECKOUT_DATA_DIR": str(folder / "data"),
            "CHECKOUT_DATABASE_URL": "postgresql://db.internal/shop",
            "CHECKOUT_GATE_URL": "redis://gate.internal",
        }
    )
    with start_stores(settings) as stores:
        assert set(stores.pids) == {"broker"}
        assert stores.database_url == "postgresql://db.internal/shop"
        assert resolve(settings).broker_url == stores.broker_url


def test_a_long_path_moves_the_sockets(folder: Path) -> None:
    """If this fails, a data folder with a long path cannot be used."""
    data = folder / ("d" * 120)
    with start_stores(data, only=["gate"]) as stores:
        assert stores.run_dir == run_dir(data)
        assert len(os.fsencode(stores.run_dir)) < 90
        with ask(stores.gate_url) as gate:
            assert gate.ping()
    stores.run_dir.joinpath("gate.pid").unlink()
    stores.run_dir.rmdir()


def test_a_second_supervisor_is_refused(folder: Path) -> None:
    """If this fails, two servers write one data folder."""
    refused = pytest.raises(StoreError, match=rf"run by another process already \(pid {os.getpid()}\)")
    with start_stores(folder / "data", only=["gate"]), refused:
        start_stores(folder / "data", only=["broker"])
    with start_stores(folder / "data", only=["broker"]):
        pass


@pytest.mark.parametrize(
    "kind", ["a file in its place", "a path through a file", "a path that cannot be made"]
)
def test_a_folder_that_cannot_be_used_is_explained(folder: Path, kind: str) -> None:
    """If this fails, a wrong or read-only data folder shows as a traceback."""
    (folder / "file").touch()
    data = {
        "a file in its place": folder / "file",
        "a path through a file": folder / "file" / "data",
        "a path that cannot be made": Path("/proc/nowhere"),
    }[kind]
    with pytest.raises(StoreError, match=f"{data}.*set CHECKOUT_DATA_DIR"):
        start_stores(data)


def test_another_version_s_data_is_refused(folder: Path) -> None:
    """If this fails, an upgrade of the wheel shows as a crash, or worse, writes the old data."""
    (folder / "data" / "postgres").mkdir(parents=True)
    (folder / "data" / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(StoreError, match="written by Postgres 17, this is Postgres 18; dump it"):
        start_stores(folder / "data", only=["postgres"])
    assert discover(folder / "data") is None


def test_an_interrupted_first_start_is_made_good(folder: Path) -> None:
    """If this fails, a first start that was killed half-way leaves a folder that never starts."""
    (folder / "data" / "postgres.new" / "base").mkdir(parents=True)
    with start_stores(folder / "data", only=["postgres"], durable=False) as stores:
        assert isinstance(stores, Stores)
        assert not (folder / "data" / "postgres.new").exists()


def test_root_runs_postgres_as_somebody_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, Postgres does not start for root on a machine whose kernel forbids user namespaces."""
    as_root = os.geteuid() == 0
    if as_root:
        monkeypatch.setattr(Postgres, "_choose_mode", lambda self: setattr(self, "mode", "nobody"))
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        folder.chmod(0o755)
    for _ in range(2):
        with start_stores(folder / "data", durable=False, only=["postgres"]) as stores:
            assert Path(f"/proc/{stores.pids['postgres']}").stat().st_uid != 0
            assert asyncio.run(value(stores.database_url, "SELECT 1")) == 1
