"""Change a product: its fields, its variants, its regular prices. One transaction, guarded by its version."""

import uuid
from collections.abc import Callable
from typing import Any

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from checkout.access.model import Grant
from checkout.access.store import record
from checkout.catalog.model import ProductDraft, VariantDraft
from checkout.catalog.store import drop_prices, owners_of_skus
from checkout.catalog.write import write_batch
from checkout.errors import Conflict, NotFound
from checkout.kit.db import Connection, Pool, writing
from checkout.products import store
from checkout.products.model import Stored, differences, draft_of

Change = Callable[[ProductDraft], ProductDraft]


async def edit(
    pool: Pool,
    grant: Grant,
    product_id: uuid.UUID | None,
    version: int | None,
    change: Change,
    *,
    action: str = "product.edit",
    owner: uuid.UUID | UnsetType | None = UNSET,
    keep_used: bool = True,
) -> dict[str, Any]:
    """The product after the change. Variants that the changed draft leaves out are removed; those that were stocked or
    ordered are archived instead, or refused when not `keep_used`.

    Raises: NotFound, Stale, Invalid, Conflict (`slug_taken`, `sku_taken`, `variant_in_use`, `last_variant`), Unavailable.
    Retry: safe with If-Match. Cost: about 16 statements; the product's stock rows are locked in item order.
    """
    async with writing(pool) as connection:
        before = await store.opened(connection, product_id, grant.owner, version)
        stored = draft_of(before)
        wanted = change(stored)
        if all(variant.archived for variant in wanted.variants):
            raise Conflict(
                "Nothing would be left to sell; archive or unpublish the product instead.",
                code="last_variant",
            )
        await _refuse_others_skus(connection, before, wanted)
        wanted = await _without_gone(connection, before, stored, wanted, keep_used=keep_used)
        if wanted.slug != stored.slug:
            await store.rename(connection, before["id"], wanted.slug)
        unchecked = [
            name for name, value in wanted.attributes.items() if before["attributes"].get(name) == value
        ]
        await write_batch(connection, [wanted], reason="first stock", actor=grant.actor, unchecked=unchecked)
        await _drop_prices(connection, before, wanted)
        if not isinstance(owner, UnsetType):
            await store.give_to(connection, before["id"], owner)
        after = await store.reread(connection, before["id"])
        await log(connection, grant, action, before, after)
        return after


async def log(connection: Connection, grant: Grant, action: str, before: Stored, after: Stored) -> None:
    """Writes what changed into the audit log; nothing when nothing did."""
    first, second = differences(before, after)
    if second is not None:
        await record(
            connection, actor=grant.actor, action=action, subject=str(after["id"]), before=first, after=second
        )


def with_variant(sku: str, change: Callable[[VariantDraft], VariantDraft | None]) -> Change:
    """The change of one variant; None removes it. Raises (when applied): NotFound."""

    def apply(draft: ProductDraft) -> ProductDraft:
        if all(variant.sku != sku for variant in draft.variants):
            raise NotFound("This product has no such SKU.")
        changed = [change(variant) if variant.sku == sku else variant for variant in draft.variants]
        return replace(draft, variants=tuple(variant for variant in changed if variant is not None))

    return apply


def adding(make: Callable[[ProductDraft], list[VariantDraft]]) -> Change:
    """The change that puts more variants behind those that are there. Raises (when applied): Conflict `sku_taken`."""

    def apply(draft: ProductDraft) -> ProductDraft:
        new = make(draft)
        known = {variant.sku for variant in draft.variants}
        for variant in new:
            if variant.sku in known:
                raise Conflict(f"SKU {variant.sku} is there already.", code="sku_taken")
        behind = max((variant.position or 0 for variant in draft.variants), default=-1) + 1
        placed = [replace(variant, position=behind + at) for at, variant in enumerate(new)]
        return replace(draft, variants=(*draft.variants, *placed))

    return apply


async def _refuse_others_skus(connection: Connection, before: Stored, wanted: ProductDraft) -> None:
    """Before any other stock row is locked: theirs would come out of order."""
    known = {variant["sku"] for variant in before["variants"]}
    new = [variant.sku for variant in wanted.variants if variant.sku not in known]
    for sku in await owners_of_skus(connection, new) if new else ():
        raise Conflict(f"SKU {sku} belongs to another product.", code="sku_taken")


async def _without_gone(
    connection: Connection, before: Stored, stored: ProductDraft, wanted: ProductDraft, *, keep_used: bool
) -> ProductDraft:
    """Removes the variants that are not wanted, and adds those that must stay as archived ones."""
    named = {variant.sku for variant in wanted.variants}
    gone = {
        variant["item_id"]: variant["sku"] for variant in before["variants"] if variant["sku"] not in named
    }
    if not gone:
        return wanted
    used = await store.used_items(connection, list(gone))
    if used and not keep_used:
        raise Conflict(
            f"SKU {gone[min(used)]} has stock, orders or a history; set archived instead.",
            code="variant_in_use",
        )
    await store.remove_variants(connection, [item for item in gone if item not in used])
    kept = {gone[item] for item in used}
    archived = [
        replace(variant, archived=True, position=None) for variant in stored.variants if variant.sku in kept
    ]
    return replace(wanted, variants=(*wanted.variants, *archived))


async def _drop_prices(connection: Connection, before: Stored, wanted: ProductDraft) -> None:
    named = {variant.sku: variant.prices for variant in wanted.variants}
    gone = [
        {"item_id": variant["item_id"], "currency": currency}
        for variant in before["variants"]
        if variant["sku"] in named
        for currency in variant["prices"]
        if currency not in named[variant["sku"]]
    ]
    if gone:
        await drop_prices(connection, gone)
