"""Every answer of imports and exports, held to the API's document."""

import uuid
from typing import Any

from checkout.app import PARTS
from checkout.bulk.store import BulkStore
from checkout.bulk.work import run

STRANGE = str(uuid.UUID(int=1))


async def tell_bulk(ask: Any) -> None:
    """Asks every route of imports and exports, for good and for bad answers."""
    parts = ask.shop.app[PARTS]
    account = await ask.shop.db.fetchval("SELECT id FROM accounts WHERE role = 'admin' LIMIT 1")
    admin = {"Authorization": f"Bearer {parts.auth.issue(account, 'admin')}"}
    csv = admin | {"Content-Type": "text/csv"}
    store = BulkStore(parts.pool)

    imports, one = "/v1/admin/imports", "/v1/admin/imports/{id}"
    keyed = csv | {"Idempotency-Key": "told"}
    file = b"slug,title,sku\ntold,Told,TOLD-1\n,,no sku!\nfine,Fine,FINE-1\n"
    job = await ask("POST", imports, 202, data=file, headers=keyed)
    await ask("POST", imports, 202, data=file, headers=keyed)
    await ask("POST", imports, 422, data=b"slug,sku\n", headers=keyed)
    await ask("POST", imports, 400, data=b"", headers=csv)
    await ask("POST", imports, 415, json={}, headers=admin)
    await ask("POST", imports, 401, data=b"")
    await ask("GET", imports, 200, headers=admin)
    await ask("GET", imports, 400, imports + "?limit=0", headers=admin)
    await run(uuid.UUID(job["id"]), store)
    at = f"{imports}/{job['id']}"
    told = await ask("GET", one, 200, at, headers=admin)
    assert (told["products"], told["rows_failed"]) == (1, 2)
    await ask("GET", one, 404, f"{imports}/{STRANGE}", headers=admin)
    await ask("GET", one + "/errors.csv", 200, at + "/errors.csv", headers=admin)
    await ask("GET", one + "/errors.csv", 404, f"{imports}/x/errors.csv", headers=admin)
    await ask("DELETE", one, 409, at, headers=admin)
    again = await ask("POST", imports, 202, data=file, headers=csv)
    await ask("DELETE", one, 200, f"{imports}/{again['id']}", headers=admin)

    exports, one = "/v1/admin/exports", "/v1/admin/exports/{id}"
    job = await ask("POST", exports, 202, json={"status": "published"}, headers=admin)
    await ask("POST", exports, 400, json={"format": "shopify"}, headers=admin)
    await ask("POST", exports, 415, data=b"x", headers=csv)
    await ask("GET", exports, 200, headers=admin)
    at = f"{exports}/{job['id']}"
    await ask("GET", one, 200, at, headers=admin)
    await ask("GET", one + "/file.csv", 409, at + "/file.csv", headers=admin)
    await run(uuid.UUID(job["id"]), store)
    await ask("GET", one + "/file.csv", 200, at + "/file.csv", headers=admin)
    await ask("DELETE", one, 409, at, headers=admin)
    again = await ask("POST", exports, 202, json={}, headers=admin)
    await ask("DELETE", one, 200, f"{exports}/{again['id']}", headers=admin)
