"""A product as it is edited: what is stored, as a draft that can be changed and written again.

**Guarantees** (held by tests/api/products and tests/unit/products):
- An edit names the version it was made from, or takes its chances; of two edits from one version, one is refused.
- Variants made from options are all combinations, each once, each with a SKU of its own.
- What was ordered or stocked is never removed: its variant is archived.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct

from checkout.catalog.model import Image, Price, ProductDraft, VariantDraft, slugify
from config import limits

Stored = Mapping[str, Any]
"""A product's row as the store reads it, its JSON decoded."""

_UNSAFE = re.compile(r"[^A-Za-z0-9]+")


class VariantTerms(Struct, frozen=True):
    """What variants that are made together have in common."""

    prices: Mapping[str, Price]
    weight_g: int = 0
    requires_shipping: bool = True
    on_hand: int = 0
    backorder_limit: int = 0


def combinations(options: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Every way to choose one value of each option, the last option changing fastest. Cost: their product."""
    names = list(options)
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*options.values())]


def new_sku(prefix: str, options: Mapping[str, str], taken: Iterable[str]) -> str:
    """A SKU from what the variant is: `TEE-S-RED`; a number follows when that one is taken."""
    known = {sku.upper() for sku in taken}
    parts = [_UNSAFE.sub("-", slugify(value)).strip("-") for value in options.values()]
    tail = "-".join(part for part in parts if part).upper()
    head = (_UNSAFE.sub("-", prefix).strip("-") or "SKU").upper()
    room = limits.SKU_MAX_CHARS - 6
    plain = (f"{head[: max(1, room - len(tail) - 1)]}-{tail}" if tail else head)[:room].rstrip("-")
    for number in itertools.count(2):
        if plain not in known:
            return plain
        candidate = f"{plain}-{number}"
        if candidate not in known:
            return candidate
    raise AssertionError("numbers do not end")


def from_options(
    prefix: str,
    options: Mapping[str, Sequence[str]],
    terms: VariantTerms,
    *,
    existing: Sequence[VariantDraft] = (),
) -> list[VariantDraft]:
    """The variants of these options that are not among the existing ones, each with a SKU from its options."""
    had = [dict(variant.options) for variant in existing]
    taken = {variant.sku for variant in existing}
    made = []
    for chosen in combinations(options):
        if chosen in had:
            continue
        sku = new_sku(prefix, chosen, taken)
        taken.add(sku)
        made.append(
            VariantDraft(
                sku,
                terms.prices,
                title=title_of(chosen),
                options=chosen,
                weight_g=terms.weight_g,
                requires_shipping=terms.requires_shipping,
                on_hand=terms.on_hand,
                backorder_limit=terms.backorder_limit,
            )
        )
    return made


def title_of(options: Mapping[str, str]) -> str:
    """A variant's title when none is given: its values."""
    return " / ".join(options.values())


def draft_of(stored: Stored) -> ProductDraft:
    """The stored product as a draft: written again unchanged, it changes nothing."""
    return ProductDraft(
        stored["slug"],
        stored["title"],
        tuple(_variant(variant) for variant in stored["variants"]),
        description=stored["description"],
        vendor=stored["vendor"],
        status=stored["status"],
        tags=tuple(stored["tags"]),
        attributes=stored["attributes"],
        images=tuple(Image(image["url"], image.get("alt", "")) for image in stored["images"]),
        tax_class=stored["tax_class"],
        categories=tuple(stored["categories"]),
    )


def _variant(stored: Mapping[str, Any]) -> VariantDraft:
    return VariantDraft(
        stored["sku"],
        {
            currency: Price(price["amount"], price["compare_at"])
            for currency, price in stored["prices"].items()
        },
        title=stored["title"],
        options=stored["options"],
        barcode=stored["barcode"],
        weight_g=stored["weight_g"],
        requires_shipping=stored["requires_shipping"],
        backorder_limit=stored["backorder_limit"],
        position=stored["position"],
        archived=stored["archived_at"] is not None,
    )


def decoded(row: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A row's pairs with its JSON texts as values."""
    found = dict(row)
    for name in ("attributes", "images", "variants"):
        if isinstance(found.get(name), str):
            found[name] = orjson.loads(found[name])
    return found


_MOVES = frozenset({"version", "updated_at", "created_at", "id"})


def differences(
    before: Stored | None, after: Stored | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """(before, after) of the fields that differ, for the log; variants by SKU. (None, None): nothing changed."""
    old, new = _comparable(before), _comparable(after)
    if old is None or new is None:
        return old, new
    names = [name for name in new if old.get(name) != new[name] and name not in _MOVES]
    first: dict[str, Any] = {name: old.get(name) for name in names}
    second: dict[str, Any] = {name: new[name] for name in names}
    if "variants" in names:
        left, right = old["variants"], new["variants"]
        skus = [sku for sku in left.keys() | right.keys() if left.get(sku) != right.get(sku)]
        first["variants"] = {sku: left[sku] for sku in sorted(skus) if sku in left}
        second["variants"] = {sku: right[sku] for sku in sorted(skus) if sku in right}
    return (first, second) if names else (None, None)


def _comparable(stored: Stored | None) -> dict[str, Any] | None:
    if stored is None:
        return None
    shown = {name: value for name, value in stored.items() if name not in _MOVES}
    shown["variants"] = {
        variant["sku"]: {
            name: value
            for name, value in variant.items()
            if name not in ("sku", "item_id", "on_hand", "reserved", "list_prices")
        }
        for variant in stored["variants"]
    }
    return shown
