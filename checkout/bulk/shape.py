"""What the answers of imports and exports look like, for the API's document."""

from datetime import datetime

from msgspec import Struct

from checkout.bulk.model import Format, Status
from checkout.catalog.model import Written

CSV_BODY = {"type": "string", "description": "The file, UTF-8."}
FORM_BODY = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}},
}


class ImportAnswer(Struct):
    """An import."""

    id: str
    status: Status
    format: Format
    dry_run: bool
    currency: str | None
    rows_total: int
    rows_done: int
    rows_failed: int
    bytes_total: int
    bytes_done: int
    problems: int
    products: int
    products_failed: int
    variants: int
    stock_counted: int
    written: Written
    error: str | None
    errors_url: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Imports(Struct):
    """A page of imports."""

    items: list[ImportAnswer]
    next_cursor: str | None


class ExportFilters(Struct):
    """What an export was asked for."""

    status: str | None
    category: str | None
    owner: str | None
    currency: str | None


class ExportAnswer(Struct):
    """An export."""

    id: str
    status: Status
    format: Format
    filters: ExportFilters
    rows_total: int
    rows_done: int
    bytes_total: int
    error: str | None
    file_url: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Exports(Struct):
    """A page of exports."""

    items: list[ExportAnswer]
    next_cursor: str | None
