"""Look-ups that share a query."""

import asyncio
from collections.abc import Sequence

import pytest

from checkout.kit.together import Together


async def test_those_who_come_meanwhile_share_the_next_query() -> None:
    """If this fails, a sold-out drop asks Postgres one query a refusal, or somebody gets another's row."""
    asked: list[list[int]] = []
    release = asyncio.Event()

    async def fetch(keys: Sequence[int]) -> dict[int, str]:
        asked.append(list(keys))
        await release.wait()
        return {key: f"row {key}" for key in keys if key % 2}

    rows: Together[int, str] = Together(fetch, most=3)
    first = rows.find(1)
    await asyncio.sleep(0)
    others = [rows.find(key) for key in (2, 3, 4, 3, 5, 3)]
    release.set()
    assert await asyncio.gather(first, *others) == ["row 1", None, "row 3", None, "row 3", "row 5", "row 3"]
    assert asked == [[1], [2, 3, 4], [3, 5]]


async def test_a_failure_is_told_to_all_who_shared_it_and_ends_nothing() -> None:
    """If this fails, one lost connection leaves buyers without an answer, then and ever after."""
    broken = True

    async def fetch(keys: Sequence[int]) -> dict[int, str]:
        if broken:
            raise OSError("away")
        return dict.fromkeys(keys, "found")

    rows: Together[int, str] = Together(fetch, most=10)
    told = await asyncio.gather(rows.find(1), rows.find(2), return_exceptions=True)
    assert [type(error) for error in told] == [OSError, OSError]
    broken = False
    assert await rows.find(1) == "found"


async def test_one_who_gives_up_takes_nobody_along() -> None:
    """If this fails, a buyer who closes the page costs the others their answer."""
    go = asyncio.Event()

    async def fetch(keys: Sequence[int]) -> dict[int, str]:
        await go.wait()
        return dict.fromkeys(keys, "found")

    rows: Together[int, str] = Together(fetch, most=10)
    leaver, stayer = rows.find(1), rows.find(2)
    leaver.cancel()
    go.set()
    assert await stayer == "found"
    with pytest.raises(asyncio.CancelledError):
        await leaver
