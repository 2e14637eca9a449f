"""Where the embedded stores keep their data, their sockets and their logs."""

import hashlib
import os
import pwd
import tempfile
from pathlib import Path

from config import limits
from config.local.errors import StoreError, explain


def run_dir(data_dir: Path) -> Path:
    """Name the folder of the sockets: inside the data folder unless a socket's path would be too long there.

    Units: the kernel allows 107 bytes for a socket's path.
    """
    inside = data_dir.absolute() / "run"
    if len(os.fsencode(inside)) <= limits.RUN_DIR_MAX_BYTES:
        return inside
    key = hashlib.sha256(os.fsencode(data_dir.absolute())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"checkout-{os.getuid()}-{key}"


def logs_dir(data_dir: Path) -> Path:
    """Name the folder of the logs of everything that runs on this machine."""
    return data_dir.absolute() / "logs"


def private_dir(path: Path) -> Path:
    """Make a folder that only we may enter.

    Raises: StoreError when it cannot be made, or when it belongs to somebody else.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
        if found.st_uid not in _ours() or not path.is_dir() or path.is_symlink():
            raise StoreError(
                f"{path} belongs to somebody else; remove it or set CHECKOUT_DATA_DIR elsewhere."
            )
        if found.st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise explain(error, "Cannot use the folder") from error
    return path


def _ours() -> set[int]:
    """Users whose folders are ours: our own, and as root also `nobody`, as whom Postgres may have to run."""
    if os.geteuid() != 0:
        return {os.geteuid()}
    return {0, pwd.getpwnam("nobody").pw_uid}
