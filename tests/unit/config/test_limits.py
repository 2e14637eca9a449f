"""The bounds and their relations."""

import importlib.util
import re
from pathlib import Path

import pytest

from config import limits

PARTS = ("holds", "clients", "stores", "selling", "people")
TEXT = "\n".join((Path(limits.__file__).parent / f"{part}.py").read_text() for part in PARTS)
SOURCE = re.sub(r"^from config\.limits\.\w+ import (\([^)]*\)|.*)$", "", TEXT, flags=re.M)
"""All bounds and relations as one text, in the order in which they are read."""


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("HOLD_TTL_S", "15 * 60"),
        ("CLAIM_ABANDONED_S", "9.0"),
        ("LOCK_WAIT_S", "5.0"),
        ("EMBEDDED_MAX_CONNECTIONS", "100"),
        ("ACTOR_TIME_LIMIT_S", "20.0"),
        ("OUTBOX_DEADLINE_S", "20.0"),
        ("ARRIVAL_TIMEOUT_S", "9.6"),
        ("UNIT_PRICE_MAX_MINOR", "10**12"),
        ("CHECKOUT_LINES_MAX", "1000"),
        ("DRAIN_TIMEOUT_S", "1.0"),
        ("CART_PERSIST_INTERVAL_S", "2.0"),
    ],
)
def test_a_number_changed_without_its_neighbours_stops_the_start(name: str, broken: str) -> None:
    """If this fails, two bounds can contradict each other without anyone noticing."""
    changed, count = re.subn(rf"^{name} = .*$", f"{name} = {broken}", SOURCE, flags=re.M)
    assert count == 1
    with pytest.raises(AssertionError, match=r"config/limits: "):
        exec(compile(changed, "limits", "exec"), {})


def test_every_bound_is_a_positive_number() -> None:
    """If this fails, a bound is not a positive number."""
    bounds = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert len(bounds) > 100
    assert all(isinstance(value, int | float) and value > 0 for value in bounds.values())


def test_importing_the_bounds_reads_nothing_else() -> None:
    """If this fails, the lowest layer depends on something above it."""
    assert importlib.util.find_spec("config.limits") is not None
    assert not re.search(r"^(import|from) ", SOURCE, flags=re.M)
