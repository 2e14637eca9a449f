"""The records of imports and exports.

**Guarantees** (held by tests/api/bulk, tests/unit/bulk):
- A row of a file is worked once: the commit that writes a chunk also moves the job past it. Whatever dies, the job goes on
  from its last commit, without a row lost or done twice.
- All rows of one product are written, or none of them; what is wrong with a product keeps no other out.
- A file that was exported and is imported over the same catalogue changes nothing; into an empty shop it makes the same
  catalogue again.
- Nobody writes or reads products of another owner by a file.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, field

from checkout.catalog.model import ProductDraft, Written

Kind = Literal["import", "export"]
Format = Literal["own", "shopify"]
Status = Literal["receiving", "queued", "running", "done", "failed", "cancelled"]
Severity = Literal["error", "warning"]
OPEN: frozenset[Status] = frozenset({"receiving", "queued", "running"})

Row = dict[str, str]
Group = Sequence[tuple[int, Row]]
"""The rows of one product, each with its number: rows count from 1, the header being 1."""
Path = tuple[tuple[str, str], ...]
"""A category from the root down, each step as (slug, name); the name is empty where the file has none."""


class RowProblem(Struct, frozen=True):
    """Something about one row. Shape: an `error` leaves the product out, a `warning` leaves out what it names."""

    row: int
    column: str
    message: str
    severity: Severity = "error"
    value: str = ""


class Parsed(Struct):
    """One product of a file, or None when nothing can be made of its rows.

    Shape: `paths` are its categories; `stock` counts units by SKU where the file says them and they are to be set also on a
    SKU that exists.
    """

    product: ProductDraft | None
    first_row: int
    rows: int
    paths: tuple[Path, ...] = ()
    stock: dict[str, int] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)

    @property
    def has_error(self) -> bool:
        """Whether the product is to be left out."""
        return self.product is None or any(problem.severity == "error" for problem in self.problems)


class Stored(Struct):
    """A product as the shop has it, in the words of the own format. Shape: `variants` by SKU, in order."""

    product: dict[str, str]
    variants: dict[str, dict[str, str]]


class Known(Struct):
    """A SKU that exists, and what its stock row says; locked. Shape: `has_policy`: its back-order limit follows from one."""

    item_id: int
    slug: str
    position: int
    on_hand: int
    reserved: int
    backorder_limit: int
    has_policy: bool


class Totals(Struct):
    """What an import has done so far."""

    products: int = 0
    products_failed: int = 0
    variants: int = 0
    counted: int = 0
    written: Written = field(default_factory=Written)


class Filters(Struct, frozen=True):
    """Which products an export names, and the currency that a Shopify file is in."""

    status: str | None = None
    category: str | None = None
    owner: uuid.UUID | None = None
    currency: str = ""


class Job(Struct):
    """An import or an export.

    Shape: an import goes on at `bytes_done`, an export behind the slug `after_key`. Units: bytes, rows.
    """

    id: uuid.UUID
    kind: Kind
    format: Format
    status: Status
    actor: str
    owner_id: uuid.UUID | None
    asked: Filters
    dry_run: bool
    fingerprint: uuid.UUID | None
    bytes_total: int
    bytes_done: int
    rows_total: int
    rows_done: int
    rows_failed: int
    problems: int
    after_key: str
    result: Totals
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    files_dropped_at: datetime | None


def document(job: Job) -> dict[str, Any]:
    """The job as its caller sees it."""
    found: dict[str, Any] = {
        "id": str(job.id),
        "status": job.status,
        "format": job.format,
        "rows_total": job.rows_total,
        "rows_done": job.rows_done,
        "bytes_total": job.bytes_total,
        "error": job.error,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }
    place = f"/v1/admin/{job.kind}s/{job.id}"
    if job.kind == "import":
        written = job.result.written
        found |= {
            "dry_run": job.dry_run,
            "currency": job.asked.currency or None,
            "bytes_done": job.bytes_done,
            "rows_failed": job.rows_failed,
            "problems": job.problems,
            "products": job.result.products,
            "products_failed": job.result.products_failed,
            "variants": job.result.variants,
            "stock_counted": job.result.counted,
            "written": {name: getattr(written, name) for name in written.__struct_fields__},
            "errors_url": f"{place}/errors.csv" if job.problems and not job.files_dropped_at else None,
        }
    else:
        asked = job.asked
        found["filters"] = {
            "status": asked.status,
            "category": asked.category,
            "owner": str(asked.owner) if asked.owner else None,
            "currency": asked.currency or None,
        }
        is_ready = job.status == "done" and not job.files_dropped_at
        found["file_url"] = f"{place}/file.csv" if is_ready else None
    return found
