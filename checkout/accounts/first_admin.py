"""The first start makes the first admin."""

import asyncio
import secrets

from checkout.accounts import store
from checkout.accounts.passwords import hash_now
from checkout.kit.cipher import Cipher
from checkout.kit.db import Connection


async def ensure_admin(
    connection: Connection, cipher: Cipher, email: str, password: str | None
) -> str | None:
    """Makes an admin when there is none; gives the password when it had to be made up, to be shown once.

    Retry: safe; an admin that exists is never changed.
    """
    if await store.has_admin(connection):
        return None
    chosen = password or secrets.token_urlsafe(12)
    hashed = await asyncio.to_thread(hash_now, chosen)
    made = await store.add_account(connection, cipher, email=email, password_hash=hashed, role="admin")
    return chosen if made and password is None else None
