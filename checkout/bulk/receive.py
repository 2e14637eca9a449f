"""Take in a file piece by piece: it goes to Postgres as it comes, and no process ever holds it."""

import uuid
from collections.abc import AsyncIterator
from hashlib import blake2b

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import Struct

from checkout.bulk import sheet, shopify
from checkout.bulk.model import Format
from checkout.bulk.records import Records, header
from checkout.bulk.store import BulkStore
from checkout.errors import Invalid, TooLarge
from checkout.kit.body import UnsupportedMedia
from checkout.kit.db import FastUUID
from config import limits

_READ_BYTES = 64 * 1024
_BROKEN = (ValueError, AssertionError, RuntimeError, LookupError, HttpProcessingError)
"""What aiohttp's reader of multipart bodies raises over broken ones."""


class Received(Struct):
    """A file that is there. Shape: `rows` counts its data rows, as far as its quotes can be trusted. Units: bytes."""

    size: int
    rows: int
    fingerprint: uuid.UUID


async def receive(
    parts: AsyncIterator[bytes],
    store: BulkStore,
    job_id: uuid.UUID,
    *,
    format: Format,
    currency: str,
    asked: bytes = b"",
) -> Received:
    """Keeps the file of a job. `asked` goes into the fingerprint beside the file's bytes.

    Raises: Invalid for an empty file, and for one whose header is not of the format; TooLarge. Memory: one piece.
    """
    held, seq, size, lines, in_quotes = bytearray(), 0, 0, 0, False
    last = b""
    digest = blake2b(asked, digest_size=16)
    async for part in parts:
        size += len(part)
        if size > limits.IMPORT_BODY_MAX_BYTES:
            raise too_large()
        digest.update(part)
        pieces = part.split(b'"')
        lines += sum(piece.count(b"\n") for piece in pieces[int(in_quotes) :: 2])
        in_quotes ^= len(pieces) % 2 == 0
        last = part or last
        held += part
        while len(held) >= limits.BULK_PIECE_BYTES:
            await _keep(store, job_id, seq, bytes(held[: limits.BULK_PIECE_BYTES]), format, currency)
            del held[: limits.BULK_PIECE_BYTES]
            seq += 1
    if held:
        await _keep(store, job_id, seq, bytes(held), format, currency)
    if not size:
        raise Invalid("The file is empty.", field="file")
    rows = lines - 1 + (not last.endswith(b"\n"))
    return Received(size, max(0, rows), FastUUID(digest.digest()))


def too_large() -> TooLarge:
    """The refusal of a file beyond the limit."""
    return TooLarge(f"Send at most {limits.IMPORT_BODY_MAX_BYTES} bytes, or split the file.")


async def _keep(
    store: BulkStore, job_id: uuid.UUID, seq: int, content: bytes, format: Format, currency: str
) -> None:
    if seq == 0:
        await _check_header(content, format, currency)
    await store.add_piece(job_id, seq, content)


async def _check_header(first: bytes, format: Format, currency: str) -> None:
    async def piece(seq: int) -> bytes:
        return first if seq == 0 else b""

    names = await header(Records(piece))
    if format == "shopify":
        shopify.check(names, currency)
    else:
        sheet.check(names)


async def parts_of(request: web.Request) -> AsyncIterator[bytes]:
    """The file that a request carries: its body as text/csv, or the part `file` of a form.

    Raises: UnsupportedMedia, TooLarge, Invalid for a form without a file.
    """
    if (request.content_length or 0) > limits.IMPORT_BODY_MAX_BYTES + _READ_BYTES:
        raise too_large()
    if request.content_type == "text/csv":
        async for part in request.content.iter_any():
            yield part
    elif request.content_type == "multipart/form-data":
        async for part in _of_form(request):
            yield part
    else:
        raise UnsupportedMedia("Send the file as text/csv, or as the part `file` of multipart/form-data.")


async def _of_form(request: web.Request) -> AsyncIterator[bytes]:
    try:
        form, has_file = await request.multipart(), False
        while (found := await form.next()) is not None:  # to the form's end: one that breaks off is no form
            if isinstance(found, BodyPartReader) and found.name == "file" and not has_file:
                has_file = True
                while part := await found.read_chunk(_READ_BYTES):
                    yield part
    except _BROKEN as error:
        raise Invalid(f"The form cannot be read: {error}", field="file") from None
    if not has_file:
        raise Invalid("The form has no part `file`.", field="file")
