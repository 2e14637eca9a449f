"""The steps of an order let others be heard between them."""

import sys

import pytest

from checkout.kit import turn
from config import limits
from tests.shop import TestShop


async def test_each_step_of_an_order_breathes(shop: TestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, a step that hundreds of orders take in one turn keeps everybody waiting who is to be refused."""
    await shop.set_stock("TEE-BLACK-M", 5)  # which waits for the gate
    steps: set[str] = set()

    def hear() -> None:
        steps.add(sys._getframe(2).f_code.co_qualname)

    monkeypatch.setattr(limits, "BREATH_S", 0.0)
    turn.attend(hear)
    try:
        status, document = await shop.buy(("TEE-BLACK-M", 1))
    finally:
        turn.dismiss(hear)
    assert status == 201, document
    missing = {"composed", "_ask_together", "_admit", "_send"} - {name.rpartition(".")[2] for name in steps}
    assert not missing
