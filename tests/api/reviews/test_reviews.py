"""Reviews by buyers: who may write, what is public, what the rating is."""

import asyncio
import uuid
from typing import Any

import pytest

from tests.api.access.conftest import Desk, desk
from tests.shop import TestShop

__all__ = ["desk"]
MUG = "/v1/products/mug-classic/reviews"
GOOD = {"stars": 5, "title": "Keeps its warmth", "text": "Two winters, no crack.", "author": "Ada"}


async def bought(
    shop: TestShop, account_id: uuid.UUID, *, sku: str = "MUG-CLASSIC", paid: bool = True
) -> None:
    """An order of this account, as a payment leaves it."""
    status, document = await shop.buy((sku, 1))
    assert status == 201
    order = uuid.UUID(document["order"]["id"])
    await shop.db.execute("UPDATE orders SET account_id = $2 WHERE id = $1", order, account_id)
    if paid:
        await shop.db.execute("UPDATE orders SET status = 'paid', paid_at = now() WHERE id = $1", order)


async def written(desk: Desk, who: str = "customer", **changes: Any) -> Any:
    """A review of the mug by this shopper, who has bought it."""
    await bought(desk.shop, desk.ids[who])
    return await desk.call(who, "POST", MUG, json=GOOD | changes, expect=201)


async def moderated(desk: Desk, review: Any, verb: str = "approve", **body: Any) -> Any:
    """The review, approved or rejected by support."""
    path = f"/v1/admin/reviews/{review['id']}/{verb}"
    return await desk.call("support", "POST", path, expect=200, **({"json": body} if body else {}))


async def rating(desk: Desk, path: str = "/v1/products/mug-classic") -> Any:
    """The product's rating as shoppers read it, once the caches have heard of the change."""
    await asyncio.sleep(0.25)
    return (await desk.call({}, "GET", path, expect=200))["rating"]


async def test_only_who_bought_and_paid_may_review(desk: Desk) -> None:
    """If this fails, anybody praises or damns a product that they never had."""
    assert (await desk.call({}, "POST", MUG, json=GOOD))[0] == 401
    refused = await desk.call("customer", "POST", MUG, json=GOOD, expect=403)
    assert refused["code"] == "not_bought"
    await bought(desk.shop, desk.ids["customer"], paid=False)
    await bought(desk.shop, desk.ids["customer"], sku="TEE-BLACK-M")
    await desk.call("customer", "POST", MUG, json=GOOD, expect=403)
    await bought(desk.shop, desk.ids["customer"])
    review = await desk.call("customer", "POST", MUG, json=GOOD, expect=201)
    assert (review["status"], review["author"]) == ("pending", "Ada")
    again = await desk.call("customer", "POST", MUG, json=GOOD, expect=409)
    assert again["code"] == "review_exists"
    await desk.call("customer", "POST", "/v1/products/no-such/reviews", json=GOOD, expect=404)


async def test_nothing_is_public_before_it_is_approved(desk: Desk) -> None:
    """If this fails, insults and advertisements stand on product pages until somebody complains."""
    review = await written(desk)
    assert (await desk.call({}, "GET", MUG, expect=200))["items"] == []
    queue = await desk.call("support", "GET", "/v1/admin/reviews", expect=200)
    assert [(item["id"], item["product"]["slug"]) for item in queue["items"]] == [
        (review["id"], "mug-classic")
    ]
    await moderated(desk, review)
    assert await rating(desk) == {"average": 5, "count": 1}
    page = await desk.call({}, "GET", MUG, expect=200)
    assert page["rating"] == {
        "average": 5.0,
        "count": 1,
        "by_stars": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 1},
    }
    (shown,) = page["items"]
    assert set(shown) == {"id", "stars", "title", "text", "author", "created_at"}
    assert (await desk.call("support", "GET", "/v1/admin/reviews", expect=200))["items"] == []
    await moderated(desk, review, "reject", reason="Says where the author lives.")
    assert await rating(desk) is None
    assert (await desk.call({}, "GET", MUG, expect=200))["items"] == []
    mine = await desk.call("customer", "GET", f"{MUG}/mine", expect=200)
    assert (mine["status"], mine["reason"]) == ("rejected", "Says where the author lives.")
    log = await desk.shop.db.fetch(
        "SELECT action, actor FROM audit_log WHERE subject = $1 ORDER BY id", review["id"]
    )
    assert [(row["action"], row["actor"]) for row in log] == [
        ("review.approve", str(desk.ids["support"])),
        ("review.reject", str(desk.ids["support"])),
    ]


async def test_an_edit_needs_the_version_it_was_made_from_and_is_moderated_anew(desk: Desk) -> None:
    """If this fails, a review is approved and then becomes an advertisement; or one of two edits is lost."""
    review = await written(desk)
    await moderated(desk, review)
    _, _, fields = await desk.call("customer", "GET", f"{MUG}/mine")
    tag = {"If-Match": fields["ETag"]}
    edits = await asyncio.gather(
        *(
            desk.call("customer", "PUT", f"{MUG}/mine", json=GOOD | {"stars": stars}, headers=tag)
            for stars in (1, 2, 3, 4)
        )
    )
    assert sorted(status for status, _, _ in edits) == [200, 412, 412, 412]
    mine = await desk.call("customer", "GET", f"{MUG}/mine", expect=200)
    assert mine["status"] == "pending"
    assert await rating(desk) is None
    stale = {"If-Match": '"1"'}
    path = f"/v1/admin/reviews/{review['id']}/approve"
    assert (await desk.call("support", "POST", path, headers=stale))[0] == 412
    await desk.call("customer", "DELETE", f"{MUG}/mine", expect=204)
    await desk.call("customer", "GET", f"{MUG}/mine", expect=404)


async def test_the_rating_is_that_of_all_approved_reviews_however_they_race(desk: Desk) -> None:
    """If this fails, two moderators at once leave a product with a rating that no reviews account for."""
    reviews = []
    for number in range(8):
        name = f"buyer{number}"
        await desk.add(name, "customer")
        reviews.append(await written(desk, name, stars=number % 5 + 1))
    await asyncio.gather(*(moderated(desk, review) for review in reviews))
    await asyncio.gather(
        moderated(desk, reviews[0], "reject", reason="no"),
        desk.call("buyer1", "DELETE", f"{MUG}/mine", expect=204),
    )
    stars = [number % 5 + 1 for number in range(2, 8)]
    assert await rating(desk) == {"average": round(sum(stars) / len(stars), 2), "count": len(stars)}
    listed = await desk.call({}, "GET", "/v1/products?sort=rating&limit=1", expect=200)
    assert listed["items"][0]["slug"] == "mug-classic"
    assert listed["items"][0]["rating"]["count"] == len(stars)


async def test_pages_of_reviews_hold_each_once(desk: Desk) -> None:
    """If this fails, a reader of reviews sees one twice, or never."""
    for number in range(5):
        await desk.add(f"buyer{number}", "customer")
        await moderated(desk, await written(desk, f"buyer{number}"))
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = await desk.call(
            {}, "GET", f"{MUG}?limit=2&cursor={cursor}" if cursor else f"{MUG}?limit=2", expect=200
        )
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 5


async def test_an_erased_account_leaves_no_name(desk: Desk) -> None:
    """If this fails, a review names a person who asked to be forgotten."""
    review = await written(desk)
    await moderated(desk, review)
    await desk.shop.db.execute("INSERT INTO erased_accounts (account_id) VALUES ($1)", desk.ids["customer"])
    row = await desk.shop.db.fetchrow("SELECT account_id, author FROM reviews")
    assert (row["account_id"], row["author"]) == (None, "")


async def test_a_moderator_of_own_products_sees_no_others(desk: Desk) -> None:
    """If this fails, a vendor silences the reviews of a competitor."""
    review = await written(desk)
    await desk.give_role({"shopkeeper": ["own:reviews:read", "own:reviews:write"]})
    keeper = desk.token("vendor", "shopkeeper")
    path = f"/v1/admin/reviews/{review['id']}"
    assert (await desk.call(keeper, "GET", "/v1/admin/reviews", expect=200))["items"] == []
    await desk.call(keeper, "POST", f"{path}/approve", expect=404)
    await desk.shop.db.execute(
        "UPDATE products SET owner_id = $1 WHERE slug = 'mug-classic'", desk.ids["vendor"]
    )
    assert len((await desk.call(keeper, "GET", "/v1/admin/reviews", expect=200))["items"]) == 1
    await desk.call(keeper, "POST", f"{path}/approve", expect=200)


@pytest.mark.parametrize(
    "body",
    [
        {"stars": 0, "title": "x"},
        {"stars": 6, "title": "x"},
        {"stars": 2**63, "title": "x"},
        {"stars": 5, "title": "   "},
        {"stars": 5, "title": "x" * 121},
        {"stars": 5, "title": "x", "text": "y" * 5001},
        {"stars": 5, "title": "x\0"},
        {"stars": 5, "title": "x", "status": "approved"},
        {"stars": 5, "title": "x", "author": "z" * 41},
    ],
)
async def test_what_is_no_review_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    """If this fails, a client approves its own review, or a field that Postgres cannot hold ends in a 500."""
    await bought(desk.shop, desk.ids["customer"])
    await desk.call("customer", "POST", MUG, json=body, expect=400)


@pytest.mark.parametrize("cursor", ["zzz", "WyIyMDI2Il0=", "WyIwMDAxLTAxLTAxIiwieCJd", "%00", "W10="])
async def test_a_made_up_cursor_is_refused(desk: Desk, cursor: str) -> None:
    """If this fails, a stranger's cursor is answered with a 500."""
    await desk.call({}, "GET", f"{MUG}?cursor={cursor}", expect=400)
