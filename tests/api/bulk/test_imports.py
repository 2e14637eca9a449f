"""Imports over the API: what is written, what is refused, by whom."""

import csv
import os
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from config import limits
from tests.api.bulk.conftest import Desk, sheet, versions

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("CHECKOUT_TEST_DATA") or ROOT.parent / "shared" / "data")
WHOLE = {"apparel.csv": (20, 22), "home-and-garden.csv": (20, 21), "jewelery.csv": (20, 23)}
LAMP = "slug,title,status,sku,options,price_EUR,compare_at_EUR,price_JPY,stock,categories,attr.material,tags"


async def test_a_product_is_made_whole(desk: Desk) -> None:
    """If this fails, an imported product lacks variants, prices, stock, categories, or whoever brought it."""
    job = await desk.take(
        sheet(
            LAMP,
            'lamp,Lamp,published,LAMP-S,"size=S, colour=red",12.90,19.90,1500,5,"home:Home > lamps:Lamps, new",steel,"a, b\\,c"',
            "lamp,,,LAMP-L,size=L,15,,,0,,,",
        )
    )
    assert (job["status"], job["rows_total"], job["rows_done"], job["rows_failed"]) == ("done", 2, 2, 0)
    assert job["written"] == {"products_created": 1, "products_changed": 0, "variants_created": 2, "variants_changed": 0,
                              "prices_changed": 3, "received": 5}  # fmt: skip
    status, found = await desk.call("GET", "/v1/products/lamp")
    assert status == 200
    assert found["tags"] == ["a", "b,c"]
    assert {category["slug"] for category in found["categories"]} == {"lamps", "new"}
    assert [(v["sku"], v["prices"]) for v in found["variants"]] == [
        ("LAMP-S", {"EUR": 1290, "JPY": 1500}),
        ("LAMP-L", {"EUR": 1500}),
    ]
    assert (
        await desk.shop.db.fetchval(
            "SELECT p.slug FROM categories c JOIN categories p ON p.id = c.parent_id WHERE c.slug = 'lamps'"
        )
        == "home"
    )
    moved = await desk.shop.db.fetchrow(
        "SELECT kind, on_hand_delta, reason, actor FROM stock_movements JOIN variants USING (item_id) WHERE sku = 'LAMP-S'"
    )
    assert tuple(moved) == ("receipt", 5, f"import {job['id']}", str(desk.accounts["admin"]))
    logged = await desk.shop.db.fetch(
        "SELECT action FROM audit_log WHERE subject = $1 ORDER BY at", job["id"]
    )
    assert [row["action"] for row in logged] == ["import.create", "import.finish"]
    assert await desk.shop.db.fetchval("SELECT count(*) FROM bulk_pieces") == 0


async def test_what_a_file_has_no_column_for_stays(desk: Desk) -> None:
    """If this fails, a price list wipes titles, and a stock list undoes prices."""
    before = await desk.shop.db.fetchrow("SELECT * FROM bulk_products WHERE slug = 'tee-black'")
    reserved = (await desk.shop.buy(("TEE-BLACK-M", 3)))[0]
    assert reserved == 201
    await desk.shop.quiet()
    job = await desk.take(sheet("slug,sku,price_EUR,stock", "tee-black,TEE-BLACK-M,21.50,77"))
    assert (job["rows_failed"], job["stock_counted"], job["written"]["prices_changed"]) == (0, 1, 1), job
    after = await desk.shop.db.fetchrow("SELECT * FROM bulk_products WHERE slug = 'tee-black'")
    assert [name for name in dict(before) if before[name] != after[name]] == ["variants"]
    assert await desk.shop.stock("TEE-BLACK-M") == (77, 3)
    prices = await desk.shop.db.fetch(
        "SELECT currency, amount_minor FROM prices JOIN variants USING (item_id) WHERE sku = 'TEE-BLACK-M' ORDER BY 1"
    )
    assert prices[0]["amount_minor"] == 2150
    assert len(prices) == 2
    await desk.shop.quiet()
    assert (await desk.shop.buy(("TEE-BLACK-M", 75)))[0] == 409
    assert (await desk.shop.buy(("TEE-BLACK-M", 74)))[0] == 201


async def test_what_is_wrong_is_told_by_row_and_spoils_its_product_alone(desk: Desk) -> None:
    """If this fails, an admin cannot find the rows to mend, half a product is changed, or a bad row stops its neighbours."""
    assert (await desk.shop.buy(("MUG-CLASSIC", 4)))[0] == 201
    before = await desk.shop.db.fetch(
        "SELECT slug, version FROM products WHERE slug IN ('tee-black', 'mug-classic')"
    )
    job = await desk.take(
        sheet(
            "slug,title,sku,barcode,weight_g,price_EUR,stock,options,images,status",
            "good,Good,GOOD-1,,,1.00,1,,,draft",
            "half,Half,HALF-1,,,1.00,1,,,draft",
            "half,,HALF-2,,,1.001,1,,,",
            "tee-black,New title,GOOD-1X,,,1,1,,,draft",
            "tee-black,,TEE-BLACK-M,123,,1,1,,,",
            "thief,Thief,TEE-BLACK-S,,,1,1,,,draft",
            "mug-classic,Mug,MUG-CLASSIC,,,1,3,,,published",
            "words,Words,WORDS-1,,heavy,x,many,colour,ftp://x,gone",
            "good,Good again,GOOD-2,,,1,1,,,draft",
            ",No slug,NONE-1,,,1,1,,,draft",
            "late,Late,GOOD-1,,,1,1,,,draft",
            "No Slug!,Title,NONE-2,,,1,1,,,draft",
            '=cmd,=HYPERLINK("x"),NONE-3,,,1,1,,,draft',
            "fine,Fine,FINE-1,4006381333931,5,2,2,size=S,https://images.test/a.jpg,published",
        )
    )
    assert (job["status"], job["products"], job["rows_done"], job["rows_failed"]) == ("done", 2, 14, 12), job
    errors = await desk.errors(job)
    assert [int(error["row"]) for error in errors] == sorted(int(error["row"]) for error in errors)
    said = {(int(error["row"]), error["column"]) for error in errors}
    assert said >= {(4, "price_EUR"), (6, "barcode"), (7, "sku"), (8, "stock"), (9, "weight_g"), (9, "price_EUR"),
                    (9, "stock"), (9, "options"), (9, "images"), (9, "status"), (10, "slug"), (11, "title"), (12, "sku"),
                    (13, "slug"), (14, "slug")}, errors  # fmt: skip
    assert all(error["message"] and not error["value"].startswith("=") for error in errors)
    assert "promised" in next(error["message"] for error in errors if error["row"] == "8")
    after = await desk.shop.db.fetch(
        "SELECT slug, version FROM products WHERE slug IN ('tee-black', 'mug-classic')"
    )
    assert after == before
    made = await desk.shop.db.fetch(
        "SELECT sku FROM variants WHERE sku LIKE 'GOOD%' OR sku LIKE 'HALF%' OR sku LIKE 'FINE%'"
    )
    assert sorted(row["sku"] for row in made) == ["FINE-1", "GOOD-1"]


async def test_a_constraint_that_only_postgres_knows_spoils_its_product_alone(desk: Desk) -> None:
    """If this fails, one product against an attribute's definition takes a thousand others along."""
    await desk.shop.db.execute("INSERT INTO attributes (name, type, unit) VALUES ('watts', 'number', 'W')")
    rows = [f"w{n},W,W-{n},{'many' if n == 7 else n}" for n in range(20)]
    job = await desk.take(sheet("slug,title,sku,attr.watts", *rows))
    assert (job["products"], job["products_failed"], job["rows_failed"]) == (19, 1, 1)
    assert [error["row"] for error in await desk.errors(job)] == ["9"]
    assert (
        await desk.shop.db.fetchval("SELECT count(*) FROM products WHERE slug LIKE 'w%' AND title = 'W'")
        == 19
    )


async def test_a_dry_run_says_all_and_changes_nothing(desk: Desk) -> None:
    """If this fails, trying a file out changes the shop, or does not say what the import would."""
    file = sheet(
        "slug,title,sku,price_EUR,stock,categories",
        "tee-black,Other,TEE-BLACK-M,1,1,brand-new:Brand",
        "n,N,N-1,2,3,",
        "o,O,N-1,2,3,",
    )
    before = await versions(desk.shop)
    tried = await desk.take(file, query="dry_run=true")
    assert await versions(desk.shop) == before
    assert await desk.shop.db.fetchval("SELECT count(*) FROM categories WHERE slug = 'brand-new'") == 0
    done = await desk.take(file)
    same = ("rows_done", "rows_failed", "products", "variants", "stock_counted", "written", "problems")
    assert {name: tried[name] for name in same} == {name: done[name] for name in same}
    assert done["products"] == 2


async def test_a_vendor_writes_its_own_products_alone(desk: Desk) -> None:
    """If this fails, one vendor changes another's products by a file, or learns more of them than that a name is taken."""
    columns = "slug,title,sku,price_EUR,status"
    job = await desk.take(sheet(columns, "mine,Mine,MINE-1,5,published"), who="vendor")
    assert job["products"] == 1
    assert (
        await desk.shop.db.fetchval("SELECT owner_id FROM products WHERE slug = 'mine'")
        == desk.accounts["vendor"]
    )
    theirs = await desk.take(
        sheet(
            columns,
            "mine,Stolen,MINE-1,1,published",
            "tee-black,Stolen,TEE-BLACK-M,1,published",
            "fresh,Fresh,MINE-1,1,published",
            "ok,Ok,OK-1,1,published",
        ),
        who="other",
    )
    assert (theirs["products"], theirs["rows_failed"]) == (1, 3)
    status, file = await desk.call("GET", theirs["errors_url"], who="other")
    assert status == 200
    assert (
        next(row["message"] for row in csv.DictReader(file.decode().splitlines()))
        == "is taken: choose another"
    )
    assert b"Mine" not in file
    assert await desk.shop.db.fetchval("SELECT title FROM products WHERE slug = 'mine'") == "Mine"
    for path in (
        f"/v1/admin/imports/{job['id']}",
        job["errors_url"] or f"/v1/admin/imports/{job['id']}/errors.csv",
    ):
        assert (await desk.call("GET", path, who="other"))[0] == 404
    assert (await desk.call("DELETE", f"/v1/admin/imports/{job['id']}", who="other"))[0] == 404
    _, listed = await desk.call("GET", "/v1/admin/imports", who="other")
    assert [item["id"] for item in listed["items"]] == [theirs["id"]]
    assert b"mine" not in await desk.export(who="other")
    assert b"tee-black" not in await desk.export(who="vendor")
    for who in ("support", "nobody"):
        status, _ = await desk.call(
            "POST", "/v1/admin/imports", who=who, data=b"slug,sku\n", headers={"Content-Type": "text/csv"}
        )
        assert status in (401, 403)


async def test_a_repeated_upload_is_one_import(desk: Desk) -> None:
    """If this fails, an upload whose answer was lost is imported twice."""
    file = sheet("slug,title,sku", "a,A,A-1")
    first = await desk.upload(file, key="once")
    again = await desk.upload(file, key="once")
    assert again["id"] == first["id"]
    for other, query in ((file + "b,B,B-1\n", ""), (file, "dry_run=true")):
        status, problem = await desk.call(
            "POST", f"/v1/admin/imports?{query}", data=other.encode(),
            headers={"Content-Type": "text/csv", "Idempotency-Key": "once"},
        )  # fmt: skip
        assert (status, problem["code"]) == (422, "idempotency_mismatch")
    assert await desk.shop.db.fetchval("SELECT count(*) FROM bulk_jobs") == 1
    assert await desk.shop.db.fetchval("SELECT count(*) FROM outbox WHERE topic = 'bulk.work'") == 1


async def test_a_form_carries_a_file_too(desk: Desk) -> None:
    """If this fails, a browser cannot send a file."""
    form = aiohttp.FormData()
    form.add_field("note", "before")
    form.add_field("file", sheet("slug,title,sku", *(f"f{n},F,F-{n}" for n in range(9000))), filename="x.csv")
    status, job = await desk.call("POST", "/v1/admin/imports", data=form)
    assert (status, job["rows_total"]) == (202, 9000), job
    await desk.work()
    assert (await desk.call("GET", f"/v1/admin/imports/{job['id']}"))[1]["products"] == 9000


@pytest.mark.parametrize(
    ("query", "content_type", "body", "status", "code"),
    [
        ("", "text/csv", b"", 400, "invalid"),
        ("", "text/csv", b"\n", 400, "invalid"),
        ("", "text/csv", b"Handle,Title,Variant Price\na,A,1\n", 400, "invalid"),
        ("", "text/csv", b"slug,sku,pricee_EUR\n", 400, "invalid"),
        ("", "text/csv", b"slug,sku,price_XXZ\n", 400, "invalid"),
        ("", "text/csv", b"slug,sku,slug\n", 400, "invalid"),
        ("", "text/csv", b"\x00\x01\xff\xfe", 400, "invalid"),
        ("format=shopify", "text/csv", b"slug,sku\na,b\n", 400, "invalid"),
        ("format=excel", "text/csv", b"slug,sku\n", 400, "invalid"),
        ("format=shopify&currency=XXZ", "text/csv", b"Handle,Title,Variant Price\n", 400, "invalid"),
        ("dry_run=perhaps", "text/csv", b"slug,sku\n", 400, "invalid"),
        ("", "application/json", b"{}", 415, "unsupported_media_type"),
        ("", "multipart/form-data", b"x", 400, "invalid"),
        ("", "multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--b--\r\n", 400, "invalid"),
        ("", "multipart/form-data; boundary=b", b"--b\r\nnot a header", 400, "invalid"),
        ("", "multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=file\r\n\r\nslug,sku", 400, "invalid"),
    ],
)  # fmt: skip
async def test_what_is_no_file_is_refused_at_once(
    desk: Desk, query: str, content_type: str, body: bytes, status: int, code: str
) -> None:
    """If this fails, a wrong file is told minutes later, or answers 500."""
    got, problem = await desk.call(
        "POST", f"/v1/admin/imports?{query}", data=body, headers={"Content-Type": content_type}
    )
    assert (got, problem["code"]) == (status, code), problem
    assert await desk.shop.db.fetchval("SELECT count(*) FROM bulk_jobs") == 0


async def test_a_file_beyond_the_limit_is_refused_and_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this fails, anybody with a vendor's account fills the database's disk."""
    monkeypatch.setattr(limits, "IMPORT_BODY_MAX_BYTES", 600_000)

    async def endless() -> Any:
        yield b"slug,sku\n"
        for _ in range(700):
            yield b"a" * 999 + b"\n"

    status, problem = await desk.call(
        "POST", "/v1/admin/imports", data=endless(), headers={"Content-Type": "text/csv"}
    )
    assert (status, problem["code"]) == (413, "too_large")
    assert await desk.shop.db.fetchval("SELECT count(*) FROM bulk_pieces") == 0


async def test_a_cancelled_import_stops_and_is_not_ended_twice(desk: Desk) -> None:
    """If this fails, a wrong file cannot be stopped."""
    job = await desk.upload(sheet("slug,title,sku", "a,A,A-1"))
    path = f"/v1/admin/imports/{job['id']}"
    status, cancelled = await desk.call("DELETE", path)
    assert (status, cancelled["status"]) == (200, "cancelled")
    assert (await desk.call("DELETE", path))[1]["code"] == "job_over"
    await desk.work()
    assert (await desk.call("GET", path))[1]["rows_done"] == 0
    assert await desk.shop.db.fetchval("SELECT count(*) FROM products WHERE slug = 'a'") == 0
    assert await desk.shop.db.fetchval("SELECT count(*) FROM outbox WHERE topic = 'bulk.work'") == 0


async def test_jobs_are_listed_in_pages(desk: Desk) -> None:
    """If this fails, a shop with many imports cannot find one."""
    made = [(await desk.upload(sheet("slug,sku", f"x{n},X-{n}")))["id"] for n in range(5)]
    seen, cursor = [], ""
    while True:
        _, page = await desk.call("GET", f"/v1/admin/imports?limit=2{cursor}")
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]
    for bad in ("limit=0", "cursor=x", "cursor=WyJ4Il0=", "limit=%00"):
        assert (await desk.call("GET", f"/v1/admin/imports?{bad}"))[0] == 400
    for strange in (str(uuid.UUID(int=1)), "x", "%00", "1" * 300):
        assert (await desk.call("GET", f"/v1/admin/imports/{strange}"))[0] == 404
        assert (await desk.call("GET", f"/v1/admin/exports/{strange}/file.csv"))[0] == 404
    assert (await desk.call("GET", f"/v1/admin/exports/{made[0]}"))[0] == 404


@pytest.mark.parametrize("name", WHOLE)
async def test_a_real_export_of_shopify_comes_in_whole(desk: Desk, name: str) -> None:
    """If this fails, a shop that moves here loses products, variants, prices or stock."""
    file = DATA / "shopify-csv" / name
    if not file.exists():
        pytest.skip("the real exports are not on this machine; set CHECKOUT_TEST_DATA")
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = [row for row in csv.DictReader(lines) if row["Variant Price"]]
    job = await desk.take(file.read_bytes(), query="format=shopify&currency=USD")
    assert (job["products"], job["variants"]) == WHOLE[name] == (len({r["Handle"] for r in rows}), len(rows))
    assert (job["status"], job["products_failed"], job["rows_failed"]) == ("done", 0, 0)
    stored = await desk.shop.db.fetchrow(
        """SELECT sum(r.amount_minor) AS prices, sum(s.on_hand) AS units
           FROM products p JOIN variants v ON v.product_id = p.id JOIN stock s USING (item_id)
           JOIN prices r ON r.item_id = v.item_id AND r.currency = 'USD' WHERE p.slug = ANY ($1)""",
        sorted({row["Handle"] for row in rows}),
    )
    assert stored["prices"] == sum(round(float(row["Variant Price"]) * 100) for row in rows)
    assert stored["units"] == sum(int(row["Variant Inventory Qty"] or 0) for row in rows)
    before = await versions(desk.shop)
    again = await desk.take(file.read_bytes(), query="format=shopify&currency=USD")
    assert not any(again["written"].values())
    assert await versions(desk.shop) == before


async def test_an_export_to_shopify_is_read_again(desk: Desk) -> None:
    """If this fails, a shop cannot move to Shopify, or back."""
    file = await desk.export(format="shopify", currency="EUR")
    job = await desk.take(file, query="format=shopify&currency=EUR&dry_run=true")
    assert (job["status"], job["rows_failed"]) == ("done", 0), await desk.errors(job)
    assert job["written"]["prices_changed"] == job["written"]["products_created"] == 0
    assert job["products"] == await desk.shop.db.fetchval("SELECT count(*) FROM products")
    status, problem = await desk.call("POST", "/v1/admin/exports", json={"format": "shopify"})
    assert (status, problem["code"]) == (400, "invalid")
