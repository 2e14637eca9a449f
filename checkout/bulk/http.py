"""`/v1/admin/imports`."""

from typing import Any

from aiohttp import web

from checkout.access.access import Permit
from checkout.bulk import cells, receive
from checkout.bulk.jobs import Jobs
from checkout.bulk.model import Filters, Format, document
from checkout.bulk.send import problem_rows, send
from checkout.bulk.shape import CSV_BODY, FORM_BODY, ImportAnswer, Imports
from checkout.bulk.store import BulkStore
from checkout.errors import Invalid
from checkout.kit import page as pages
from checkout.kit.answer import answer
from checkout.kit.ids import claim_id, uuid7
from checkout.kit.routes import Route
from checkout.orders.http import idempotency_key
from config import limits


def routes(store: BulkStore, *, permit: Permit) -> list[Route]:
    """The routes of imports."""
    jobs = Jobs(store, "import", permit)
    write, read = "imports:write", "imports:read"

    async def start_import(request: web.Request) -> web.Response:
        grant = await permit(request, "imports:write")
        format, currency, dry_run = _asked(request)
        key = idempotency_key(request) if "Idempotency-Key" in request.headers else None
        job_id = uuid7()
        await store.make(
            job_id,
            kind="import",
            format=format,
            actor=grant.actor,
            owner=grant.owner,
            asked=Filters(currency=currency),
            dry_run=dry_run,
        )
        try:
            got = await receive.receive(
                receive.parts_of(request),
                store,
                job_id,
                format=format,
                currency=currency,
                asked=f"{format}\0{currency}\0{dry_run}\0".encode(),
            )
            kept = await store.received(
                job_id,
                size=got.size,
                rows=got.rows,
                fingerprint=got.fingerprint,
                key=claim_id(f"import:{grant.actor}", key) if key else None,
                actor=grant.actor,
            )
        except (
            BaseException
        ):  # raised again: a file that did not come is no job; the sweeper forgets what this cannot
            await store.drop(job_id)
            raise
        response = answer(document(await store.known(kept)), status=202)
        response.headers["Location"] = f"/v1/admin/imports/{kept}"
        if kept != job_id:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    async def errors(request: web.Request) -> web.StreamResponse:
        job = await jobs.found(request, read)
        return await send(request, f"import-{job.id}-errors.csv", problem_rows(store, job))

    common: dict[str, Any] = {"policy": "admin", "tag": "admin"}
    csv_file: dict[str, Any] = {"content_type": "text/csv", "transfer_s": limits.BULK_TRANSFER_S}
    return [
        Route("POST", "/v1/admin/imports", start_import, "Import products from a CSV file", response=ImportAnswer,
              status=202, permission=write, transfer_s=limits.BULK_TRANSFER_S,
              accepts={"text/csv": CSV_BODY, "multipart/form-data": FORM_BODY},
              query={"format": "own (default) or shopify", "currency": "of a Shopify file's prices; EUR by default",
                     "dry_run": "true: say what would be wrong, and change nothing"},
              problems=("idempotency_key_invalid", "idempotency_mismatch"), **common),
        Route("GET", "/v1/admin/imports", jobs.listing(read), "Imports, newest first", response=Imports, permission=read,
              query=pages.QUERY, problems=("invalid",), **common),
        Route("GET", "/v1/admin/imports/{id}", jobs.reading(read), "An import and how far it is", response=ImportAnswer,
              permission=read, **common),
        Route("DELETE", "/v1/admin/imports/{id}", jobs.cancelling(write), "Stop an import; what it wrote stays",
              response=ImportAnswer, permission=write, problems=("job_over",), **common),
        Route("GET", "/v1/admin/imports/{id}/errors.csv", errors, "What was wrong with rows", permission=read,
              **csv_file, **common),
    ]  # fmt: skip


def _asked(request: web.Request) -> tuple[Format, str, bool]:
    format = request.query.get("format", "own")
    currency = request.query.get("currency", "EUR" if format == "shopify" else "")
    dry_run = request.query.get("dry_run", "false")
    if format not in ("own", "shopify"):
        raise Invalid("format: own or shopify", field="format")
    if currency and cells.digits(currency) is None:
        raise Invalid("currency: a currency by its code, such as EUR", field="currency")
    if dry_run not in ("true", "false"):
        raise Invalid("dry_run: true or false", field="dry_run")
    return ("shopify" if format == "shopify" else "own"), currency, dry_run == "true"
