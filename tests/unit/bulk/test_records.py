"""Reading a file piece by piece: the same rows however it is cut, and bad rows cost only themselves."""

import asyncio
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.bulk import records as reading
from checkout.bulk.records import SPOILED, Chunk, Records, chunk, header
from checkout.errors import Invalid
from config import limits

FIELDS = st.text(st.sampled_from('ab ,"\n\r;é'), max_size=8)


def pieces(content: bytes, size: int) -> reading.Piece:
    async def piece(seq: int) -> bytes:
        return content[seq * size : (seq + 1) * size]

    return piece


def chunks(content: bytes, key: str = "slug") -> list[Chunk]:
    """All chunks of a file; each is also read by a reader of its own, from where the job would stand."""

    async def work() -> list[Chunk]:
        piece = pieces(content, limits.BULK_PIECE_BYTES)
        records = Records(piece)
        names = await header(records)
        found = [await chunk(records, names, key)]
        while not found[-1].is_last:
            resumed = Records(piece, offset=found[-1].offset, row=found[-1].row)
            found.append(await chunk(records, names, key))
            assert await chunk(resumed, names, key) == found[-1]
        return found

    return asyncio.run(work())


@given(st.lists(st.lists(FIELDS, min_size=2, max_size=2), max_size=6))
def test_records_are_those_of_the_csv_module(rows: list[list[str]]) -> None:
    """If this fails, a line break within a text moves all that follows, or an import goes on at the wrong byte."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["x", "y"], *rows])
    content = out.getvalue().encode()

    async def work() -> None:
        piece = pieces(content, limits.BULK_PIECE_BYTES)
        records, found, places = Records(piece), [], []
        while (record := await records.next()) is not None:
            found.append(record)
            places.append(records.offset)
        assert found == list(csv.reader(io.StringIO(content.decode(), newline="")))
        for at, offset in enumerate(places):
            later = Records(piece, offset=offset)
            expected = found[at + 1] if at + 1 < len(found) else None
            assert await later.next() == expected

    asyncio.run(work())


def test_chunks_end_at_products_wherever_the_file_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, a product is torn over two commits, or a row is lost between them."""
    monkeypatch.setattr(limits, "BULK_PIECE_BYTES", 64)
    monkeypatch.setattr(limits, "BULK_RECORD_MAX_BYTES", 200)
    monkeypatch.setattr(limits, "BULK_CHUNK_ROWS", 10)
    lines = [f'p{n},"s,{n}-{v} é\n"' for n in range(40) for v in range(n % 4 + 1)]
    found = chunks("\ufeffslug,sku\r\n".encode() + "\r\n".join(lines).encode())
    groups = [group for at in found for group in at.groups]
    assert [len(group) for group in groups] == [n % 4 + 1 for n in range(40)]
    assert [number for group in groups for number, _ in group] == list(range(2, len(lines) + 2))
    assert sum(at.rows for at in found) == len(lines)
    assert all(at.rows >= 10 for at in found[:-1])


@pytest.mark.parametrize("bad", ['b,"never closed', 'b,"closed"too late'])
def test_a_row_that_is_no_csv_costs_itself(bad: str) -> None:
    """If this fails, one quote too many swallows all rows that follow it."""
    (found,) = chunks(f"slug,sku\na,1\n{bad}\nc,3\n".encode())
    assert [group[0][1]["slug"] for group in found.groups] == ["a", "c"]
    assert [(problem.row, problem.severity) for problem in found.problems] == [(3, "error")]
    assert (found.rows, found.rows_failed) == (3, 1)


def test_a_hole_within_a_product_spoils_it() -> None:
    """If this fails, a product is written without the variant that could not be read."""
    (found,) = chunks(b'slug,sku\na,1\na,"2"x\na,3\nb,4\n')
    first, second = found.groups
    assert SPOILED in first[-1][1]
    assert SPOILED not in second[0][1]


def test_a_row_with_too_many_fields_is_not_guessed_at() -> None:
    """If this fails, an unquoted comma puts a description into the price."""
    (found,) = chunks(b"slug,sku\na,1,2\nb\n")
    assert "2" in found.groups[0][0][1][SPOILED]
    assert found.groups[1][0][1] == {"slug": "b", "sku": ""}


def test_a_product_of_too_many_rows_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, a file of one endless product fills a worker's memory."""
    monkeypatch.setattr(limits, "BULK_PRODUCT_ROWS_MAX", 5)
    (found,) = chunks(b"slug,sku\n" + b"a,1\n" * 50 + b"b,1\n")
    assert [len(group) for group in found.groups] == [5, 1]
    assert SPOILED in found.groups[0][0][1]
    assert (found.rows, found.rows_failed) == (51, 45)


def test_a_file_without_any_csv_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, a picture that was sent as a CSV keeps a worker busy for ever, or fills its memory."""
    monkeypatch.setattr(limits, "BULK_CHUNK_ROWS", 10)
    found = chunks(b"slug,sku\n" + b'"x"y\n' * 95)
    assert sum(at.rows_failed for at in found) == sum(at.rows for at in found) == 95
    assert max(at.rows for at in found) == 10


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\xef\xbb\xbf", b'"open\n', b"x" * (limits.BULK_RECORD_MAX_BYTES + 9)]
)
def test_a_file_without_a_header_is_refused(content: bytes) -> None:
    """If this fails, an empty file is an import of nothing, or a file without lines is held as a whole."""
    with pytest.raises(Invalid):
        chunks(content)
