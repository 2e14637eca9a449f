"""Every number that /metrics shows is documented, and every number that a text names exists."""

import re

from checkout.edge import measured
from checkout.edge.error_table import ERRORS
from checkout.edge.metrics import Described
from tests.house.tree import calls, sources
from tests.shop import TestShop

NAMES = {one.name for one in measured.CATALOGUE}


def test_every_metric_is_in_the_catalogue() -> None:
    """If this fails, a metric is counted that docs/metrics.md does not know."""
    made = {
        call.args[0].value: f"{path}:{call.lineno}"  # type: ignore[attr-defined]
        for path in sources()
        for call in calls(path, "Described")
    }
    assert {name: place for name, place in made.items() if name not in NAMES} == {}
    assert NAMES - set(made) == set()


def test_every_metric_is_named_by_its_unit() -> None:
    """If this fails, a reader of a graph has to guess what is counted, and in which unit."""

    def named_well(one: Described) -> bool:
        plain = re.fullmatch(r"checkout_[a-z_]+", one.name) is not None
        return plain and one.help != "" and (one.kind == "counter") == one.name.endswith("_total")

    assert [one.name for one in measured.CATALOGUE if not named_well(one)] == []


async def test_a_running_shop_shows_documented_metrics_alone(shop: TestShop) -> None:
    """If this fails, /metrics shows numbers that the documentation does not explain."""
    status, _ = await shop.buy(("TEE-BLACK-M", 1))
    assert status == 201
    _, text, _ = await shop.call("GET", "/metrics")
    shown = set(re.findall(r"^# TYPE (\S+)", text.decode(), re.MULTILINE))
    assert shown
    assert shown - NAMES == set()


def test_every_metric_that_an_operator_is_sent_to_exists() -> None:
    """If this fails, the error page sends an operator to a number that is not there."""
    advice = " ".join(found.operator for found in ERRORS.values())
    named = set(re.findall(r"\bcheckout_[a-z_]+", advice))
    assert named
    assert named - NAMES == set()
