"""A shop with an admin and two vendors, whose jobs are worked in this process when a test says so."""

import asyncio
import csv
import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from checkout.accounts import store as accounts
from checkout.accounts.auth import Auth
from checkout.app import PARTS
from checkout.bulk.store import BulkStore
from checkout.bulk.work import work
from checkout.outbox.model import BULK
from checkout.outbox.store import OutboxStore
from tests.shop import TestShop


@dataclass(slots=True)
class Desk:
    """Whoever imports and exports."""

    shop: TestShop
    store: BulkStore
    outbox: OutboxStore
    headers: dict[str, dict[str, str]]
    accounts: dict[str, uuid.UUID]

    async def call(self, method: str, path: str, *, who: str = "admin", **kwargs: Any) -> tuple[int, Any]:
        """(status, document or bytes)."""
        headers = self.headers.get(who, {}) | kwargs.pop("headers", {})
        status, found, _ = await self.shop.call(method, path, headers=headers, **kwargs)
        return status, found

    async def upload(self, file: bytes | str, *, who: str = "admin", key: str = "", query: str = "") -> Any:
        """Sends a file; the job."""
        headers = {"Content-Type": "text/csv"} | ({"Idempotency-Key": key} if key else {})
        data = file.encode() if isinstance(file, str) else file
        status, job = await self.call(
            "POST", f"/v1/admin/imports?{query}", who=who, data=data, headers=headers
        )
        assert status == 202, job
        return job

    async def work(self) -> None:
        """Works all jobs that are owed."""
        while rows := (await self.outbox.take({BULK: 10})).get(BULK):
            for row in rows:
                await work(row, store=self.store, outbox=self.outbox)

    async def take(self, file: bytes | str, *, who: str = "admin", query: str = "") -> Any:
        """Sends a file and works it; the job as it ended."""
        job = await self.upload(file, who=who, query=query)
        await self.work()
        status, job = await self.call("GET", f"/v1/admin/imports/{job['id']}", who=who)
        assert status == 200
        return job

    async def export(self, *, who: str = "admin", **asked: Any) -> bytes:
        """The file of an export."""
        status, job = await self.call("POST", "/v1/admin/exports", who=who, json=asked)
        assert status == 202, job
        await self.work()
        status, file = await self.call("GET", f"/v1/admin/exports/{job['id']}/file.csv", who=who)
        assert status == 200, file
        return bytes(file)

    async def errors(self, job: Mapping[str, Any]) -> list[dict[str, str]]:
        """What was wrong with rows."""
        status, file = await self.call("GET", job["errors_url"])
        assert status == 200
        return list(csv.DictReader(io.StringIO(file.decode(), newline="")))


def sheet(columns: str, *rows: str) -> str:
    """A file of these rows."""
    return "\n".join([columns, *rows]) + "\n"


def rows_of(file: bytes) -> list[dict[str, str]]:
    """The rows of a file."""
    return list(csv.DictReader(io.StringIO(file.decode(), newline="")))


async def versions(shop: TestShop) -> Sequence[Any]:
    """Everything that an import could move: versions of products and offers, stock, movements."""
    return (
        await shop.db.fetch("SELECT slug, version, status FROM products ORDER BY slug"),
        await shop.db.fetch(
            "SELECT item_id, offer_version, on_hand, backorder_limit FROM stock ORDER BY item_id"
        ),
        await shop.db.fetchval("SELECT count(*) FROM stock_movements"),
    )


@pytest.fixture
async def desk(shop: TestShop) -> Desk:
    """An admin and the vendors `vendor` and `other`."""
    parts = shop.app[PARTS]
    auth: Auth = parts.auth
    headers, ids = {}, {}
    async with shop.db.acquire() as connection:
        for name, role in (
            ("admin", "admin"),
            ("vendor", "vendor"),
            ("other", "vendor"),
            ("support", "support"),
        ):
            made = await accounts.add_account(
                connection, shop.cipher, email=f"{name}@example.com", password_hash="-", role=role
            )
            assert made is not None
            ids[name] = made
            headers[name] = {"Authorization": f"Bearer {auth.issue(ids[name], role)}"}
    await asyncio.sleep(0)
    return Desk(shop, BulkStore(parts.pool), OutboxStore(parts.pool), headers, ids)
