"""Everything that is made, read, edited and deleted over the API: one life of each kind, as its ETag and its examples say."""

import copy
from dataclasses import dataclass
from typing import Any

import pytest

from checkout.edge.examples import EXAMPLES
from tests.api.accounts.conftest import bearer
from tests.schema.alter import NEVER
from tests.schema.world import told
from tests.shop import TestShop


@dataclass(frozen=True, slots=True)
class Kind:
    """Shape: `at` is the list, `name` the field that names one; `edits` are methods with which one is edited; `ends` is
    what reading one answers after it is deleted (None: it is not deleted); `who` asks."""

    at: str
    name: str = "id"
    edits: tuple[str, ...] = ("PUT",)
    ends: int | None = 404
    who: str = "admin"

    @property
    def one(self) -> str:
        """The path of one."""
        return f"{self.at}/{{{self.name}}}"


_ADMIN = "/v1/admin"
KINDS = (
    Kind(f"{_ADMIN}/products", edits=("PATCH", "PUT"), ends=None),
    Kind(f"{_ADMIN}/categories", edits=("PATCH",)),
    Kind(f"{_ADMIN}/attributes", "name"),
    Kind(f"{_ADMIN}/price-lists", edits=("PATCH",)),
    Kind(f"{_ADMIN}/locations", "code", edits=("PATCH",)),
    Kind(f"{_ADMIN}/coupons", "code"),
    Kind(f"{_ADMIN}/shipping-zones"),
    Kind(f"{_ADMIN}/tax-rates"),
    Kind(f"{_ADMIN}/users", edits=("PATCH",), ends=None),
    Kind(f"{_ADMIN}/roles", "name"),
    Kind(f"{_ADMIN}/api-keys", ends=200),
    Kind(f"{_ADMIN}/webhooks", edits=("PATCH",)),
    Kind("/v1/me/addresses", who="customer"),
)


@pytest.fixture
async def callers(shop: TestShop) -> dict[str, dict[str, str]]:
    """Header fields by who asks."""
    found = (await told(shop))["callers"]
    return {who: bearer(tokens[0]) for who, tokens in found.items()}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.at.rpartition("/")[2])
async def test_it_is_made_read_edited_and_deleted(
    shop: TestShop, callers: dict[str, dict[str, str]], kind: Kind
) -> None:
    """If this fails, an edit is lost under another one, or what was deleted is still there."""
    mine = callers[kind.who]

    async def ask(method: str, path: str, status: int, version: str | None = None, body: Any = None) -> Any:
        headers = mine | ({"If-Match": version} if version else {})
        given = {} if body is None else {"json": copy.deepcopy(body)}
        answered, document, fields = await shop.call(method, path, headers=headers, **given)
        assert answered == status, (method, path, document)
        return document, fields.get("ETag")

    made, version = await ask("POST", kind.at, 201, body=EXAMPLES[f"POST {kind.at}"])
    one = f"{kind.at}/{made[kind.name]}"
    document, read = await ask("GET", one, 200)
    assert version in (read, None)
    listed, _ = await ask("GET", f"{kind.at}" + ("" if kind.who == "customer" else "?limit=100"), 200)
    assert document[kind.name] in [item[kind.name] for item in listed["items"]]
    for method in kind.edits:
        body = EXAMPLES[f"{method} {kind.one}"]
        await ask(method, one, 412, NEVER, body)
        await ask(method, one, 412, "not a version", body)
        assert await ask("GET", one, 200) == (document, read), "a refused edit did something"
        edited, version = await ask(method, one, 200, read, body)
        before, (document, now) = read, await ask("GET", one, 200)
        assert version == now != before
        assert edited[kind.name] == document[kind.name]
        await ask(method, one, 412, before, body)
        read = now
    if kind.ends is None:
        return
    await ask("DELETE", one, 412, NEVER)
    assert await ask("GET", one, 200) == (document, read), "a refused deletion did something"
    await ask("DELETE", one, 204, read)
    await ask("GET", one, kind.ends)
    listed, _ = await ask("GET", kind.at, 200)
    ended = [item for item in listed["items"] if item[kind.name] == document[kind.name]]
    assert bool(ended) == (kind.ends == 200)


async def test_a_cart_becomes_an_order_and_a_review(
    shop: TestShop, callers: dict[str, dict[str, str]]
) -> None:
    """If this fails, what one answer names cannot be asked for next: the API's own links are broken."""

    async def ask(method: str, path: str, status: int, label: str = "", **more: Any) -> Any:
        body = {"json": EXAMPLES[label]} if label else {}
        answered, document, fields = await shop.call(method, path, **(body | more))
        assert answered == status, (method, path, document)
        return document, fields.get("ETag")

    cart, made = await ask("POST", "/v1/carts", 201, "POST /v1/carts")
    at = f"/v1/carts/{cart['id']}"
    line = f"{at}/lines/TEE-BLACK-M"
    await ask("PUT", line, 412, "PUT /v1/carts/{id}/lines/{sku}", headers={"If-Match": NEVER})
    cart, version = await ask("PUT", line, 200, "PUT /v1/carts/{id}/lines/{sku}", headers={"If-Match": made})
    assert version != made
    await ask("PUT", line, 412, "PUT /v1/carts/{id}/lines/{sku}", headers={"If-Match": made})
    assert [(one["sku"], one["quantity"]) for one in cart["lines"]] == [("TEE-BLACK-M", 3)]
    for method, part in (("PUT", "address"), ("PUT", "shipping"), ("POST", "coupons")):
        cart, _ = await ask(method, f"{at}/{part}", 200, f"{method} /v1/carts/{{id}}/{part}")
    purchase = EXAMPLES["POST /v1/checkouts"]
    body = {name: purchase[name] for name in ("email", "payment")} | {"cart_id": cart["id"]}
    keyed = callers["customer"] | {"Idempotency-Key": "lives"}
    placed, _ = await ask("POST", "/v1/checkouts", 201, json=body, headers=keyed)
    totals = placed["order"]["totals"]
    assert totals == {name: cart["totals"][name] for name in totals}
    again, _ = await ask("POST", "/v1/checkouts", 201, json=body, headers=keyed)
    assert again["order"]["id"] == placed["order"]["id"]
    order = f"/v1/orders/{placed['order']['id']}"
    read, _ = await ask("GET", order, 200, headers=bearer(placed["access_token"]))
    assert read["number"] == placed["order"]["number"]
    mine, _ = await ask("GET", "/v1/me/orders", 200, headers=callers["customer"])
    assert placed["order"]["id"] in [item["id"] for item in mine["items"]]
    await ask("POST", f"{order}/cancel", 200, headers=callers["customer"])
    reviews = "/v1/products/mug-classic/reviews"
    review, made = await ask(
        "POST", reviews, 201, "POST /v1/products/{id}/reviews", headers=callers["customer"]
    )
    await ask("POST", f"/v1/admin/reviews/{review['id']}/approve", 200, headers=callers["support"])
    label = "PUT /v1/products/{id}/reviews/mine"
    await ask("PUT", f"{reviews}/mine", 412, label, headers=callers["customer"] | {"If-Match": str(made)})
    _, version = await ask("GET", f"{reviews}/mine", 200, headers=callers["customer"])
    await ask("PUT", f"{reviews}/mine", 200, label, headers=callers["customer"] | {"If-Match": str(version)})
    await ask("DELETE", f"{reviews}/mine", 204, headers=callers["customer"])
    await ask("GET", f"{reviews}/mine", 404, headers=callers["customer"])
