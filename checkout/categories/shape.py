"""What the routes of categories take and answer in JSON."""

import uuid
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from checkout.products.request import Slug
from config import limits

Label = Annotated[str, Meta(min_length=1, max_length=limits.TEXT_MAX_CHARS)]
Position = Annotated[int, Meta(ge=0, le=1_000_000)]


class NewCategory(Struct, forbid_unknown_fields=True, frozen=True):
    """A category to make, below `parent` (its slug), or at the top. Without a slug one is made from the name."""

    name: Label
    slug: Slug | None = None
    parent: Slug | None = None
    position: Position = 0


class CategoryChange(Struct, forbid_unknown_fields=True, frozen=True):
    """What is to change; what is left out stays. `parent` null: to the top."""

    name: Label | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    parent: Slug | UnsetType | None = UNSET
    position: Position | UnsetType = UNSET


class AdminCategory(Struct, frozen=True):
    """A node of the tree. `products` counts all that are filed here, of any status; `version` is also the ETag."""

    id: uuid.UUID
    slug: str
    name: str
    parent: str | None
    position: int
    products: int
    version: int


class AdminCategories(Struct, frozen=True):
    """One page of categories by slug; `parent` makes the tree."""

    items: list[AdminCategory]
    next_cursor: str | None
