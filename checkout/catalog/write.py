"""Write products, variants, prices and first stock: in bounded batches, one transaction each, one statement for all rows.

Everything that changes products goes through here: admins' edits, files, the demo catalogue.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from checkout.catalog import store
from checkout.catalog.attributes import canonical, expected
from checkout.catalog.model import CategoryDraft, Price, ProductDraft, VariantDraft, Written, problems
from checkout.errors import Conflict, Invalid
from checkout.kit.db import Connection
from checkout.kit.ids import uuid7
from config import limits

Owners = Mapping[str, tuple[int, str]]
"""SKU → (item id, slug of its product)."""
BATCH_PRODUCTS = 100
_RECEIPTS = uuid.UUID("5f1a1c3e-3d0e-5b53-9a55-0d8f4b8f7a51")
"""Names first receipts: a SKU's first stock is received once, whoever repeats the write."""


async def upsert_categories(connection: Connection, drafts: Sequence[CategoryDraft]) -> int:
    """Writes the tree, level by level; how many nodes changed. Retry: safe.

    Raises: Invalid when a parent is neither written before nor among the drafts, and for circles and too deep trees.
    """
    waiting = {draft.slug: draft for draft in drafts}
    changed = 0
    async with connection.transaction():
        await store.lock_category_tree(connection)
        parents = {draft.parent for draft in drafts if draft.parent is not None} - set(waiting)
        unknown = sorted(parents - await store.categories_named(connection, sorted(parents)))
        if unknown:
            raise Invalid(f"No category {unknown[0]!r}.", field="parent")
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
        circular = await store.circular_category(connection, [draft.slug for draft in drafts])
        if circular is not None:
            raise Invalid(
                f"Category {circular!r} would be below itself, or deeper than {limits.CATEGORY_DEPTH_MAX}.",
                field="parent",
            )
    return changed


async def upsert_products(
    connection: Connection,
    drafts: Sequence[ProductDraft],
    *,
    reason: str = "import",
    actor: str = "system",
    owner: uuid.UUID | None = None,
) -> Written:
    """Makes the catalogue say what the drafts say; what they do not name is left alone, such as variants and currencies.

    `owner`: whose new products are; with one, products of anybody else are refused. The version (ETag) of each product
    moves when anything of it changed, its variants and prices included. Prices are the regular ones: under a price list
    that runs, they wait for its end.
    Raises: Invalid (a draft that cannot be stored, a SKU or slug twice, an unknown category, an attribute against its
    definition), Conflict `sku_taken` (the SKU belongs to another product), `slug_taken` (the product belongs to somebody
    else); then nothing of that batch is written.
    Retry: safe; the same drafts change nothing. Cost: 12 statements per 100 products; stock rows locked in item order.
    """
    written = Written()
    for at in range(0, len(drafts), BATCH_PRODUCTS):
        batch = drafts[at : at + BATCH_PRODUCTS]
        async with connection.transaction():
            written.add(await write_batch(connection, batch, reason=reason, actor=actor, owner=owner))
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


async def write_batch(
    connection: Connection,
    drafts: Sequence[ProductDraft],
    *,
    reason: str,
    actor: str,
    owner: uuid.UUID | None = None,
    only_new: bool = False,
    unchecked: Iterable[str] = (),
    owners: Owners | None = None,
) -> Written:
    """One batch of `upsert_products`, in the caller's transaction. With `only_new`, a product that exists is refused.

    `unchecked` attributes are stored as they are: an edit of a title is not held up by a definition that came later.
    `owners` is for who has held the drafts to `problems` and each other, locked the stock that they name, and looked up then
    whose SKUs exist: none of it is done again.
    """
    if owners is None:
        check(drafts)
    slugs = [draft.slug for draft in drafts]
    variants = [(draft, position, v) for draft in drafts for position, v in enumerate(draft.variants)]
    skus = [variant.sku for _, _, variant in variants]
    drafts = await _with_attributes(connection, drafts, frozenset(unchecked))
    await _refuse_unknown_categories(connection, drafts)
    if owners is None:
        await store.lock_stock_of(connection, slugs, skus)
        owners = await store.owners_of_skus(connection, skus)
    for draft, _, variant in variants:
        taken = owners.get(variant.sku)
        if taken is not None and taken[1] != draft.slug:
            raise _sku_taken(variant.sku)

    changed = await store.write_products(connection, [_product_row(draft, owner) for draft in drafts])
    made = {slug for slug, is_new in changed.items() if is_new}
    found = await store.products_by_slug(connection, slugs)
    ids = {slug: at[0] for slug, at in found.items()}
    for slug in slugs:
        if (only_new and slug not in made) or (owner is not None and found[slug][1] != owner):
            raise Conflict(f"The slug {slug!r} belongs to another product.", code="slug_taken")
    new = [variant for _, _, variant in variants if variant.sku not in owners]
    items = {sku: taken[0] for sku, taken in owners.items()}
    items.update(zip((v.sku for v in new), await store.new_item_ids(connection, len(new)), strict=True))
    if new:
        await store.write_stock(
            connection, [_stock_row(items[v.sku], v) for v in new], reason=reason, actor=actor
        )
    known = [
        {"item_id": items[v.sku], "backorder_limit": v.backorder_limit}
        for _, _, v in variants
        if v.sku in owners and v.backorder_limit is not None
    ]
    limited = await store.write_backorder_limits(connection, known) if known else []
    rows = [_variant_row(items[v.sku], ids[draft.slug], position, v) for draft, position, v in variants]
    variants_changed = await store.write_variants(connection, rows)
    for variant in new:
        if variant.sku not in variants_changed:  # somebody made it between our look and our write
            raise _sku_taken(variant.sku)
    prices_changed = await store.write_prices(
        connection,
        [
            _price_row(items[v.sku], currency, price)
            for _, _, v in variants
            for currency, price in v.prices.items()
        ],
    )
    members = [
        {"product_id": ids[d.slug], "slug": slug} for d in drafts for slug in dict.fromkeys(d.categories)
    ]
    older = [slug for slug in slugs if slug not in made]
    moved = await store.write_memberships(connection, members, [ids[slug] for slug in older])
    done = {*changed, *moved}
    if not done.issuperset(older):
        moved += await store.touch_products(
            connection,
            ids=list(variants_changed.values()),
            items=[*limited, *prices_changed],
            but=list(done),
        )
    return Written(
        products_created=len(made),
        products_changed=len((set(changed) | set(moved)) - made),
        variants_created=len(new),
        variants_changed=len(variants_changed) - len(new),
        prices_changed=len(prices_changed),
        received=sum(variant.on_hand for variant in new),
    )


async def set_prices(connection: Connection, prices: Mapping[str, Mapping[str, Price]]) -> int:
    """Sets regular prices by SKU and currency; how many changed. Every open quote of these SKUs is stale from the commit on,
    but where a price list covers the price: there the new one waits for the list's end.

    Raises: Invalid on a SKU that does not exist. Retry: safe.
    """
    async with connection.transaction():
        items = await store.items_of_skus(connection, list(prices))
        unknown = sorted(set(prices) - set(items))
        if unknown:
            raise Invalid(f"No SKU {unknown[0]!r}.", field="sku")
        changed = await store.write_prices(
            connection,
            [
                _price_row(items[sku], currency, price)
                for sku, by_currency in prices.items()
                for currency, price in by_currency.items()
            ],
        )
        if changed:
            await store.touch_products(connection, items=changed)
        return len(changed)


async def _with_attributes(
    connection: Connection, drafts: Sequence[ProductDraft], unchecked: frozenset[str]
) -> Sequence[ProductDraft]:
    """The drafts with each attribute in its one spelling. Raises: Invalid for what is no value of its definition."""
    names = {name for draft in drafts for name in draft.attributes} - unchecked
    defined = await store.attributes_named(connection, sorted(names)) if names else {}
    if not defined:
        return drafts
    spelled = []
    for draft in drafts:
        attributes = dict(draft.attributes)
        wrong = []
        for name in attributes.keys() & defined.keys():
            value = canonical(defined[name], attributes[name])
            if value is None:
                wrong.append((f"attributes.{name}", expected(defined[name])))
            else:
                attributes[name] = value
        if wrong:
            wrong.sort()
            raise Invalid(f"Product {draft.slug!r}: {wrong[0][0]} {wrong[0][1]}", errors=wrong)
        spelled.append(msgspec.structs.replace(draft, attributes=attributes))
    return spelled


async def _refuse_unknown_categories(connection: Connection, drafts: Sequence[ProductDraft]) -> None:
    wanted = {slug for draft in drafts for slug in draft.categories}
    unknown = sorted(wanted - await store.categories_named(connection, sorted(wanted))) if wanted else []
    if unknown:
        raise Invalid(f"No category {unknown[0]!r}.", field="categories")


def _sku_taken(sku: str) -> Conflict:
    return Conflict(f"SKU {sku} belongs to another product.", code="sku_taken")


def _product_row(draft: ProductDraft, owner: uuid.UUID | None) -> dict[str, object]:
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
        "owner_id": owner,
    }


def _stock_row(item_id: int, variant: VariantDraft) -> dict[str, object]:
    return {
        "item_id": item_id,
        "on_hand": variant.on_hand,
        "backorder_limit": variant.backorder_limit or 0,
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
        "archived": variant.archived,
    }


def _price_row(item_id: int, currency: str, price: Price) -> dict[str, object]:
    return {
        "item_id": item_id,
        "currency": currency,
        "amount_minor": price.amount_minor,
        "compare_at_minor": price.compare_at_minor,
    }
