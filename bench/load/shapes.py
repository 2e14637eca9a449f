"""The requests that ceilings and open loops send, as data: the same shape is sent by wrk and by the own generator."""

import itertools
import random
import uuid
from collections.abc import Callable, Sequence

import orjson
from msgspec import Struct, field

ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "Unter den Linden 1",
    "city": "Berlin",
    "postal_code": "10117",
    "country": "DE",
}
Build = Callable[[int], bytes]
"""Number of the request → its bytes, complete with headers."""
SCRIPTS = {
    "bare_post": "bare",
    "bare_get": "bare",
    "express": "checkout",
    "cart_checkout": "cart_checkout",
    "cart_edit": "cart_edit",
    "cart_new": "cart_new",
    "read": "read",
}
"""Kind → wrk script."""


class Shape(Struct, frozen=True):
    """Many requests of one kind, all different.

    Shape: `values` by kind. express, cart_new: SKUs; cart_checkout: cart ids, each used once; cart_edit: `cart, tab, SKU`;
    read: paths, or `path, tab, ETag` to revalidate. `lines` an order or cart has. `run_id` makes keys unique.
    """

    kind: str
    values: list[str] = field(default_factory=list)
    lines: int = 2
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    sequential: bool = False

    def again(self) -> "Shape":
        """The same requests under new keys."""
        return Shape(self.kind, self.values, self.lines, sequential=self.sequential)

    def parts(self, count: int) -> "list[Shape]":
        """So many runs of these requests, each under new keys; carts, which are used once, are divided among them."""
        if self.kind != "cart_checkout":
            return [self.again() for _ in range(count)]
        return [Shape(self.kind, self.values[part::count], self.lines) for part in range(count)]


def purchase(skus: Sequence[str], key: str) -> dict[str, object]:
    """The body of an express checkout."""
    return {
        "lines": [{"sku": sku, "quantity": 1} for sku in skus],
        "currency": "EUR",
        "email": f"{key}@example.com",
        "shipping_address": ADDRESS,
        "shipping_option": "standard",
        "payment": {"provider": "stripe", "method": "pm_card_visa"},
    }


def cart_purchase(cart_id: str, key: str) -> dict[str, object]:
    """The body of a checkout of a cart."""
    body = purchase((), key)
    del body["lines"], body["currency"]
    return {"cart_id": cart_id, **body}


def builder(shape: Shape, seed: int = 1) -> Build:
    """Bytes of the shape's requests; the same seed sends the same ones, but for their keys."""
    dice, run_id, values, lines = random.Random(seed), shape.run_id, shape.values, shape.lines
    turn = itertools.cycle(values) if shape.sequential else None

    def one() -> str:
        return next(turn) if turn is not None else dice.choice(values)

    def express(number: int) -> bytes:
        key = f"{run_id}-{number}"
        skus = dice.sample(values, min(lines, len(values)))
        return post("/v1/checkouts", purchase(skus, key), [("Idempotency-Key", key)])

    def cart_checkout(number: int) -> bytes:
        key = f"{run_id}-{number}"
        body = cart_purchase(values[(number - 1) % len(values)], key)
        return post("/v1/checkouts", body, [("Idempotency-Key", key)])

    def cart_edit(_number: int) -> bytes:
        cart_id, _, sku = one().partition("\t")
        return put(f"/v1/carts/{cart_id}/lines/{sku}", {"quantity": dice.randint(1, 5)})

    def cart_new(_number: int) -> bytes:
        skus = dice.sample(values, min(lines, len(values)))
        body = {"currency": "EUR", "country": "DE", "lines": [{"sku": s, "quantity": 1} for s in skus]}
        return post("/v1/carts", body)

    def read(_number: int) -> bytes:
        path, _, etag = one().partition("\t")
        return get(path, [("If-None-Match", etag)] if etag else ())

    def bare_post(number: int) -> bytes:
        key = f"{run_id}-{number}"
        return post("/bare", purchase(["A", "B"], key), [("Idempotency-Key", key)])

    return {
        "express": express,
        "cart_checkout": cart_checkout,
        "cart_edit": cart_edit,
        "cart_new": cart_new,
        "read": read,
        "bare_post": bare_post,
        "bare_get": lambda _number: get("/bare"),
    }[shape.kind]


def post(path: str, body: object, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """A POST of JSON as bytes."""
    return _with_body("POST", path, body, headers)


def put(path: str, body: object, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """A PUT of JSON as bytes."""
    return _with_body("PUT", path, body, headers)


def get(path: str, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """A GET as bytes."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode()


def _with_body(method: str, path: str, body: object, headers: Sequence[tuple[str, str]]) -> bytes:
    data = orjson.dumps(body)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(data)}\r\n{lines}\r\n"
    ).encode() + data
