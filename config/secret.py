"""The secret key of a data folder, and the keys that are made of it."""

import os
import secrets
from hashlib import blake2b
from pathlib import Path

_SECRET_KEY_FILE = "secret_key"


def derived(secret_key: str, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose."""
    return blake2b(secret_key.encode(), digest_size=32, person=purpose).digest()


def kept_secret(data_dir: Path, problems: list[str]) -> str:
    """Read the data folder's secret key, made on the first call; two first calls at once agree on one."""
    path = data_dir / _SECRET_KEY_FILE
    try:
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"{_SECRET_KEY_FILE}.{os.getpid()}.new")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(fresh, path)
            except FileExistsError:
                pass  # another process was first: its key counts
            finally:
                fresh.unlink()
        return path.read_text().strip()
    except OSError as error:
        problems.append(
            f"CHECKOUT_DATA_DIR: {data_dir} cannot keep the secret key ({error.strerror}); set "
            "CHECKOUT_DATA_DIR to a folder that can be written, or set CHECKOUT_SECRET_KEY."
        )
        return ""
