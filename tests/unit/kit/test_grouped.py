"""Commits that share a statement."""

import asyncio
from collections.abc import Sequence

import pytest

from checkout.errors import Unavailable
from checkout.kit.grouped import Grouped


class Table:
    """What Postgres is to `Grouped`: takes a statement's pieces all or nothing, refuses some, is away for a while."""

    def __init__(self) -> None:
        self.statements: list[list[tuple[str, int]]] = []
        self.kept: list[tuple[str, int]] = []
        self.refuses: dict[str, Exception] = {}
        self.away: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def write(self, pieces: Sequence[tuple[str, int]]) -> list[str]:
        self.statements.append(list(pieces))
        await self.open.wait()
        if self.away is not None:
            raise self.away
        for subject, _ in pieces:
            if subject in self.refuses:
                raise self.refuses[subject]
        self.kept += pieces
        return [f"{subject}{n}" for subject, n in pieces]


def grouped(table: Table, *, most: int = 10) -> Grouped[tuple[str, int], str]:
    return Grouped(table.write, most=most, subject=lambda piece: piece[0])


async def test_those_who_come_meanwhile_share_the_next_statement() -> None:
    """If this fails, every order pays a commit of its own, or is told what became of another one."""
    table = Table()
    commits = grouped(table, most=3)
    table.open.clear()
    first = commits.commit(("a", 1))
    await asyncio.sleep(0)
    others = [commits.commit((subject, 1)) for subject in "bcde"]
    table.open.set()
    assert await asyncio.gather(first, *others) == ["a1", "b1", "c1", "d1", "e1"]
    assert [len(statement) for statement in table.statements] == [1, 3, 1]


async def test_two_changes_of_one_subject_never_share_a_statement() -> None:
    """If this fails, a webhook and a capture of one order are written by one update, which does one of them."""
    table = Table()
    commits = grouped(table)
    results = await asyncio.gather(
        *(commits.commit(piece) for piece in [("a", 1), ("a", 2), ("b", 1), ("a", 3)])
    )
    assert results == ["a1", "a2", "b1", "a3"]
    assert table.statements == [[("a", 1), ("b", 1)], [("a", 2)], [("a", 3)]]


async def test_a_refused_piece_fails_alone() -> None:
    """If this fails, one poisoned order takes those along that were committed with it."""
    table = Table()
    table.refuses["bad"] = ValueError("a NUL")
    commits = grouped(table)
    results = await asyncio.gather(
        *(commits.commit((subject, 1)) for subject in ("a", "bad", "b")), return_exceptions=True
    )
    assert results == ["a1", table.refuses["bad"], "b1"]
    assert table.kept == [("a", 1), ("b", 1)]
    assert await commits.commit(("c", 1)) == "c1"


async def test_a_refused_piece_costs_its_neighbours_few_statements() -> None:
    """If this fails, a poisoned order makes a hundred others wait for a hundred commits."""
    table = Table()
    table.refuses["57"] = ValueError("a NUL")
    commits = grouped(table, most=100)
    results = await asyncio.gather(*(commits.commit((str(n), 1)) for n in range(100)), return_exceptions=True)
    assert [n for n, result in enumerate(results) if isinstance(result, Exception)] == [57]
    assert len(table.kept) == 99
    assert len(table.statements) <= 15


async def test_a_piece_that_the_driver_cannot_write_fails_alone() -> None:
    """If this fails, a number that is too large for its column looks as if Postgres were away, for all of its batch."""
    table = Table()
    table.refuses["bad"] = Unavailable("The database did not answer.", code="database_away")
    table.refuses["bad"].__cause__ = ValueError("value out of int32 range")
    commits = grouped(table)
    results = await asyncio.gather(
        *(commits.commit((subject, 1)) for subject in ("a", "bad", "b")), return_exceptions=True
    )
    assert results == ["a1", table.refuses["bad"], "b1"]


async def test_while_postgres_is_away_nobody_is_tried_alone() -> None:
    """If this fails, a batch waits for the pool once an order while Postgres is away."""
    table = Table()
    table.away = Unavailable("The database is not reachable.", code="database_away")
    table.away.__cause__ = ConnectionRefusedError()
    commits = grouped(table)
    told = await asyncio.gather(*(commits.commit((s, 1)) for s in "abc"), return_exceptions=True)
    assert told == [table.away] * 3
    assert len(table.statements) == 1
    table.away = None
    assert await commits.commit(("a", 2)) == "a2"


async def test_who_stops_waiting_stops_nobody_else() -> None:
    """If this fails, an actor that ran out of time leaves the orders committed with its own without an answer."""
    table = Table()
    commits = grouped(table)
    table.open.clear()
    leaver, stayer = commits.commit(("a", 1)), commits.commit(("b", 1))
    await asyncio.sleep(0)
    leaver.cancel()
    table.open.set()
    assert await stayer == "b1"
    with pytest.raises(asyncio.CancelledError):
        await leaver
    assert table.kept == [("a", 1), ("b", 1)]
