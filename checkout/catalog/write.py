"""Write products, variants, prices and first stock: in bounded batches, one transaction each, one statement for all rows."""

import uuid
from collections.abc import Mapping, Sequence

from checkout.catalog import store
from checkout.catalog.model import CategoryDraft, Price, ProductDraft, VariantDraft, Written, problems
from checkout.errors import Conflict, Invalid
from checkout.kit.db import Connection
from checkout.kit.ids import uuid7

BATCH_PRODUCTS = 100
_RECEIPTS = uuid.UUID("5f1a1c3e-3d0e-5b53-9a55-0d8f4b8f7a51")
"""Names first receipts: a SKU's first stock is received once, whoever repeats the write."""


async def upsert_categories(connection: Connection, drafts: Sequence[CategoryDraft]) -> int:
    """Writes the tree, level by level; how many nodes changed. Retry: safe.

    Raises: Invalid when a parent is neither written before nor among the drafts.
    """
    waiting = {draft.slug: draft for draft in drafts}
    changed = 0
    async with connection.transaction():
        while waiting:
            level = [draft for draft in waiting.values() if draft.parent not in waiting]
            if not level:
                raise Invalid("The categories form a circle.", field="parent")
            rows = [
                {"id": uuid7(), "parent": d.parent, "slug": d.slug, "name": d.name, "position": d.position}
                for d in level
            ]
            changed += await store.write_categories(connection, rows)
            for draft in level:
                del waiting[draft.slug]
    return changed


async def upsert_products(
    connection: Connection, drafts: Sequence[ProductDraft], *, reason: str = "import", actor: str = "system"
) -> Written:
    """Makes the catalogue say what the drafts say; what they do not name is left alone.

    Raises: Invalid (a draft that cannot be stored, a SKU or slug twice), Conflict `sku_taken` (the SKU belongs to another
    product); then nothing of that batch is written.
    Retry: safe; the same drafts change nothing. Cost: 9 statements per 100 products; stock rows locked in item order.
    """
    written = Written()
    for at in range(0, len(drafts), BATCH_PRODUCTS):
        batch = drafts[at : at + BATCH_PRODUCTS]
        check(batch)
        async with connection.transaction():
            written.add(await _write_batch(connection, batch, reason=reason, actor=actor))
    return written


def check(drafts: Sequence[ProductDraft]) -> None:
    """Refuses what cannot be stored. Raises: Invalid with every problem of the first bad draft."""
    slugs: set[str] = set()
    skus: set[str] = set()
    for draft in drafts:
        found = list(problems(draft))
        if draft.slug in slugs:
            found.append(("slug", "is used twice"))
        slugs.add(draft.slug)
        for variant in draft.variants:
            if variant.sku in skus:
                found.append(("sku", f"{variant.sku} is used twice"))
            skus.add(variant.sku)
        if found:
            raise Invalid(f"Product {draft.slug!r}: {found[0][0]} {found[0][1]}", errors=found)


async def _write_batch(
    connection: Connection, drafts: Sequence[ProductDraft], *, reason: str, actor: str
) -> Written:
    slugs = [draft.slug for draft in drafts]
    variants = [(draft, position, v) for draft in drafts for position, v in enumerate(draft.variants)]
    skus = [variant.sku for _, _, variant in variants]
    await store.lock_stock_of(connection, slugs, skus)
    owners = await store.owners_of_skus(connection, skus)
    for draft, _, variant in variants:
        owner = owners.get(variant.sku)
        if owner is not None and owner[1] != draft.slug:
            raise Conflict(f"SKU {variant.sku} belongs to product {owner[1]!r}.", code="sku_taken")

    changed = await store.write_products(connection, [_product_row(draft) for draft in drafts])
    created = [slug for slug, is_new in changed.items() if is_new]
    ids = await store.products_by_slug(connection, slugs)
    new = [variant for _, _, variant in variants if variant.sku not in owners]
    items = {sku: owner[0] for sku, owner in owners.items()}
    items.update(zip((v.sku for v in new), await store.new_item_ids(connection, len(new)), strict=True))
    if new:
        await store.write_stock(
            connection, [_stock_row(items[v.sku], v) for v in new], reason=reason, actor=actor
        )
    known = [
        {"item_id": items[v.sku], "backorder_limit": v.backorder_limit}
        for _, _, v in variants
        if v.sku in owners
    ]
    if known:
        await store.write_backorder_limits(connection, known)
    rows = [_variant_row(items[v.sku], ids[draft.slug], position, v) for draft, position, v in variants]
    variants_changed = await store.write_variants(connection, rows)
    prices = [
        _price_row(items[v.sku], currency, price)
        for _, _, v in variants
        for currency, price in v.prices.items()
    ]
    prices_changed = await store.write_prices(connection, prices)
    members = [
        {"product_id": ids[d.slug], "slug": slug} for d in drafts for slug in dict.fromkeys(d.categories)
    ]
    moved = await store.write_memberships(
        connection, members, list(ids.values()), [ids[slug] for slug in created]
    )
    return Written(
        products_created=len(created),
        products_changed=len((set(changed) | set(moved)) - set(created)),
        variants_created=len(new),
        variants_changed=len(variants_changed) - len(new),
        prices_changed=prices_changed,
        received=sum(variant.on_hand for variant in new),
    )


async def set_prices(connection: Connection, prices: Mapping[str, Mapping[str, Price]]) -> int:
    """Sets prices by SKU and currency; how many changed. Every open quote of these SKUs is stale from the commit on.

    Raises: Invalid on a SKU that does not exist. Retry: safe.
    """
    async with connection.transaction():
        items = await store.items_of_skus(connection, list(prices))
        unknown = sorted(set(prices) - set(items))
        if unknown:
            raise Invalid(f"No SKU {unknown[0]!r}.", field="sku")
        rows = [
            _price_row(items[sku], currency, price)
            for sku, by_currency in prices.items()
            for currency, price in by_currency.items()
        ]
        return await store.write_prices(connection, rows)


def _product_row(draft: ProductDraft) -> dict[str, object]:
    return {
        "id": uuid7(),
        "slug": draft.slug,
        "title": draft.title,
        "description": draft.description,
        "vendor": draft.vendor,
        "status": draft.status,
        "tags": list(dict.fromkeys(draft.tags)),
        "attributes": dict(draft.attributes),
        "images": [{"url": image.url, "alt": image.alt} for image in draft.images],
        "tax_class": draft.tax_class,
    }


def _stock_row(item_id: int, variant: VariantDraft) -> dict[str, object]:
    return {
        "item_id": item_id,
        "on_hand": variant.on_hand,
        "backorder_limit": variant.backorder_limit,
        "movement_id": uuid.uuid5(_RECEIPTS, variant.sku),
    }


def _variant_row(
    item_id: int, product_id: uuid.UUID, position: int, variant: VariantDraft
) -> dict[str, object]:
    return {
        "item_id": item_id,
        "product_id": product_id,
        "sku": variant.sku,
        "barcode": variant.barcode,
        "title": variant.title,
        "options": dict(variant.options),
        "weight_g": variant.weight_g,
        "requires_shipping": variant.requires_shipping,
        "position": position if variant.position is None else variant.position,
    }


def _price_row(item_id: int, currency: str, price: Price) -> dict[str, object]:
    return {
        "item_id": item_id,
        "currency": currency,
        "amount_minor": price.amount_minor,
        "compare_at_minor": price.compare_at_minor,
    }
