"""A shop with people of every role, and what speaks for them."""

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest

from checkout.accounts.store import add_account
from checkout.app import PARTS, ROUTES
from checkout.kit.routes import Route
from tests.api.accounts.conftest import bearer, password_hash
from tests.shop import TestShop

ROLES = ("customer", "vendor", "support", "admin")
Header = dict[str, str]


@dataclass(slots=True)
class Desk:
    """A running shop, its accounts by name, and calls in their name. `other` is a second vendor, `stranger` a second shopper."""

    shop: TestShop
    ids: dict[str, uuid.UUID] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)

    @property
    def routes(self) -> list[Route]:
        """What the shop serves."""
        return self.shop.app[ROUTES]

    async def add(self, name: str, role: str) -> uuid.UUID:
        """An account `name@example.com`."""
        email = f"{name}@example.com"
        async with self.shop.db.acquire() as connection:
            found = await add_account(
                connection, self.shop.cipher, email=email, password_hash=password_hash(), role=role
            )
        assert found is not None
        self.ids[name], self.roles[name] = found, role
        return found

    def token(self, name: str, role: str | None = None) -> Header:
        """The header field of this account, signed in; with another role, if given."""
        auth = self.shop.app[PARTS].auth
        return bearer(auth.issue(self.ids[name], role or self.roles[name]))

    async def call(
        self, who: str | Header, method: str, path: str, *, expect: int | None = None, **kwargs: Any
    ) -> Any:
        """The document of the answer; with its status and fields when no status is expected."""
        headers = (self.token(who) if isinstance(who, str) else who) | kwargs.pop("headers", {})
        status, document, fields = await self.shop.call(method, path, headers=headers, **kwargs)
        if expect is None:
            return status, document, fields
        assert status == expect, (method, path, status, document)
        return document

    async def give_role(self, permissions: dict[str, list[str]]) -> None:
        """Makes roles, by name, and waits until the shop knows them."""
        await self.shop.db.executemany(
            "INSERT INTO roles (name, permissions) VALUES ($1, $2)", list(permissions.items())
        )
        table = self.shop.app[PARTS].access.roles
        async with asyncio.timeout(2):
            while not all(name in table for name in permissions):
                await asyncio.sleep(0.01)

    async def key(self, who: str, *permissions: str, **terms: Any) -> Header:
        """The header field of a new API key of this account."""
        body = {"name": "a machine", "permissions": list(permissions), **terms}
        made = await self.call(who, "POST", "/v1/admin/api-keys", json=body, expect=201)
        return bearer(made["secret"])


@pytest.fixture
async def desk(shop: TestShop) -> Desk:
    """An account of each role, a second vendor and a second shopper."""
    made = Desk(shop)
    for role in ROLES:
        await made.add(role, role)
    await made.add("other", "vendor")
    await made.add("stranger", "customer")
    return made
