"""What reviews look like in JSON, for the OpenAPI document."""

from datetime import datetime
from typing import Annotated

import msgspec

from checkout.kit.form import form
from checkout.reviews.model import Status
from config import limits

Stars = Annotated[int, msgspec.Meta(ge=1, le=5)]


class ReviewRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What an author says. Shape: `author` is the name to show; without one the review is shown without a name."""

    stars: Stars
    title: Annotated[str, form(r"\S", "a title in a few words", max_length=limits.REVIEW_TITLE_MAX_CHARS)]
    text: Annotated[str, msgspec.Meta(max_length=limits.REVIEW_TEXT_MAX_CHARS)] = ""
    author: Annotated[str, msgspec.Meta(max_length=limits.REVIEW_AUTHOR_MAX_CHARS)] = ""


class Rejection(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Why a review is not shown; its author reads it."""

    reason: Annotated[
        str, form(r"\S", "a reason that helps the author", max_length=limits.REVIEW_REASON_MAX_CHARS)
    ]


class OwnReview(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A review as its author sees it. Shape: `reason` says why it was rejected."""

    id: str
    product_id: str
    stars: int
    title: str
    text: str
    author: str | None
    status: Status
    reason: str | None
    created_at: datetime
    updated_at: datetime


class PublicReview(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An approved review by somebody who bought the product."""

    id: str
    stars: int
    title: str
    text: str
    author: str | None
    created_at: datetime


class StarCounts(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Approved reviews. Shape: `average` is null without any; `by_stars` counts those with one to five stars."""

    average: float | None
    count: int
    by_stars: dict[str, int]


class PublicReviews(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A page, the newest first."""

    items: list[PublicReview]
    next_cursor: str | None
    rating: StarCounts


class ReviewedProduct(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a review is about."""

    id: str
    slug: str
    title: str


class ModeratedReview(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A review as moderators see it. Shape: `account_id` is null once the account was erased."""

    id: str
    product: ReviewedProduct
    account_id: str | None
    stars: int
    title: str
    text: str
    author: str | None
    status: Status
    reason: str | None
    created_at: datetime
    updated_at: datetime
    moderated_at: datetime | None


class ModeratedReviews(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A page, the oldest first."""

    items: list[ModeratedReview]
    next_cursor: str | None
