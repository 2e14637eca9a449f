"""Send a file piece by piece: what is sent was never in memory as a whole."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence

from aiohttp import web

from checkout.bulk import cells
from checkout.bulk.model import Job
from checkout.bulk.store import BulkStore
from checkout.edge.middleware import stream_headers

_PROBLEM_COLUMNS = ("row", "column", "severity", "message", "value")


async def pieces(store: BulkStore, job: Job) -> AsyncIterator[bytes]:
    """The file of an export."""
    seq = 0
    while piece := await store.piece(job.id, seq):
        yield piece
        seq += 1


async def problem_rows(store: BulkStore, job: Job) -> AsyncIterator[bytes]:
    """errors.csv: what was wrong with an import's rows."""
    yield as_csv([_PROBLEM_COLUMNS])
    async for rows in store.problems(job.id):
        yield as_csv(
            problem_cells(row["row"], row["field"], row["severity"], row["message"], row["value"])
            for row in rows
        )


def problem_cells(*problem: object) -> Sequence[str]:
    """A problem as a row of errors.csv: no cell of it is run as a formula."""
    return [cells.cell(str(part)) for part in problem]


def as_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as CSV."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


async def send(
    request: web.Request, name: str, parts: AsyncIterator[bytes], size: int | None = None
) -> web.StreamResponse:
    """Sends a file piece by piece. A file whose rest cannot be had ends early, and its connection with it."""
    response = web.StreamResponse(headers=stream_headers(request))
    response.content_type, response.charset = "text/csv", "utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.content_length = size
    first = await anext(parts, b"")  # what fails before the answer begins is a problem document
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        await response.write(first)
        async for part in parts:
            await response.write(part)
        await response.write_eof()
    except BaseException:  # raised again where it is a cancellation: the answer cannot become another one
        if request.transport is not None:
            request.transport.abort()
        raise
    return response
