"""Identifiers that are ordered by time."""

import time

import pytest

from checkout.kit.ids import _Uuid7


def test_ids_of_one_process_ascend() -> None:
    """If this fails, two orders of one millisecond are listed the wrong way round, and a page's cursor may skip one."""
    made = _Uuid7()
    ids = [made() for _ in range(20_000)]
    assert ids == sorted(set(ids))
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}


@pytest.mark.parametrize(
    ("back_ms", "ascends"), [(1, True), (999, True), (1_000, False), (86_400_000, False)]
)
def test_a_clock_that_is_set_back_a_little_changes_no_order(
    monkeypatch: pytest.MonkeyPatch, back_ms: int, ascends: bool
) -> None:
    """If this fails, an adjusted clock reorders orders, or one that was set back a day dates them a day ahead."""
    now_ms = 1_800_000_000_000
    clock = [now_ms, now_ms - back_ms, now_ms - back_ms]
    monkeypatch.setattr(time, "time_ns", lambda: clock.pop(0) * 1_000_000)
    made = _Uuid7()
    before, after, last = made(), made(), made()
    assert (before < after) is ascends
    assert after < last
    assert after.int >> 80 == (now_ms if ascends else now_ms - back_ms)


def test_a_full_millisecond_runs_into_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, the random part overflows into the version."""
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_000_000_000)
    made = _Uuid7()
    first = made()
    made._tail = (1 << 74) - 1
    second = made()
    assert second.int >> 80 == (first.int >> 80) + 1
    assert second.version == 7
