"""Jobs: moved by one at a time, found again when nobody moves them, forgotten when they are old; exports' filters."""

import asyncio
import sys
import uuid
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from checkout.bulk.importing import Import, Moved
from checkout.bulk.model import Group, Parsed, Stored
from checkout.bulk.records import Chunk
from checkout.bulk.sheet import Reading
from checkout.bulk.work import run, work
from checkout.outbox.model import BULK, TOPICS, Row
from config import limits
from tests.api.bulk.conftest import Desk, rows_of, sheet
from tests.workers.processes import environment

ROOT = Path(__file__).parents[3]


def products(count: int, name: str = "j", price: str = "1") -> str:
    """A file of so many products."""
    return sheet("slug,title,sku,price_EUR", *(f"{name}{n},J,{name}-{n},{price}" for n in range(count)))


async def test_a_job_that_two_work_at_once_is_done_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, a row that was sent twice writes every product twice, or counts it twice."""
    monkeypatch.setattr(limits, "BULK_CHUNK_ROWS", 20)
    job = await desk.upload(products(200))
    ended = await asyncio.gather(
        *(run(uuid.UUID(job["id"]), desk.store) for _ in range(3)), return_exceptions=True
    )
    assert ended.count(True) == 1, ended
    assert all(end is True or end is None or isinstance(end, Moved) for end in ended), ended
    _, found = await desk.call("GET", f"/v1/admin/imports/{job['id']}")
    assert (found["status"], found["rows_done"], found["products"]) == ("done", 200, 200)


async def test_imports_of_the_same_products_take_turns(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, two files at once end in a deadlock, or one of them in half a product."""
    monkeypatch.setattr(limits, "BULK_CHUNK_ROWS", 25)
    lines = products(200).splitlines()
    backwards = "\n".join([lines[0], *lines[:0:-1]]).replace(",1\n", ",2\n")
    jobs = [await desk.upload(products(200)), await desk.upload(backwards)]
    assert await asyncio.gather(*(run(uuid.UUID(job["id"]), desk.store) for job in jobs)) == [True, True]
    for job in jobs:
        _, found = await desk.call("GET", f"/v1/admin/imports/{job['id']}")
        assert (found["status"], found["rows_failed"], found["products"]) == ("done", 0, 200)
    assert await desk.shop.db.fetchval("SELECT count(*) FROM variants WHERE sku LIKE 'j-%'") == 200


async def test_the_next_chunk_is_read_while_one_is_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this fails, an import reads and writes in turn, or reads each of its products twice."""
    monkeypatch.setattr(limits, "BULK_CHUNK_ROWS", 20)
    read: list[int] = []
    product, commit = Reading.product, Import._commit

    def counted(reading: Reading, group: Group, known: Stored | None) -> Parsed:
        read.append(group[0][0])
        return product(reading, group, known)

    async def beside(self: Import, found: Chunk, *args: Any) -> None:
        async with asyncio.timeout(5):
            while not found.is_last and len(read) < self.job.rows_done + 40:
                await asyncio.sleep(0.001)
        await commit(self, found, *args)

    monkeypatch.setattr(Reading, "product", counted)
    with monkeypatch.context() as patched:
        patched.setattr(Import, "_commit", beside)
        job = await desk.upload(products(100))
        assert await run(uuid.UUID(job["id"]), desk.store) is True
    assert len(read) == 100
    assert len(set(read)) == 100
    read.clear()
    job = await desk.upload(products(100, price="2"))
    await run(uuid.UUID(job["id"]), desk.store)
    assert len(read) == 140, (
        "what is there is read again with what the shop knows of it; after two chunks only so"
    )


async def test_a_slice_hands_the_job_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, a long import is stopped by the actors' time limit, or parked as a dead letter."""
    monkeypatch.setattr(limits, "BULK_CHUNK_ROWS", 10)
    monkeypatch.setattr(limits, "BULK_SLICE_S", 0.0)
    job = await desk.upload(products(60))
    slices = 0
    while rows := (await desk.outbox.take({BULK: 1})).get(BULK):
        assert [row.attempt for row in rows] == [1]
        await work(rows[0], store=desk.store, outbox=desk.outbox)
        slices += 1
    assert slices >= 6
    assert (await desk.call("GET", f"/v1/admin/imports/{job['id']}"))[1]["products"] == 60


async def test_a_job_whose_last_try_fails_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, an import that met a bug is shown as running for ever."""
    job = await desk.upload(products(1))

    async def bug() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.store, "categories", bug)
    for attempt in (1, TOPICS[BULK].attempts_max):
        with pytest.raises(ZeroDivisionError):
            await work(Row(1, uuid.UUID(job["id"]), attempt), store=desk.store, outbox=desk.outbox)
    _, found = await desk.call("GET", f"/v1/admin/imports/{job['id']}")
    assert found["status"] == "failed"
    assert "ZeroDivisionError" in found["error"]


async def test_an_import_tells_of_its_products_alone(desk: Desk) -> None:
    """If this fails, each chunk of an import empties every cache of the shop."""
    heard: list[str] = []
    listener = await asyncpg.connect(desk.shop.settings.database_url)
    await listener.add_listener("catalog", lambda *said: heard.append(said[3]))
    await desk.take(products(300))
    await listener.execute("SELECT 1")
    await listener.close()
    assert "*" not in heard
    made = await desk.shop.db.fetch("SELECT id::text FROM products WHERE slug LIKE 'j%' AND title = 'J'")
    assert {row["id"] for row in made} <= set(heard)
    assert len(set(heard) - {"lists"}) == 300


async def test_the_sweeper_finds_what_nobody_moves_and_forgets_what_is_old(desk: Desk) -> None:
    """If this fails, a lost job is never finished, or files fill the database for good."""
    db = desk.shop.db
    lost = await desk.upload(products(1))
    await db.execute("DELETE FROM outbox")
    unsent = uuid.uuid4()
    await db.execute(
        """INSERT INTO bulk_jobs (id, kind, format, status, actor, updated_at)
           VALUES ($1, 'import', 'own', 'receiving', 'x', now() - interval '3 hours')""",
        unsent,
    )
    await db.execute("INSERT INTO bulk_pieces (job_id, seq, content) VALUES ($1, 0, 'x')", unsent)
    await desk.store.sweep()
    assert await db.fetchval("SELECT count(*) FROM outbox") == 0
    assert await db.fetchval("SELECT count(*) FROM bulk_pieces WHERE job_id = $1", unsent) == 0
    await db.execute("UPDATE bulk_jobs SET updated_at = now() - interval '10 minutes'")
    await desk.store.sweep()
    await desk.store.sweep()
    assert await db.fetchval("SELECT count(*) FROM outbox WHERE topic = $1", BULK) == 1
    await desk.work()
    assert (await desk.call("GET", f"/v1/admin/imports/{lost['id']}"))[1]["status"] == "done"

    bad = await desk.take(sheet("slug,sku", "x,X-1"))
    status, export = await desk.call("POST", "/v1/admin/exports", json={})
    assert status == 202
    assert (await desk.call("GET", f"/v1/admin/exports/{export['id']}/file.csv"))[1][
        "code"
    ] == "export_not_ready"
    await desk.work()
    assert (await desk.call("GET", f"/v1/admin/exports/{export['id']}/file.csv"))[0] == 200
    await db.execute("UPDATE bulk_jobs SET finished_at = now() - interval '8 days'")
    await desk.store.sweep()
    await desk.store.sweep()
    for table in ("bulk_pieces", "bulk_problems", "bulk_seen"):
        assert await db.fetchval("SELECT count(*) FROM " + table) == 0, table
    assert (await desk.call("GET", f"/v1/admin/imports/{bad['id']}"))[1]["errors_url"] is None
    assert (await desk.call("GET", f"/v1/admin/exports/{export['id']}/file.csv"))[0] == 404


async def test_an_export_has_what_was_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, a filter leaves products out, or a page is written twice or not at all."""
    monkeypatch.setattr(limits, "BULK_EXPORT_PRODUCTS", 7)
    monkeypatch.setattr(limits, "BULK_PIECE_BYTES", 999)
    db = desk.shop.db
    await db.execute("UPDATE products SET status = 'draft' WHERE slug LIKE 't%'")
    await db.execute("UPDATE products SET owner_id = $1 WHERE slug = 'tee-black'", desk.accounts["vendor"])
    for asked, query in (
        ({}, "SELECT slug FROM products"),
        ({"status": "draft"}, "SELECT slug FROM products WHERE status = 'draft'"),
        ({"owner": str(desk.accounts["vendor"])}, "SELECT slug FROM products WHERE slug = 'tee-black'"),
        ({"category": "nowhere"}, "SELECT slug FROM products WHERE false"),
        (
            {"category": "tees"},
            "SELECT slug FROM products JOIN product_categories ON product_id = products.id"
            " JOIN categories c ON c.id = category_id WHERE c.slug = 'tees'",
        ),
    ):
        expected = {
            row["slug"] for row in await db.fetch(query.replace("SELECT slug", "SELECT products.slug"))
        }
        found = rows_of(await desk.export(**asked))
        assert {row["slug"] for row in found} == expected, asked
        heads = [row["slug"] for row in found if row["title"]]
        assert len(heads) == len(set(heads)), asked
    for bad in (
        {"format": "xml"},
        {"status": "gone"},
        {"owner": "x"},
        {"owner": "-" * 36},
        {"more": 1},
        {"category": "a\0"},
    ):
        status, problem = await desk.call("POST", "/v1/admin/exports", json=bad)
        assert status == 400, (bad, problem)


async def test_a_sku_with_a_stock_policy_keeps_it(desk: Desk) -> None:
    """If this fails, a file sells the units that a policy keeps back."""
    db = desk.shop.db
    item = await db.fetchval("SELECT item_id FROM variants WHERE sku = 'MUG-CLASSIC'")
    await db.execute("INSERT INTO stock_policies (item_id, safety_stock) VALUES ($1, 4)", item)
    net = await db.fetchval("SELECT backorder_limit FROM stock WHERE item_id = $1", item)
    assert net == -4
    file = await desk.export()
    job = await desk.take(file)
    assert (job["problems"], any(job["written"].values())) == (0, False)
    job = await desk.take(sheet("slug,sku,backorder_limit", "mug-classic,MUG-CLASSIC,9"))
    assert [error["severity"] for error in await desk.errors(job)] == ["warning"]
    assert await db.fetchval("SELECT backorder_limit FROM stock WHERE item_id = $1", item) == net


async def test_the_command_line_imports_and_exports(desk: Desk, tmp_path: Path) -> None:
    """If this fails, a catalogue cannot be brought in or out by an operator."""

    async def checkout(*arguments: str) -> tuple[int, bytes]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "checkout", *arguments, cwd=ROOT, env=environment(desk.shop.settings),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, errors = await process.communicate()
        assert b"Traceback" not in errors, errors
        return process.returncode or 0, out

    file = tmp_path / "products.csv"
    code, said = await checkout("export", str(file), "--json")
    assert (code, orjson.loads(said)["rows_done"]) == (0, len(rows_of(file.read_bytes())))
    code, said = await checkout("import", "csv", str(file), "--json")
    assert code == 0
    assert not any(orjson.loads(said)["written"].values())
    bad = tmp_path / "bad.csv"
    bad.write_text("Handle,Title,Variant SKU,Variant Price\na,A,A-1,1\nb,B,B-1,x\n")
    code, said = await checkout("import", "shopify", str(bad), "--currency", "EUR", "--dry-run")
    assert code == 1
    assert b"bad.errors.csv" in said.replace(b"\n", b"")
    assert "Variant Price" in (tmp_path / "bad.errors.csv").read_text()
    assert await desk.shop.db.fetchval("SELECT count(*) FROM products WHERE slug IN ('a', 'b')") == 0
    code, out = await checkout("export", "--format", "shopify", "--currency", "EUR")
    assert code == 0
    assert out.startswith(b"Handle,Title,")
    assert (await checkout("import", "csv", str(bad)))[0] == 2
