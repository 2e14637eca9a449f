"""Every route of the API, asked in ten thousand ways (T16). `SCHEMA_CASES=100000` asks more, `SCHEMA_SEED` asks others."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from checkout.audit.model import Charge
from checkout.audit.prove import audit
from tests.api.audit.world import LEDGER
from tests.schema.world import told
from tests.shop import Stores, TestShop, running
from tests.workers.processes import ROOT

CASES = int(os.environ.get("SCHEMA_CASES", "10000"))
SEED = int(os.environ.get("SCHEMA_SEED", "1"))
ROUNDS = int(os.environ.get("SCHEMA_ROUNDS", "6"))
_LIMIT_S = 600 + CASES // 20
# No worker runs here: what is owed stays owed, and what was parked stays so.
_NOT_HERE = {"outbox_unfinished", "dead_letters"}
# What no request can reach in a shop without workers, or without somebody's second factor.
UNREACHED = {
    "POST /v1/me/totp/confirm": "needs the code of the moment",
    "GET /v1/admin/imports/{id}/errors.csv": "is written by a worker",
    "GET /v1/admin/exports/{id}/file.csv": "is written by a worker",
}


async def ask(shop: TestShop, folder: Path, order: dict[str, Any]) -> dict[str, Any]:
    """What the process that asks reports."""
    (folder / "order.json").write_text(json.dumps(order | {"url": shop.url}))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.schema.drive", folder / "order.json", folder / "report.json", cwd=ROOT
    )
    try:
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def shown(wrong: dict[str, list[dict[str, Any]]]) -> str:
    """Each thing that was wrong, with the request that shows it."""
    return "\n".join(f"{what}\n    {json.dumps(found[0])[:1500]}" for what, found in sorted(wrong.items()))


@pytest.mark.timeout(_LIMIT_S)
async def test_whatever_is_asked_the_answer_is_as_described(stores: Stores, tmp_path: Path) -> None:
    """If this fails, some request gets a bug, a wait, or an answer that the API's document does not describe (T16)."""
    pictures = {
        "s3_endpoint": "https://s3.example",
        "s3_bucket": "pictures",
        "s3_access_key": "a",
        "s3_secret_key": "b",
    }
    async with running(await stores.fresh_settings(**pictures)) as shop:
        await _ask_everything(shop, tmp_path)


async def _ask_everything(shop: TestShop, tmp_path: Path) -> None:
    order = await told(shop) | {"cases": CASES, "seed": SEED, "rounds": ROUNDS, "unreached": list(UNREACHED)}
    report = await ask(shop, tmp_path, order)
    if where := os.environ.get("SCHEMA_REPORT"):
        Path(where).write_text(json.dumps(report, indent=1))
    assert report["asked"] >= CASES
    assert not report["wrong"], shown(report["wrong"])
    reached = {
        label for label, found in report["statuses"].items() if any(int(status) < 300 for status in found)
    }
    assert report["statuses"].keys() - reached <= UNREACHED.keys(), (
        "never answered well: these were hardly tried"
    )
    await proved(shop)


async def proved(shop: TestShop) -> None:
    """Fails if what was asked has broken a law of the shop."""

    async def charges() -> AsyncIterator[Charge]:
        for row in await shop.db.fetch(LEDGER):
            yield Charge(row["order_id"], row["charges"], row["charged"], row["refunded"])

    findings = (await audit(shop.settings, wait_s=0, ledger=charges)).findings
    broken = [one for one in findings if not one.ok and one.name not in _NOT_HERE]
    assert not broken, [f"{one.name}: {one.figure} {one.unit} {one.detail}" for one in broken]
