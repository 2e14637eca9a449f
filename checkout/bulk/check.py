"""Hold a file's products against what the shop has: whose they are, which SKUs are taken, what stock is promised. Pure."""

import uuid
from collections import Counter
from collections.abc import Collection, Mapping

from msgspec.structs import replace

from checkout.bulk.model import Known, Parsed, Path, RowProblem
from checkout.catalog.model import CategoryDraft, VariantDraft


class Shelves:
    """The tree of categories. Shape: `texts` by id are paths as files write them, `names` by slug."""

    def __init__(self, texts: Mapping[uuid.UUID, str], names: Mapping[str, str]) -> None:
        self.texts = texts
        self._names = dict(names)

    def missing(self, paths: Collection[Path]) -> list[CategoryDraft]:
        """The categories of these paths that are not there; the first path that names one says where it goes."""
        found: dict[str, CategoryDraft] = {}
        for path in paths:
            parent: str | None = None
            for slug, name in path:
                if slug not in self._names and slug not in found:
                    title = name or slug.replace("-", " ").capitalize()
                    found[slug] = CategoryDraft(slug, title, parent)
                parent = slug
        return list(found.values())

    def learn(self, made: Collection[CategoryDraft]) -> None:
        """These are there now."""
        self._names.update((draft.slug, draft.name) for draft in made)


def checked(
    parsed: Parsed,
    *,
    came_before: bool,
    owners: Mapping[str, uuid.UUID | None],
    known: Mapping[str, Known],
    places: Mapping[str, int],
    shelves: Shelves,
    owner: uuid.UUID | None,
) -> Parsed:
    """The product with what the shop says about it: problems, and the places of its variants.

    Variants that exist keep their place, new ones come behind them. Shape: `owners` by slug, of products that exist;
    `places` is the last place of each; `owner` is whose import it is.
    """
    draft, first, said = parsed.product, parsed.first_row, parsed.problems
    if draft is None:
        return parsed
    if came_before:
        said.append(RowProblem(first, "slug", "came before: the rows of a product must follow each other"))
    if owner is not None and owners.get(draft.slug, owner) != owner:
        said.append(RowProblem(first, "slug", "is taken: choose another", value=draft.slug))
    if owner is not None and (missing := shelves.missing(parsed.paths)):
        message = "is no category of this shop: ask its admin to make it"
        said.append(RowProblem(first, "categories", message, value=missing[0].slug))
    times = Counter(variant.sku for variant in draft.variants)
    for variant in draft.variants:
        unit = known.get(variant.sku)
        if times[variant.sku] > 1:
            said.append(RowProblem(first, "sku", "is there twice in this product", value=variant.sku))
        elif unit is not None and unit.slug != draft.slug:
            said.append(
                RowProblem(first, "sku", "is taken by another product: choose another", value=variant.sku)
            )
        elif unit is not None:
            if unit.has_policy and variant.backorder_limit not in (None, max(0, unit.backorder_limit)):
                message = f"of {variant.sku} follows from its stock policy, and was left as it is"
                said.append(RowProblem(first, "backorder_limit", message, "warning"))
            if variant.sku in parsed.stock:
                said += _promised(first, variant, unit, parsed.stock[variant.sku])
    parsed.product = replace(
        draft, variants=tuple(_placed(draft.variants, known, places.get(draft.slug, -1)))
    )
    return parsed


def _promised(row: int, variant: VariantDraft, unit: Known, units: int) -> list[RowProblem]:
    is_kept = variant.backorder_limit is None or unit.has_policy
    limit = unit.backorder_limit if is_kept else variant.backorder_limit or 0
    limit = max(limit, unit.reserved - unit.on_hand)
    if units + limit >= unit.reserved:
        return []
    message = f"of {variant.sku} cannot be {units}: {unit.reserved} are promised to orders"
    return [RowProblem(row, "stock", message, value=str(units))]


def _placed(
    variants: Collection[VariantDraft], known: Mapping[str, Known], behind: int
) -> list[VariantDraft]:
    placed = []
    for variant in variants:
        unit = known.get(variant.sku)
        if unit is not None:
            is_kept = unit.has_policy or variant.backorder_limit == max(0, unit.backorder_limit)
            limit = None if is_kept else variant.backorder_limit
            placed.append(replace(variant, position=unit.position, backorder_limit=limit))
        else:
            behind += 1
            placed.append(replace(variant, position=behind))
    return placed
