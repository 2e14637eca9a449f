"""Each provider with a sandbox of its own behind it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from checkout.payments.providers.breaker import Breaker
from checkout.payments.providers.protocol import CaptureRequest, PaymentProvider
from checkout.payments.providers.stripe import StripeProvider
from checkout.sandbox.app import Running, serve
from checkout.sandbox.config import SandboxConfig
from checkout.shipping.carriers.dhl import DhlCarrier
from checkout.shipping.carriers.protocol import Address, BookingRequest, Carrier, Goods, Parcel

SECRETS = ("whsec_new", "whsec_old")


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Running]:
    config = SandboxConfig(
        data_dir=tmp_path,
        http_port=0,
        smtp_port=0,
        stripe_webhook_secret=SECRETS[0],
        dhl_webhook_secret=SECRETS[0],
    )
    async with serve(config) as running:
        yield running


class PaymentHarness:
    """A provider, and what only its own world knows: its test methods, and how to sign as it does."""

    works, declined, challenged = "", "", ""
    capture_operation = refund_operation = ""

    def __init__(self, sandbox: Running) -> None:
        self.sandbox = sandbox
        self.provider = self.make()

    def make(self, **more: Any) -> PaymentProvider:
        raise AssertionError("each provider makes its own")

    async def pass_challenge(self, url: str, *, approve: bool) -> None:
        raise AssertionError("each provider has its own challenge")

    def charged_minor(self) -> int:
        return sum(row["charged"] for chunk in self.sandbox.store.ledger() for row in chunk)

    def refunded_minor(self) -> int:
        return sum(row["refunded"] for chunk in self.sandbox.store.ledger() for row in chunk)

    def fault(self, operation: str, kind: str, count: int = 1) -> None:
        self.sandbox.faults.turn({"faults": [{"operation": operation, "kind": kind, "count": count}]})


class StripeHarness(PaymentHarness):
    works, declined, challenged = "pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired"
    capture_operation = "stripe.payment_intents.create"
    refund_operation = "stripe.refunds.create"

    def make(self, **more: Any) -> StripeProvider:
        options = {
            "api_key": "sk_test_sandbox",
            "api_base": self.sandbox.url,
            "webhook_secrets": SECRETS,
            "timeout_s": 1.0,
            "breaker": Breaker(failures=100),
        }
        return StripeProvider(**{**options, **more})

    async def pass_challenge(self, url: str, *, approve: bool) -> None:
        body = {"result": "approve" if approve else "fail"}
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
            assert answer.status == 200


@pytest.fixture(params=[StripeHarness], ids=["stripe"])
async def world(request: pytest.FixtureRequest, sandbox: Running) -> AsyncIterator[PaymentHarness]:
    harness = request.param(sandbox)
    yield harness
    await harness.provider.close()


def capture(method: str, **changes: Any) -> CaptureRequest:
    fields: dict[str, Any] = {
        "reference": "0192-order:1",
        "order_id": "0192-order",
        "amount_minor": 4990,
        "currency": "EUR",
        "method": method,
        "return_url": "http://127.0.0.1/back",
        "email": "ada@example.com",
    }
    return CaptureRequest(**{**fields, **changes})


def dhl(sandbox: Running, **more: Any) -> DhlCarrier:
    options = {
        "api_key": "sandbox",
        "api_secret": "sandbox",
        "account": "123456789",
        "webhook_secrets": SECRETS,
        "api_base": f"{sandbox.url}/mydhlapi",
        "timeout_s": 1.0,
        "breaker": Breaker(failures=100),
    }
    return DhlCarrier(**{**options, **more})


@pytest.fixture(params=[dhl], ids=["dhl"])
async def carrier(request: pytest.FixtureRequest, sandbox: Running) -> AsyncIterator[Carrier]:
    made = request.param(sandbox)
    yield made
    await made.close()


SHOP = Address(
    name="Demo Shop",
    line1="Example Street 1",
    city="Berlin",
    postal_code="10115",
    country="DE",
    phone="+49 30 0000000",
)


def booking(country: str = "FR", **changes: Any) -> BookingRequest:
    fields: dict[str, Any] = {
        "reference": "01890a5d-ac96-774b-bcce-b302099a8057",
        "service": "express",
        "sender": SHOP,
        "receiver": Address(
            name="Ada Lövelace",
            line1="12 Rue de la Paix",
            line2="Bâtiment B",
            city="Paris",
            postal_code="75002",
            country=country,
        ),
        "parcels": (Parcel(weight_g=1250),),
        "goods": (Goods(description="Mug", quantity=2, unit_minor=1295, weight_g=1250),),
        "value_minor": 2590,
        "currency": "EUR",
        "description": "Mugs",
        "order_number": "A-1001",
    }
    return BookingRequest(**{**fields, **changes})
