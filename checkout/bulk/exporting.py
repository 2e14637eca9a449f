"""Export products: page by page, each one commit that writes rows and moves the job behind their slugs.

A page is of one moment, the file as a whole is not: a product that changes meanwhile is in it once, as it was when its
page was read.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from checkout.bulk import sheet, shopify_sheet
from checkout.bulk.importing import Moved, shelves
from checkout.bulk.model import Job
from checkout.bulk.records import Records, header
from checkout.bulk.store import BulkStore
from config import limits


class Export:
    """One export at work in this process. Memory: one page of products. Cost: 4 statements and 0.1 ms a row."""

    def __init__(self, store: BulkStore, job: Job) -> None:
        self._store = store
        self.job = job
        self._names: list[str] = []
        self._paths: Mapping[Any, str] = {}
        self._tree: Mapping[Any, str] = {}
        self._begun = False

    async def open(self) -> None:
        """Decides the columns, or finds those that were decided before."""
        job, store = self.job, self._store
        rows = await store.categories()
        self._paths = shelves(rows).texts
        self._tree = {row["id"]: row["name"] for row in rows}
        self._begun = job.bytes_done > 0
        if self._begun:

            async def piece(seq: int) -> bytes:
                return await store.piece(job.id, seq)

            self._names = await header(Records(piece))
        elif job.format == "shopify":
            self._names = list(shopify_sheet.COLUMNS)
        else:
            self._names = sheet.columns(await store.currencies(), await store.attribute_names())

    async def step(self, row_id: int | None) -> bool:
        """Writes the next page; whether the job is over. Raises: Moved, Unavailable."""
        job = self.job
        async with self._store.chunk(job) as held:
            if held is None:
                raise Moved
            found = await held.products_page(job.after_key, job.asked, job.owner_id)
            is_last = len(found) < limits.BULK_EXPORT_PRODUCTS
            rows = [row for record in found for row in self._rows(record)]
            content = text([self._names, *rows] if not self._begun else rows)
            for at in range(0, len(content), limits.BULK_PIECE_BYTES):
                await held.add_piece(content[at : at + limits.BULK_PIECE_BYTES])
            moved = replace(
                job,
                rows_done=job.rows_done + len(rows),
                bytes_done=job.bytes_done + len(content),
                bytes_total=job.bytes_done + len(content),
                after_key=found[-1]["slug"] if found else job.after_key,
            )
            await held.advance(moved)
            if is_last:
                await held.end(moved, row_id)
        self.job, self._begun = moved, True
        return is_last

    def _rows(self, record: Any) -> Iterable[list[str]]:
        if self.job.format == "shopify":
            return shopify_sheet.rows(record, self._tree, self.job.asked.currency)
        return sheet.rows(sheet.stored(record, self._paths), self._names)


def text(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as CSV."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
