"""SQL lives in files: every query is understood by Postgres on the migrated schema, named, explained and used."""

import ast
import asyncio
import functools
import re
import sqlite3
from pathlib import Path

import asyncpg
import pytest

from checkout.kit import sql
from tests.house.tree import ROOT, parsed, read, sources, written_by_us
from tests.shop import Stores

FILES = [path for path in written_by_us(".sql") if "-- name: " in read(path)]
SQLITE = {"checkout/sandbox/sqlite.sql"}
POSTGRES = [path for path in FILES if path.as_posix() not in SQLITE]

_STATEMENT = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP|SET) [\w'\"$]")
_SENDERS = ("execute", "executemany", "executescript", "fetch", "fetchrow", "fetchval", "prepare")


@pytest.fixture(scope="module")
def database_url(stores: Stores) -> str:
    """The migrated schema, for statements that are only prepared."""
    return asyncio.run(stores.fresh_database())


@functools.cache
def _loads(path: Path) -> set[str]:
    """Names of the files that a module loads with `sql.load(__file__, …)`."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "sql.load":
            found.add(node.args[1].value if len(node.args) > 1 else "queries.sql")  # type: ignore[attr-defined]
    return found


@functools.cache
def _used(path: Path) -> set[str]:
    return {node.attr for node in ast.walk(parsed(path)) if isinstance(node, ast.Attribute)} | {
        node.value
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("path", POSTGRES, ids=str)
async def test_every_query_is_understood(path: Path, database_url: str) -> None:
    """If this fails, a statement of this file does not run on the schema that the migrations make."""
    connection = await asyncpg.connect(database_url)
    try:
        refused = {}
        for name, text in sql.parse(read(path)).items():
            try:
                await connection.prepare(text)
            except asyncpg.PostgresError as error:
                refused[name] = str(error)
        assert refused == {}
    finally:
        await connection.close()


@pytest.mark.parametrize("path", FILES, ids=str)
def test_every_query_is_used_and_explained(path: Path) -> None:
    """If this fails, a query is dead, or does not say who calls it and by which index."""
    users = [source for source in sources() if source.parent == path.parent]
    assert any(path.name in _loads(user) for user in users), "nobody loads this file"
    used = set().union(*(_used(user) for user in users))
    queries = sql.parse(read(path))
    assert set(queries) - used == set()
    if path in POSTGRES:
        assert [name for name, text in queries.items() if not text.startswith("--")] == []


@pytest.mark.parametrize("path", [p for p in sources() if _loads(p)], ids=str)
def test_every_name_used_exists(path: Path) -> None:
    """If this fails, a call to the database ends in an AttributeError."""
    known: set[str] = set()
    for name in _loads(path):
        known |= set(sql.parse(read(path.parent / name)))
    asked = {
        node.attr
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("QUERIES", "queries", "_SQL")
    }
    assert asked - known == set()


def test_no_sql_is_put_together_in_code() -> None:
    """If this fails, a statement is built from pieces: a reviewer cannot read it, and a value could become SQL."""
    found = []
    for path in sources():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.JoinedStr):
                text = "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values
                )
                if _STATEMENT.search(text):
                    found.append(f"{path}:{node.lineno}")
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                pieces = isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
                if node.func.attr in _SENDERS and pieces:
                    found.append(f"{path}:{node.lineno}")
    assert found == []


@pytest.mark.parametrize("name", sorted(SQLITE))
def test_the_sandbox_statements_are_understood(name: str) -> None:
    """If this fails, the sandbox's own file does not take one of its statements."""
    queries = sql.parse((ROOT / name).read_text())
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(queries.pop("schema"))
        for text in queries.values():
            assert sqlite3.complete_statement(text.rstrip().rstrip(";") + ";")
    finally:
        connection.close()
