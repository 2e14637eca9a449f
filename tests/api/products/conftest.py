"""A shop with an admin and two vendors who edit its products."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.api.accounts.conftest import People, bearer, people
from tests.shop import TestShop

__all__ = ["people"]
PRODUCTS = "/v1/admin/products"


@dataclass(slots=True)
class Desk:
    """Calls of the admin's routes, by who makes them: `admin`, `vendor`, `other` (a second vendor), `support`."""

    people: People
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def shop(self) -> TestShop:
        return self.people.shop

    async def call(
        self, method: str, path: str, body: Any = None, *, who: str = "admin", version: Any = None
    ) -> tuple[int, Any, Any]:
        """(status, document, header fields)."""
        if who not in self.tokens:
            self.tokens[who] = await self._second_vendor() if who == "other" else await self.people.token(who)
        headers = dict(self.tokens[who])
        if version is not None:
            headers["If-Match"] = f'"{version}"' if isinstance(version, int) else version
        return await self.shop.call(method, path, json=body, headers=headers)

    async def _second_vendor(self) -> dict[str, str]:
        await self.people.add("other@example.com", "vendor")
        newest = "SELECT id FROM accounts WHERE role = 'vendor' ORDER BY id DESC LIMIT 1"
        return bearer(self.people.auth.issue(await self.shop.db.fetchval(newest), "vendor"))

    async def ok(
        self, method: str, path: str, body: Any = None, *, who: str = "admin", version: Any = None
    ) -> Any:
        """The document of a call that must succeed."""
        status, document, _ = await self.call(method, path, body, who=who, version=version)
        assert 200 <= status < 300, (status, document)
        return document

    async def make(self, slug: str = "scarf", *, who: str = "admin", **more: Any) -> Any:
        """A published product with one SKU, in stock."""
        variant = {"sku": slug.upper(), "prices": {"EUR": {"amount": 1500}}, "on_hand": 100, "weight_g": 200}
        body = {"title": slug.title(), "slug": slug, "variants": [variant], "status": "published"}
        return await self.ok("POST", PRODUCTS, body | more, who=who)

    async def log(self, subject: str) -> list[tuple[str, Any, Any]]:
        """(action, before, after) of what the audit log says of a subject."""
        rows = await self.shop.db.fetch(
            "SELECT action, before, after FROM audit_log WHERE subject = $1 ORDER BY id", subject
        )
        return [(row["action"], row["before"], row["after"]) for row in rows]


@pytest.fixture
async def desk(people: People) -> Desk:
    """The desk of this test."""
    return Desk(people)
