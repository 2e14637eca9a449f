"""A data folder of its own for each test of the embedded stores."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """A private folder with a short path, so that sockets fit inside it."""
    path = Path(tempfile.mkdtemp(prefix="stores-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
