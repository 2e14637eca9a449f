"""Allocation over random shops: never more than there is, all if there is enough, as few parcels as can be."""

from itertools import combinations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from checkout.stock.allocate import EXACT_PLACES, Allocation, Place, allocate

UNITS = st.integers(-2, 6)
PLACES = st.lists(
    st.builds(
        Place,
        code=st.text("abcdefgh", min_size=1, max_size=2),
        priority=st.integers(0, 2),
        country=st.sampled_from(("DE", "FR")),
        region=st.sampled_from(("", "BE", "BY")),
        free=st.dictionaries(st.integers(1, 4), UNITS, max_size=4),
    ),
    max_size=6,
    unique_by=lambda place: place.code,
)
WANTED = st.dictionaries(st.integers(1, 4), st.integers(1, 8), min_size=1, max_size=4)


def _of(wanted: dict[int, int], places: list[Place]) -> Allocation:
    return allocate(wanted, places, country="DE", region="BE")


def _enough(wanted: dict[int, int], places: list[Place]) -> bool:
    return all(sum(max(0, p.free.get(i, 0)) for p in places) >= n for i, n in wanted.items())


@given(WANTED, PLACES)
def test_nothing_is_given_that_is_not_there(wanted: dict[int, int], places: list[Place]) -> None:
    """If this fails, a warehouse is told to send units that it does not have, or some twice."""
    found = _of(wanted, places)
    at = {place.code: place.free for place in places}
    codes = [code for code, _ in found.parcels]
    assert len(set(codes)) == len(codes)
    for code, given_units in found.parcels:
        assert given_units
        assert all(0 < units <= at[code].get(item, 0) for item, units in given_units.items())
    for item, units in wanted.items():
        placed = sum(given_units.get(item, 0) for _, given_units in found.parcels)
        assert placed + found.missing.get(item, 0) == units


@given(WANTED, PLACES)
def test_all_is_placed_exactly_if_there_is_enough(wanted: dict[int, int], places: list[Place]) -> None:
    """If this fails, an order waits although its units are there, or is sent in part unseen."""
    assert (not _of(wanted, places).missing) == _enough(wanted, places)


@given(WANTED, PLACES)
def test_there_are_as_few_parcels_as_can_be(wanted: dict[int, int], places: list[Place]) -> None:
    """If this fails, a buyer gets two parcels and pays the planet for one that was not needed."""
    found = _of(wanted, places)
    if not found.missing:
        size = len(found.parcels)
        assert not any(_enough(wanted, list(some)) for some in combinations(places, size - 1))


@given(WANTED, PLACES, st.randoms(use_true_random=False))
def test_the_order_in_which_it_is_told_does_not_matter(
    wanted: dict[int, int], places: list[Place], dice: Random
) -> None:
    """If this fails, the same order is sent from another place when it is looked at again."""
    shuffled = list(places)
    dice.shuffle(shuffled)
    assert _of(wanted, places) == _of(dict(reversed(wanted.items())), shuffled)


@given(WANTED, st.integers(EXACT_PLACES + 1, 30))
def test_many_locations_are_enough_too(wanted: dict[int, int], count: int) -> None:
    """If this fails, a shop with many warehouses cannot send what it has, or looks for an answer for ever."""
    places = [Place(f"p{n:02}", n % 3, "DE", "", dict.fromkeys(wanted, 1)) for n in range(count)]
    found = _of(wanted, places)
    assert not found.missing
    assert len(found.parcels) == max(wanted.values())


def test_priority_goes_before_nearness_and_nearness_before_names() -> None:
    """If this fails, parcels leave from the place that the shop wanted last."""
    all_of_it = {1: 5}
    far = Place("a", 1, "FR", "", all_of_it)
    land = Place("b", 1, "DE", "", all_of_it)
    near = Place("c", 1, "DE", "BE", all_of_it)
    first = Place("d", 0, "FR", "", all_of_it)
    for places, code in (
        ([far, land, near, first], "d"),
        ([far, land, near], "c"),
        ([far, land], "b"),
        ([far], "a"),
    ):
        assert _of({1: 2}, places).parcels == ((code, {1: 2}),)
    whole = Place("z", 9, "FR", "", {1: 5, 2: 5})
    assert _of({1: 1, 2: 1}, [near, Place("y", 0, "DE", "BE", {2: 5}), whole]).parcels == (
        ("z", {1: 1, 2: 1}),
    )
