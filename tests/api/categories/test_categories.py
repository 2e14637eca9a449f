"""The tree of categories: made, moved without circles, seen by shoppers, kept from those who may not."""

import asyncio
import json
from typing import Any

import msgspec

from checkout.categories import shape
from config import limits
from tests.api.products.conftest import PRODUCTS, Desk

CATEGORIES = "/v1/admin/categories"


async def make(desk: Desk, slug: str, parent: str | None = None, **more: Any) -> Any:
    """A category."""
    body = {"name": slug.title(), "slug": slug, "parent": parent}
    return await desk.ok("POST", CATEGORIES, body | more)


async def tree(desk: Desk) -> dict[str, str | None]:
    """Slug → parent, as shoppers see it."""
    await asyncio.sleep(limits.INVALIDATION_MAX_S)
    _, shown, _ = await desk.shop.call("GET", "/v1/categories")
    return {item["slug"]: item["parent"] for item in shown["items"]}


async def test_categories_are_made_moved_and_deleted(desk: Desk) -> None:
    """If this fails, the shop's tree cannot follow its range, or shoppers see an old one."""
    await make(desk, "house")
    made = await make(desk, "lamps", "house", position=3)
    msgspec.json.decode(json.dumps(made), type=shape.AdminCategory)
    assert (made["parent"], made["position"], made["version"]) == ("house", 3, 1)
    assert (await tree(desk))["lamps"] == "house"
    product = await desk.make(categories=["lamps"])
    _, shown, _ = await desk.shop.call("GET", "/v1/products/scarf")
    assert shown["categories"] == [{"slug": "lamps", "name": "Lamps"}]
    changed = await desk.ok(
        "PATCH", f"{CATEGORIES}/{made['id']}", {"name": "Lights", "parent": None}, version=1
    )
    assert (changed["name"], changed["parent"], changed["position"], changed["version"]) == (
        "Lights",
        None,
        3,
        2,
    )
    assert (await tree(desk))["lamps"] is None
    _, shown, _ = await desk.shop.call("GET", "/v1/products/scarf")
    assert shown["categories"] == [{"slug": "lamps", "name": "Lights"}], "the product's page has the new name"
    same = await desk.ok("PATCH", f"{CATEGORIES}/{made['id']}", {"name": "Lights"})
    assert same["version"] == 2
    status, problem, _ = await desk.call("PATCH", f"{CATEGORIES}/{made['id']}", {"name": "x"}, version=1)
    assert (status, problem["code"]) == (412, "stale_version")
    status, problem, _ = await desk.call("DELETE", f"{CATEGORIES}/{made['id']}", version=1)
    assert (status, problem["code"]) == (412, "stale_version")
    assert (await desk.call("DELETE", f"{CATEGORIES}/{made['id']}", version=2))[0] == 204
    assert "lamps" not in await tree(desk)
    assert (await desk.ok("GET", f"{PRODUCTS}/{product['id']}"))["categories"] == []
    assert [action for action, _, _ in await desk.log(made["id"])] == [
        "category.create", "category.edit", "category.delete",
    ]  # fmt: skip


async def test_a_branch_in_use_is_not_deleted(desk: Desk) -> None:
    """If this fails, deleting a category takes a whole branch of the shop with it."""
    top = await make(desk, "house")
    await make(desk, "lamps", "house")
    status, problem, _ = await desk.call("DELETE", f"{CATEGORIES}/{top['id']}")
    assert (status, problem["code"]) == (409, "category_in_use")


async def test_what_cannot_be_a_tree_is_refused(desk: Desk) -> None:
    """If this fails, a category is below itself and every listing of it never ends."""
    top = await make(desk, "top")
    await make(desk, "middle", "top")
    await make(desk, "bottom", "middle")
    for body, status, code in (
        ({"parent": "top"}, 400, "invalid"),
        ({"parent": "bottom"}, 400, "invalid"),
        ({"parent": "nowhere"}, 400, "invalid"),
        ({"slug": "middle"}, 409, "slug_taken"),
        ({"slug": "Middle"}, 400, "invalid"),
        ({"name": ""}, 400, "invalid"),
        ({"position": -1}, 400, "invalid"),
    ):
        got, problem, _ = await desk.call("PATCH", f"{CATEGORIES}/{top['id']}", body)
        assert (got, problem["code"]) == (status, code), body
    assert await desk.ok("GET", f"{CATEGORIES}/{top['id']}") == top
    parent = "bottom"
    for depth in range(limits.CATEGORY_DEPTH_MAX - 3):
        await make(desk, f"deep-{depth}", parent)
        parent = f"deep-{depth}"
    status, problem, _ = await desk.call("POST", CATEGORIES, {"name": "Too deep", "parent": parent})
    assert (status, problem["errors"][0]["field"]) == (400, "parent")
    other = await make(desk, "other")
    await make(desk, "below", "other")
    status, _, _ = await desk.call("PATCH", f"{CATEGORIES}/{other['id']}", {"parent": f"deep-{depth - 1}"})
    assert status == 400, "what is below it would be too deep"
    assert (await desk.call("POST", CATEGORIES, {"name": "🪑"}))[0] == 400
    assert (await desk.call("POST", CATEGORIES, {"name": "Top"}))[1]["code"] == "slug_taken"


async def test_two_moves_at_once_close_no_circle(desk: Desk) -> None:
    """If this fails, two editors who each move one branch below the other's make both vanish from the tree."""
    for turn in range(5):
        nodes = [await make(desk, f"t{turn}-{n}") for n in range(4)]
        await asyncio.gather(
            *(
                desk.call("PATCH", f"{CATEGORIES}/{node['id']}", {"parent": other["slug"]})
                for node in nodes
                for other in nodes
                if node is not other
            )
        )
        rows = await desk.shop.db.fetch(
            "SELECT c.slug, p.slug AS parent FROM categories c LEFT JOIN categories p ON p.id = c.parent_id WHERE c.slug LIKE $1",
            f"t{turn}-%",
        )
        parents = {row["slug"]: row["parent"] for row in rows}
        assert sum(parent is None for parent in parents.values()) == 1, "all moved but one"
        for slug in parents:
            steps = 0
            at: str | None = slug
            while at is not None:
                at, steps = parents[at], steps + 1
                assert steps <= 4, parents


async def test_categories_are_nobodys_own(desk: Desk) -> None:
    """If this fails, a vendor rearranges the shop."""
    made = await make(desk, "house")
    for who in ("vendor", "support", "customer"):
        for method, path, body in (
            ("GET", CATEGORIES, None),
            ("POST", CATEGORIES, {"name": "x"}),
            ("PATCH", f"{CATEGORIES}/{made['id']}", {"name": "x"}),
            ("DELETE", f"{CATEGORIES}/{made['id']}", None),
        ):
            assert (await desk.call(method, path, body, who=who))[0] == 403, (who, method)
    page = await desk.ok("GET", f"{CATEGORIES}?limit=1")
    msgspec.json.decode(json.dumps(page), type=shape.AdminCategories)
    more = await desk.ok("GET", f"{CATEGORIES}?limit=100&cursor={page['next_cursor']}")
    slugs = [item["slug"] for item in page["items"] + more["items"]]
    assert slugs == sorted(slugs)
    assert "house" in slugs
