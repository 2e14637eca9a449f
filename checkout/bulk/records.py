"""Read a CSV file piece by piece from any record on: what was not read yet is never in memory.

Line ends are LF or CRLF. A record that is no CSV, or no UTF-8, is told and passed over; its neighbours are read.

Source: RFC 4180.
"""

import csv
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import zip_longest

from msgspec import Struct

from checkout.bulk.model import Group, Row, RowProblem
from checkout.errors import Invalid
from config import limits

Piece = Callable[[int], Awaitable[bytes]]
"""The piece of this number; empty behind the last."""
_BOM = b"\xef\xbb\xbf"


class Broken(Exception):
    """This record cannot be read. The reader stands behind its first line."""


class Records(Iterator[str]):
    """The records of one file.

    Shape: `offset` and `row` say where the next record begins and its number, the header being 1; a reader made with them
    goes on there. Memory: two records of the largest size, whatever the file's.
    """

    def __init__(self, piece: Piece, *, offset: int = 0, row: int = 1) -> None:
        self._piece = piece
        self._seq = offset // limits.BULK_PIECE_BYTES
        self._base = self._seq * limits.BULK_PIECE_BYTES
        self._at = offset - self._base
        self._buffer = b""
        self._is_whole = False
        self._first_line_end = -1
        self.row = row

    @property
    def offset(self) -> int:
        """Where the next record begins. Units: bytes from the file's start."""
        return self._base + self._at

    async def next(self) -> list[str] | None:
        """The fields of the next record, none for a blank line; None behind the last. Raises: Broken."""
        await self._fill()
        if self._at >= len(self._buffer):
            return None
        self._first_line_end = -1
        self.row += 1
        try:
            return next(csv.reader(self, strict=True))
        except (csv.Error, StopIteration) as error:
            self._at = self._first_line_end  # an unclosed quote must not swallow what follows
            raise Broken(str(error)) from None

    def back(self, offset: int, row: int) -> None:
        """Goes back to a record that began within what is still held."""
        self._at, self.row = offset - self._base, row

    def __next__(self) -> str:
        """The next line, for the csv module, which asks for as many as the record has."""
        at = self._at
        end = self._buffer.find(b"\n", at) + 1
        if not end:
            end = len(self._buffer)
            if not self._is_whole:
                self._first_line_end = end if self._first_line_end < 0 else self._first_line_end
                raise csv.Error(f"the record is longer than {limits.BULK_RECORD_MAX_BYTES} bytes")
        if end <= at:
            raise StopIteration
        self._at = end
        if self._first_line_end < 0:
            self._first_line_end = end
        return self._buffer[at:end].decode("utf-8", "surrogateescape")

    async def _fill(self) -> None:
        """Holds the largest record, or all that is left; lets go what was read."""
        if self._is_whole or len(self._buffer) - self._at >= limits.BULK_RECORD_MAX_BYTES:
            return
        read = min(self._at, len(self._buffer))
        pieces, held = [self._buffer[read:]], len(self._buffer) - read
        self._base, self._at = self._base + read, self._at - read
        while held < 2 * limits.BULK_RECORD_MAX_BYTES and not self._is_whole:
            piece = await self._piece(self._seq)
            self._seq += 1
            self._is_whole = not piece
            pieces.append(piece)
            held += len(piece)
        self._buffer = b"".join(pieces)
        if self.offset == 0 and self._buffer.startswith(_BOM):
            self._at = len(_BOM)


async def header(records: Records) -> list[str]:
    """The names of the columns. Raises: Invalid when the file's first record is not a header."""
    records.row = 0
    try:
        names = await records.next()
    except Broken as error:
        raise Invalid(f"The file's first row is not CSV: {error}.", field="file") from None
    if not names or not any(names):
        raise Invalid("The file's first row must name its columns.", field="file")
    return [name.strip() for name in names]


SPOILED = "\0spoiled"
"""A name that no column has. A row that carries it says what is wrong with it as a whole; its product is left out."""


class Chunk(Struct):
    """Whole products of a file. Shape: `offset` and `row` say where the next chunk begins; `rows` counts its data rows."""

    groups: list[Group]
    problems: list[RowProblem]
    rows: int
    rows_failed: int
    offset: int
    row: int
    is_last: bool


async def chunk(
    records: Records, names: Sequence[str], key: str, *, blank_continues: bool = True, most: int = 0
) -> Chunk:
    """The next products, with at least `most` rows (0: BULK_CHUNK_ROWS) together unless the file ends.

    Shape: rows that follow each other under one key are one product; with `blank_continues`, also those under none.
    Memory: bounded, since of a product with too many rows only the first are kept.
    """
    most = most or limits.BULK_CHUNK_ROWS
    groups: list[list[tuple[int, Row]]] = []
    found = Chunk([], [], 0, 0, records.offset, records.row, is_last=False)
    current, size, hole, at_key = "", 0, False, names.index(key)
    while True:
        found.offset, found.row = records.offset, records.row
        if found.rows >= most and (not groups or (hole and found.rows % most == 0)):
            break  # nothing but rows that cannot be read: the chunk must end somewhere
        try:
            fields = await records.next()
        except Broken as error:
            found.rows, found.rows_failed, hole = found.rows + 1, found.rows_failed + 1, True
            found.problems.append(
                RowProblem(records.row, "", f"this row is not CSV and was passed over: {error}")
            )
            continue
        if fields is None:
            found.is_last = True
            break
        named = fields[at_key].strip() if len(fields) > at_key else ""
        is_next = not groups or (named != current and (named or not blank_continues) and any(fields))
        if is_next and found.rows >= most:
            records.back(found.offset, found.row)
            break
        found.rows += 1
        if not any(fields):
            continue
        if is_next:
            groups.append([])
            current, size, hole = named, 0, False
        size += 1
        if size > limits.BULK_PRODUCT_ROWS_MAX:
            found.rows_failed += 1
            groups[-1][0][1][SPOILED] = f"has more than {limits.BULK_PRODUCT_ROWS_MAX} rows"
            continue
        row = dict(zip_longest(names, fields[: len(names)], fillvalue=""))
        if any(fields[len(names) :]):
            row[SPOILED] = (
                f"has {len(fields)} fields, and the header {len(names)}: texts with commas need quotes"
            )
        elif hole:
            row[SPOILED] = "the row before it could not be read, and may belong to the same product"
        groups[-1].append((records.row, row))
        hole = False
    found.groups = list(groups)
    return found
