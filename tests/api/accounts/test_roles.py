"""Whose an order is (T17): every order route against every kind of caller."""

import uuid

from tests.api.accounts.conftest import ROLES, People, bearer
from tests.shop import TestShop

MISSING = "01930000-0000-7000-8000-000000000000"


async def callers(people: People) -> dict[str, dict[str, str]]:
    """The header field of every kind of caller, by its name."""
    _, bought = await people.shop.buy(("MUG-CLASSIC", 1))
    found = {role: await people.token(role) for role in ROLES}
    return found | {
        "nobody": {},
        "forged": bearer(people.auth.issue(uuid.uuid4(), "admin")[:-3] + "abc"),
        "an order's": bearer(bought["access_token"]),
    }


ORDER_ROUTES = (
    ("GET", "", 200),
    ("GET", "/invoice.pdf", 404),
    ("POST", "/payments", 202),
    ("POST", "/cancel", 200),
)


async def test_an_order_is_its_owners_and_a_strangers_id_answers_like_a_missing_one(people: People) -> None:
    """If this fails, a stranger reads, pays or cancels an order, or can tell which order ids exist."""
    shop = people.shop
    everybody = await callers(people)
    _, own = await shop.buy(("MUG-CLASSIC", 1))
    _, of_account = await shop.buy(("MUG-CLASSIC", 1))
    await shop.db.execute(
        "UPDATE orders SET account_id = (SELECT id FROM accounts WHERE role = 'customer') WHERE id = $1",
        uuid.UUID(of_account["order"]["id"]),
    )
    trusted = {"support", "admin", "its token"}
    for order, may in ((own, trusted), (of_account, trusted | {"customer"})):
        asking = everybody | {"its token": bearer(order["access_token"])}
        at = f"/v1/orders/{order['order']['id']}"
        for method, path, _ in ORDER_ROUTES:
            body = {} if path == "/payments" else None
            for name in asking.keys() - may:
                found = await shop.call(method, at + path, json=body, headers=asking[name])
                missing = await shop.call(
                    method, f"/v1/orders/{MISSING}{path}", json=body, headers=asking[name]
                )
                assert found[0] == missing[0] == 404, (path, name)
                assert found[1] == missing[1], (path, name)
                assert found[1]["code"] == "not_found"
        kept = await shop.db.fetchval(
            "SELECT status FROM orders WHERE id = $1", uuid.UUID(order["order"]["id"])
        )
        assert kept == "placed"
        for name in sorted(may - {"its token"}):
            assert (await shop.call("GET", at, headers=asking[name]))[0] == 200, name
        for method, path, good in ORDER_ROUTES:
            body = {} if path == "/payments" else None
            status, document, _ = await shop.call(method, at + path, json=body, headers=asking["its token"])
            assert status == good, path
            assert good != 404 or document["code"] == "no_invoice_yet"


async def test_a_token_is_compared_whole(shop: TestShop) -> None:
    """If this fails, a part of a token, or none, opens an order."""
    _, bought = await shop.buy(("MUG-CLASSIC", 1))
    at, token = f"/v1/orders/{bought['order']['id']}", bought["access_token"]
    wrong = (
        "x",
        "ot_",
        "ot_" + "A" * 24,
        "ot_é",
        "OT_",
        " ",
        token[:-1],
        token + "A",
        token.swapcase(),
        "ot_" + token,
    )
    for text in wrong:
        status, problem, _ = await shop.call("GET", at, headers=bearer(text))
        assert (status, problem["code"]) == (404, "not_found"), text
    assert (await shop.call("GET", at, headers=bearer(token)))[0] == 200
