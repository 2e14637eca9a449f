"""The room for requests under any sequence of arrivals, departures and slow windows."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ratelimit.inflight import BROWSE, CART, CHECKOUT, HEALTH, InFlight

PRIORITIES = (BROWSE, CART, CHECKOUT, HEALTH)
steps = st.lists(
    st.one_of(
        *[st.tuples(st.just("enter"), st.sampled_from(PRIORITIES), st.just(0.0))] * 3,
        st.tuples(st.just("leave"), st.integers(0, 10**6), st.sampled_from((0.001, 0.1, 1.0))),
        st.tuples(st.just("adapt"), st.just(0), st.sampled_from((0.0, 0.0, 0.0, 0.3))),
    ),
    min_size=10,
    max_size=80,
)


@settings(max_examples=100, deadline=None)
@given(steps=steps, high=st.integers(1, 12), low=st.integers(1, 12))
def test_the_room_is_kept_and_the_lesser_gives_way(
    steps: list[tuple[str, int, float]], high: int, low: int
) -> None:
    """If this fails, places leak until nobody is served, or browsing takes the place of a purchase."""
    room = InFlight(high=high, low=low, samples_min=3)
    inside: list[int] = []
    refused = [0, 0, 0, 0]
    for what, number, seconds in steps:
        if what == "enter":
            before = room.count
            free = [_would_enter(room, priority) for priority in PRIORITIES]
            assert free == sorted(free), "a lower priority would be let in where a higher one is refused"
            assert free[HEALTH]
            if room.enter(number):
                inside.append(number)
                assert number == HEALTH or before < room.limit
                assert number != BROWSE or before < max(1, room.limit // 2)
            else:
                refused[number] += 1
                assert room.count == before, "a refusal took a place"
        elif what == "leave" and inside:
            inside.pop(number % len(inside))
            room.leave(seconds)
        elif what == "adapt":
            room.adapt(seconds)
            assert min(low, high) <= room.limit <= high
        assert room.count == len(inside)
        assert room.shed == refused


def _would_enter(room: InFlight, priority: int) -> bool:
    shed = list(room.shed)
    entered = room.enter(priority)
    if entered:
        room.count -= 1
    room.shed = shed
    return entered


@settings(max_examples=25, deadline=None)
@given(high=st.integers(64, 2048), arrivals=st.integers(10, 200))
def test_a_sick_store_gets_a_short_queue_and_a_well_one_its_room_back(high: int, arrivals: int) -> None:
    """If this fails, a slow database is drowned in waiting requests, or stays throttled when it is well again."""
    room = InFlight(high=high, low=16)

    def window(answer_s: float, share: float) -> None:
        entered = 0
        for _ in range(max(arrivals, int(room.limit * share))):
            entered += room.enter(CHECKOUT)
        for _ in range(entered):
            room.leave(answer_s)
        room.adapt()

    for _ in range(40):
        window(1.0, 1.0)
    assert room.limit == 16
    windows = 0
    while room.limit < high:
        window(0.01, 0.6)
        windows += 1
        assert windows < 200
    window(0.01, 0.1)
    assert room.limit == high


def test_a_moment_is_no_sickness() -> None:
    """If this fails, a machine that stands still for a moment refuses its shoppers for seconds."""
    room = InFlight(high=1024, samples_min=1)
    for late_s, limit in ((0.4, 1024), (0.0, 1024), (0.4, 1024), (0.4, 102), (0.4, 81), (0.0, 89), (0.4, 89)):
        for _ in range(128):
            room.enter(CHECKOUT)
        for _ in range(room.count):
            room.leave(0.01)
        room.adapt(late_s)
        assert room.limit == limit
