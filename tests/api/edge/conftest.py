"""One real server of two processes for all tests of this folder that only look at it from outside."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.edge.process import Serving, serving
from tests.shop import Stores


@pytest.fixture(scope="session")
def server(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """`checkout serve` with two processes and no limits."""
    folder: Path = tmp_path_factory.mktemp("edge")
    settings = asyncio.run(stores.fresh_settings(data_dir=folder / "data"))
    with serving(settings, folder / "serve.log", processes=2) as started:
        yield started
