"""A catalogue that words can be searched in."""

from collections.abc import Sequence

import pytest

from checkout.catalog.model import Price, ProductDraft, VariantDraft
from checkout.catalog.write import upsert_products
from tests.api.catalog.conftest import Shelf, shelf

__all__ = ["shelf"]


def product(slug: str, title: str, **changes: object) -> ProductDraft:
    """A draft with one variant of a price that follows from the slug."""
    price = 100 + sum(map(ord, slug)) % 7 * 100
    sku = "S-" + slug.upper()
    made = {"variants": (VariantDraft(sku, {"EUR": Price(price), "USD": Price(price * 2)}),)}
    return ProductDraft(slug, title, **(made | changes))  # type: ignore[arg-type]  # the caller names fields


@pytest.fixture
async def words(shelf: Shelf) -> Shelf:
    """The demo, and products whose words are told apart by accents, weight of place and letters."""
    drafts: Sequence[ProductDraft] = (
        product("cafe", "Café crème bowl", tags=("Été",), description="<p>for&nbsp;breakfast</p>"),
        product("tall-glass", "Tall drinking glass", vendor="Müller & Søn"),
        product("zebra", "Zebra", description="A poster."),
        product("zebra-rug", "Zebra rug for a long floor", attributes={"material": "wool"}),
        product("stripes", "Stripes", description="Like a zebra has them."),
        product("quote", "O'Neill's \"best\" 100% \\ back & forth | (pair)"),
        product("emoji", "Smile 😀 cup"),
        product("russian", "Чайник синий"),
    )
    await upsert_products(shelf.db, drafts)
    return shelf
