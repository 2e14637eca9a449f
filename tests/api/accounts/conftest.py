"""A shop with one account of each role, and their tokens."""

from dataclasses import dataclass
from functools import cache

import pytest

from checkout.accounts import store
from checkout.accounts.auth import Auth
from checkout.accounts.model import try_key
from checkout.accounts.passwords import hash_now
from checkout.accounts.sign_in import TRIES
from checkout.app import PARTS
from ratelimit.shared import limit_key
from tests.shop import TestShop

PASSWORD = "correct horse battery staple"
ROLES = ("customer", "vendor", "support", "admin")


@cache
def password_hash() -> str:
    """The hash of PASSWORD, made once: it is slow on purpose."""
    return hash_now(PASSWORD)


@dataclass(slots=True)
class People:
    """The shop and who may sign in to it, by role."""

    shop: TestShop
    auth: Auth

    async def add(self, email: str, role: str = "customer") -> None:
        """An account with PASSWORD."""
        async with self.shop.db.acquire() as connection:
            assert await store.add_account(
                connection, self.shop.cipher, email=email, password_hash=password_hash(), role=role
            )

    async def token(self, role: str) -> dict[str, str]:
        """The header field of a signed-in caller with this role."""
        account = await self.shop.account_id(f"{role}@example.com")
        return bearer(self.auth.issue(account, role))


async def later(shop: TestShop, email: str) -> None:
    """As if enough time had gone by for this account to be tried again."""
    await shop.app[PARTS].gate.lane.call("DEL", limit_key(TRIES.name, try_key(email)))


def bearer(token: str) -> dict[str, str]:
    """The header field that carries a token."""
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def people(shop: TestShop) -> People:
    """One account of each role, `role@example.com`."""
    made = People(shop, shop.app[PARTS].auth)
    for role in ROLES:
        await made.add(f"{role}@example.com", role)
    return made
