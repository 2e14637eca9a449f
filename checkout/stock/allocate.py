"""Which location an order's units leave from. Pure.

**Guarantees** (held by tests/property/stock):
- No location gives more than it has, and nothing is placed twice.
- Every unit is placed if there are as many of its SKU at all locations together; what is missing is said.
- One parcel where one location has all; else as few as can be, up to EXACT_PLACES locations to choose from.
- The same stock gives the same answer, in whatever order it is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

# Beyond this many locations that have something of an order the fewest parcels are approached and not searched for.
EXACT_PLACES = 10

Units = Mapping[int, int]
"""Item → units."""


@dataclass(frozen=True, slots=True)
class Place:
    """A location as an allocation sees it. Shape: the least priority first; `free` is what is not set aside yet."""

    code: str
    priority: int
    country: str
    region: str
    free: Units


@dataclass(frozen=True, slots=True)
class Allocation:
    """Parcels by location, in the order of preference, and what lies nowhere."""

    parcels: tuple[tuple[str, Units], ...]
    missing: Units


def allocate(wanted: Units, places: Iterable[Place], *, country: str, region: str = "") -> Allocation:
    """Places the wanted units: as few parcels as can be; of equals those of the least priority, then the nearest.

    Cost: at most 2^EXACT_PLACES sets of locations are looked at.
    """
    useful = [place for place in places if any(place.free.get(item, 0) > 0 for item in wanted)]
    ranked = sorted(useful, key=lambda place: (place.priority, _distance(place, country, region), place.code))
    goal = {item: min(units, _together(item, ranked)) for item, units in wanted.items()}
    chosen = _fewest(goal, ranked) if len(ranked) <= EXACT_PLACES else _greedy(goal, ranked)
    left = dict(goal)
    parcels = []
    for place in chosen:
        given = {item: min(units, place.free.get(item, 0)) for item, units in left.items()}
        given = {item: units for item, units in given.items() if units > 0}
        if given:
            parcels.append((place.code, given))
            left = {item: units - given.get(item, 0) for item, units in left.items()}
    missing = {item: units - goal[item] for item, units in wanted.items() if units > goal[item]}
    return Allocation(tuple(parcels), missing)


def _distance(place: Place, country: str, region: str) -> int:
    """0 in the buyer's region, 1 in the country, 2 elsewhere."""
    if place.country != country:
        return 2
    return 0 if place.region and place.region == region else 1


def _together(item: int, places: Iterable[Place]) -> int:
    return sum(max(0, place.free.get(item, 0)) for place in places)


def _fewest(goal: Units, ranked: Sequence[Place]) -> Sequence[Place]:
    """The first of the smallest sets that reach the goal; combinations come in order of rank."""
    for size in range(len(ranked) + 1):
        for chosen in combinations(ranked, size):
            if all(_together(item, chosen) >= units for item, units in goal.items()):
                return chosen
    return ranked


def _greedy(goal: Units, ranked: Sequence[Place]) -> Sequence[Place]:
    """Again and again the location that has most of what is left; of equals the first by rank."""
    left, chosen, rest = dict(goal), [], list(ranked)
    while any(left.values()):
        best = max(rest, key=lambda place: sum(min(n, max(0, place.free.get(i, 0))) for i, n in left.items()))
        rest.remove(best)
        chosen.append(best)
        left = {item: units - min(units, max(0, best.free.get(item, 0))) for item, units in left.items()}
    return sorted(chosen, key=ranked.index)
