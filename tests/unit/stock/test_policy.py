"""What may be sold, by arithmetic: the net, the shelf, and the words for it."""

import pytest

from checkout.stock.policy import Policy, keeps_promises, net, sellable, shelf


@pytest.mark.parametrize(
    ("policy", "on_hand", "reserved", "expected"),
    [
        (Policy(), 10, 3, 0),
        (Policy(backorder=5), 10, 3, 5),
        (Policy(safety_stock=4), 10, 3, -4),
        (Policy(backorder=5, safety_stock=4), 10, 3, 1),
        (Policy(safety_stock=40), 10, 3, -7),
        (Policy(), 3, 10, 7),
    ],
)
def test_the_net_keeps_back_what_it_can(policy: Policy, on_hand: int, reserved: int, expected: int) -> None:
    """If this fails, safety stock is sold, or a promise becomes a row that cannot be stored."""
    found = net(policy, on_hand=on_hand, reserved=reserved)
    assert found == expected
    assert 0 <= reserved <= on_hand + found


def test_words_and_numbers_for_buyers() -> None:
    """If this fails, a shopper is told that something is in stock which is not, or the reverse."""
    plain = {"status": "in_stock", "available": 7, "orderable": 7}
    assert sellable(10, 3, 0) == plain
    assert sellable(10, 3, 5) == plain | {"orderable": 12}
    assert sellable(10, 3, -4, beyond=0) == plain | {"available": 3, "orderable": 3}
    assert sellable(10, 3, 1, beyond=5) == plain | {"available": 3, "orderable": 8}
    assert sellable(10, 10, 0) == {"status": "out_of_stock", "available": 0, "orderable": 0}
    assert sellable(10, 10, 5) == {"status": "backorder", "available": 0, "orderable": 5}
    ahead = sellable(0, 1, 5, beyond=5, preorder_until="2030-01-01T00:00:00Z")
    assert ahead == {
        "status": "preorder",
        "available": 0,
        "orderable": 4,
        "preorder_until": "2030-01-01T00:00:00Z",
    }
    assert "preorder_until" not in sellable(9, 1, 5, beyond=5, preorder_until="2030-01-01T00:00:00Z")
    assert sellable(10, 3, 0, live=2) == plain | {"available": 2, "orderable": 2}
    assert sellable(3, 10, 0, live=-4)["orderable"] == 0


def test_promises_and_shelves() -> None:
    """If this fails, stock may fall below what was promised, or damaged goods cannot be written off."""
    assert keeps_promises(on_hand=3, reserved=3, limit=-9)
    assert not keeps_promises(on_hand=2, reserved=3, limit=-9)
    assert keeps_promises(on_hand=0, reserved=3, limit=3)
    assert shelf(on_hand=10, reserved=3, safety_stock=9) == -2
