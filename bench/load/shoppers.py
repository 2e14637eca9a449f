"""Locust's users: people who look around, fill a cart, and sometimes buy. Imported by load processes alone (gevent).

A visit is a sequence of steps with a pause before each. Baskets come from baskets.json: how many products, and which.
"""
# mypy: disallow-untyped-calls=False
# (Locust and gevent annotate half of what they offer.)

import itertools
import random
import uuid
from typing import Any, ClassVar

import msgspec
from locust import FastHttpUser, between, task

from bench.load.baskets import Baskets
from bench.load.plan import Plan
from bench.load.shapes import ADDRESS, purchase

COUNTRIES = ("DE", "DE", "DE", "FR", "GB", "US", "IN")


class Shopper(FastHttpUser):
    """One person after another on one connection. The class variables are set before the run."""

    abstract = True
    plan: ClassVar[Plan]
    baskets: ClassVar[Baskets]
    products: ClassVar[Baskets]
    orders: ClassVar[list[str]]
    sold_out: ClassVar["itertools.count[int]"]
    connection_timeout = 5.0
    network_timeout = 10.0

    def on_start(self) -> None:
        """Each has a wallet and an address."""
        self.email = f"{uuid.uuid4().hex[:12]}@example.com"
        self.country = random.choice(COUNTRIES)

    def pause(self) -> None:
        """Thinks."""
        self.wait()

    def ask(self, method: str, path: str, name: str, body: Any = None, **headers: str) -> Any:
        """One request; the document, or None when it failed (which is recorded) or was sold out (which is no failure).

        Locust's own `rest` does the same with the standard library's JSON, a tenth of what a load process does.
        """
        data: Any = None
        if body is not None:
            data = msgspec.json.encode(body)
            headers["Content-Type"] = "application/json"
        with self.client.request(
            method, path, name=name, data=data, headers=headers, catch_response=True
        ) as response:
            if not response.content:
                return None
            try:
                document = msgspec.json.decode(response.content)
            except msgspec.DecodeError:
                response.failure(f"{response.status_code} no JSON")
                return None
            if response.status_code < 400:
                return document
            code = document.get("code", "") if isinstance(document, dict) else ""
            if code == "out_of_stock":
                next(type(self).sold_out)
                response.success()
            else:
                response.failure(f"{response.status_code} {code}")
            return None

    def look_around(self, pages: int) -> None:
        """Reads a listing, then products by popularity."""
        self.ask("GET", random.choice(self.plan.listings), "browse: listing")
        for _ in range(pages):
            self.pause()
            self.ask("GET", f"/v1/products/{self.products.sku()}", "browse: product")

    def pay(self, body: dict[str, Any], name: str) -> None:
        """Checks out and looks at the order once."""
        document = self.ask("POST", "/v1/checkouts", name, body, **{"Idempotency-Key": uuid.uuid4().hex})
        if not document:
            return
        order_id = document["order"]["id"]
        self.orders.append(order_id)
        self.pause()
        bearer = f"Bearer {document['access_token']}"
        self.ask("GET", f"/v1/orders/{order_id}", "order: status", Authorization=bearer)

    @property
    def address(self) -> dict[str, str]:
        """Where it lives."""
        return {**ADDRESS, "country": self.country, "region": "CA" if self.country == "US" else ""}


class Visitor(Shopper):
    """Four of ten: look around and leave."""

    weight = 4
    wait_time = between(1.0, 5.0)

    @task
    def visit(self) -> None:
        """A few pages."""
        self.look_around(random.randint(1, 5))


class CartShopper(Shopper):
    """Four of ten: fill a cart; a third of them leave it."""

    weight = 4
    wait_time = between(1.0, 5.0)

    @task
    def shop(self) -> None:
        """The whole way from listing to order."""
        self.look_around(random.randint(1, 3))
        basket = self.baskets.basket()
        first, rest = basket[0], basket[1:]
        self.pause()
        cart = self.ask(
            "POST",
            "/v1/carts",
            "cart: create",
            {
                "currency": "EUR",
                "country": self.country,
                "lines": [{"sku": first[0], "quantity": first[1]}],
            },
        )
        if not cart:
            return
        path = f"/v1/carts/{cart['id']}"
        for sku, quantity in rest:
            self.pause()
            self.ask("PUT", f"{path}/lines/{sku}", "cart: line", {"quantity": quantity})
        self.pause()
        self.ask("GET", path, "cart: view")
        if random.random() < 0.33:
            return
        self.pause()
        self.ask("PUT", f"{path}/address", "cart: address", self.address)
        self.ask("GET", f"{path}/shipping-options", "cart: shipping options")
        self.pause()
        self.ask("PUT", f"{path}/shipping", "cart: shipping", {"option": "standard"})
        self.pause()
        self.pay(
            {
                "cart_id": cart["id"],
                "email": self.email,
                "shipping_address": self.address,
                "payment": {"provider": "stripe", "method": "pm_card_visa"},
            },
            "checkout: cart",
        )


class ExpressShopper(Shopper):
    """Two of ten: know what they want."""

    weight = 2
    wait_time = between(1.0, 5.0)

    @task
    def buy(self) -> None:
        """One product page, then all in one request."""
        self.ask("GET", f"/v1/products/{self.products.sku()}", "browse: product")
        self.pause()
        basket = self.baskets.basket()
        body: dict[str, Any] = purchase([sku for sku, _ in basket], self.email.partition("@")[0])
        body["lines"] = [{"sku": sku, "quantity": quantity} for sku, quantity in basket]
        body["shipping_address"] = self.address
        self.pay(body, "checkout: express")
