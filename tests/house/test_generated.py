"""Documents made from the code are what the code makes today: `make docs` writes them."""

import asyncio

import asyncpg
import pytest

from checkout.reference.schema import dump, readable
from checkout.reference.write import PAGES, ROOT, SCHEMA
from tests.shop import Stores

MEND = "run `make docs` and commit what it writes"


@pytest.fixture(scope="module")
def migrated_url(stores: Stores) -> str:
    """A database that the migrations made."""
    return asyncio.run(stores.fresh_database())


def test_schema_sql_is_what_the_migrations_make(migrated_url: str) -> None:
    """If this fails, a reader of schema.sql believes in a schema that the shop does not have."""
    assert (ROOT / SCHEMA).read_text() == readable(dump(migrated_url)), MEND


async def test_schema_sql_makes_the_same_schema(stores: Stores) -> None:
    """If this fails, making the dump readable has changed or dropped something of the schema."""
    admin = await asyncpg.connect(stores.database_url)
    await admin.execute("CREATE DATABASE schema_again")
    await admin.close()
    text = (ROOT / SCHEMA).read_text()
    url = stores.url_of("schema_again")
    connection = await asyncpg.connect(url)
    await connection.execute(text)
    await connection.close()
    assert readable(dump(url)) == text


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_what_the_code_says(name: str) -> None:
    """If this fails, this page tells operators of codes, settings or metrics as they were before."""
    assert (ROOT / name).read_text() == PAGES[name](), MEND
