"""`/v1/admin/exports`."""

from typing import Annotated, Any

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.bulk import cells
from checkout.bulk.jobs import Jobs
from checkout.bulk.model import Filters, Format, document
from checkout.bulk.send import pieces, send
from checkout.bulk.shape import ExportAnswer, Exports
from checkout.bulk.store import BulkStore
from checkout.catalog.model import SLUG
from checkout.errors import Conflict, Invalid, NotFound
from checkout.kit import body
from checkout.kit import page as pages
from checkout.kit.answer import answer
from checkout.kit.form import form
from checkout.kit.ids import parse_uuid, uuid7
from checkout.kit.routes import Route
from config import limits


class ExportRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which products to export, and how. Shape: `currency` is needed for Shopify's format, which knows one."""

    format: Format = "own"
    status: Annotated[str, form("^(draft|published|archived)$", "draft, published or archived")] | None = None
    category: Annotated[str, form(SLUG.pattern, "a category by its slug", max_length=200)] | None = None
    owner: Annotated[str, form("^[0-9a-fA-F-]{36}$", "an account by its id")] | None = None
    currency: Annotated[str, form("^[A-Z]{3}$", "a currency by its code, such as EUR")] | None = None


_decoder = msgspec.json.Decoder(ExportRequest)


def routes(store: BulkStore, *, permit: Permit) -> list[Route]:
    """The routes of exports."""
    jobs = Jobs(store, "export", permit)
    read = "exports:read"

    async def start_export(request: web.Request) -> web.Response:
        grant = await permit(request, read)
        wanted = await body.read(request, _decoder)
        owner = parse_uuid(wanted.owner) if wanted.owner else None
        if wanted.owner and owner is None:
            raise Invalid("owner: give an account by its id", field="owner")
        if wanted.format == "shopify" and cells.digits(wanted.currency or "") is None:
            raise Invalid("currency: Shopify's format needs one, such as EUR", field="currency")
        job_id = uuid7()
        await store.make(
            job_id,
            kind="export",
            format=wanted.format,
            actor=grant.actor,
            owner=grant.owner,
            asked=Filters(wanted.status, wanted.category, owner, wanted.currency or ""),
            queue=True,
        )
        response = answer(document(await store.known(job_id)), status=202)
        response.headers["Location"] = f"/v1/admin/exports/{job_id}"
        return response

    async def file(request: web.Request) -> web.StreamResponse:
        job = await jobs.found(request, read)
        if job.status != "done":
            raise Conflict("The export is not done yet.", code="export_not_ready")
        if job.files_dropped_at is not None:
            raise NotFound("The file is not kept any more; export again.")
        return await send(request, f"products-{job.id}.csv", pieces(store, job), job.bytes_total)

    common: dict[str, Any] = {"policy": "admin", "tag": "admin", "permission": read}
    return [
        Route("POST", "/v1/admin/exports", start_export, "Export products as a CSV file", request=ExportRequest,
              response=ExportAnswer, status=202, **common),
        Route("GET", "/v1/admin/exports", jobs.listing(read), "Exports, newest first", response=Exports,
              query=pages.QUERY, problems=("invalid",), **common),
        Route("GET", "/v1/admin/exports/{id}", jobs.reading(read), "An export and how far it is", response=ExportAnswer,
              **common),
        Route("DELETE", "/v1/admin/exports/{id}", jobs.cancelling(read), "Stop an export", response=ExportAnswer,
              problems=("job_over",), **common),
        Route("GET", "/v1/admin/exports/{id}/file.csv", file, "The file of an export",
              problems=("export_not_ready",), content_type="text/csv", transfer_s=limits.BULK_TRANSFER_S, **common),
    ]  # fmt: skip
