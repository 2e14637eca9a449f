"""A catalogue of its own for each test: a copy of the demo database, a gate, a client."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
import orjson
import pytest

from tests.api.catalog.front import Front, front
from tests.shop import Stores


@dataclass(slots=True)
class Shelf:
    """A front, a client that talks to it and a connection that changes what it shows."""

    front: Front
    client: aiohttp.ClientSession
    db: Any
    database_url: str
    gate_url: str

    async def get(self, path: str, **headers: str) -> tuple[int, bytes, Any]:
        """(status, raw body, headers); header names with underscores."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        fields.setdefault("Accept-Encoding", "identity")
        async with self.client.get(self.front.url + path, headers=fields) as answer:
            return answer.status, await answer.read(), answer.headers

    async def read(self, path: str) -> Any:
        """The document of a 200."""
        status, body, _ = await self.get(path)
        assert status == 200, body
        return orjson.loads(body)


@pytest.fixture
async def shelf(stores: Stores, tmp_path: Any) -> AsyncIterator[Shelf]:
    """The demo catalogue, served."""
    database_url, gate_url = await stores.fresh_database(), stores.fresh_gate_url()
    db = await asyncpg.connect(database_url)
    async with (
        front(database_url, gate_url, tmp_path) as started,
        aiohttp.ClientSession(auto_decompress=False) as client,
    ):
        yield Shelf(started, client, db, database_url, gate_url)
    await db.close()
