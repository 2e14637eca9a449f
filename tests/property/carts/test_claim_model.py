"""claim.lua against `merge`, the model that also merges carts while the gate is away."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkout.carts.live import LiveCarts
from checkout.carts.merge import merge
from checkout.carts.model import LINE, Fields, Verdict
from checkout.kit.lane import Lane
from config import limits
from tests.property.carts import test_edit_model
from tests.property.carts.test_edit_model import EPOCH, MINE, THEIRS, OpenGate

GUEST, OWN = "g" * 32, "o" * 32
gate = test_edit_model.gate  # carts of three lines and two coupons
units = st.integers(1, limits.LINE_QUANTITY_MAX)


@st.composite
def carts(draw: st.DrawFn) -> Fields:
    """A cart in any state."""
    fields = {"v": str(draw(st.integers(1, 50))), "cur": "EUR"}
    for sku in draw(st.lists(st.sampled_from("ABC"), unique=True, max_size=3)):
        fields[LINE + sku] = f"{draw(units)} {draw(st.integers(1, 9))}"
    for code in draw(st.lists(st.sampled_from("XYZ"), unique=True, max_size=2)):
        fields["c:" + code] = f"1 {draw(st.integers(1, 9))}"
    optional = {
        "acct": st.sampled_from([MINE, MINE, MINE, THEIRS]),
        "addr": st.just('{"country":"DE"}'),
        "ctry": st.sampled_from(["DE", "FR"]),
        "ship": st.just("express"),
        "hold": st.just("99"),
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            fields[name] = draw(values)
    if draw(st.integers(0, 9)) == 0:
        fields |= {"st": draw(st.sampled_from(["ordered", "merged"])), "into": OWN}
    return fields


def units_of(*carts: Fields) -> dict[str, int]:
    """Units by SKU, of these carts together."""
    found: dict[str, int] = {}
    for cart in carts:
        for field, value in cart.items():
            if field.startswith(LINE):
                found[field] = found.get(field, 0) + int(value.partition(" ")[0])
    return found


async def put(lane: Lane, cart_id: str, fields: Fields) -> None:
    """A cart in the gate."""
    flat = [text for item in fields.items() for text in item]
    await lane.call("HSET", f"{{0}}:cart:1:{cart_id}", *flat)


async def there(lane: Lane, cart_id: str) -> Fields:
    """A cart as the gate has it."""
    flat = [value.decode() for value in await lane.call("HGETALL", f"{{0}}:cart:1:{cart_id}")]
    return dict(zip(flat[::2], flat[1::2], strict=True))


@pytest.mark.parametrize("adopts", [True, False], ids=["adopts", "merges"])
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(guest=carts(), own=carts())
async def test_script_and_model_agree(gate: OpenGate, adopts: bool, guest: Fields, own: Fields) -> None:
    """If this fails, a claim does another thing without the gate than with it, loses units, or hands over what is not owned."""
    await gate.lane.call("FLUSHDB")
    await gate.lane.call("SET", EPOCH, 1)
    live, own_id = LiveCarts(gate), GUEST if adopts else OWN
    await put(gate.lane, GUEST, guest)
    if not adopts:
        await put(gate.lane, OWN, own)
    expected = merge(guest, None if adopts else own, account=MINE, own_id=own_id)
    found = await live.claim(GUEST, own_id, MINE)
    assert found == expected
    if expected.verdict is not Verdict.DONE:
        assert await there(gate.lane, GUEST) == guest, "what was refused was changed"
        assert adopts or await there(gate.lane, OWN) == own
        return
    assert await there(gate.lane, GUEST) == expected.guest
    if expected.own and not adopts:
        assert await there(gate.lane, OWN) == expected.own
        capped = {sku: min(n, limits.LINE_QUANTITY_MAX) for sku, n in units_of(guest, own).items()}
        assert units_of(expected.own) == capped
        assert units_of(expected.guest) == {}
        assert int(expected.own["v"]) - int(own["v"]) in (0, 1)
    again = await live.claim(GUEST, own_id, MINE)
    assert (again.verdict, again.guest) == (Verdict.DONE, expected.guest)
    if expected.own:
        assert await there(gate.lane, own_id) == expected.own, (
            "a claim that was repeated changed the cart again"
        )


async def test_what_is_missing_is_said(gate: OpenGate) -> None:
    """If this fails, a claim of a cart that only Postgres has ends as if there were none."""
    live = LiveCarts(gate)
    found = await live.claim(GUEST, OWN, MINE)
    assert (found.verdict, found.missing) == (Verdict.MISSING, 1)
    await put(gate.lane, GUEST, {"v": "1", "cur": "EUR"})
    found = await live.claim(GUEST, OWN, MINE)
    assert (found.verdict, found.missing) == (Verdict.MISSING, 2)
    assert merge({"v": "1", "cur": "EUR"}, {}, account=MINE, own_id=OWN).missing == 2
    await gate.lane.call("SET", EPOCH, 2)
    assert (await live.claim(GUEST, OWN, MINE)).verdict is Verdict.CLOSED
    assert gate.closed == 1
