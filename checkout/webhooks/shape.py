"""What is said of webhooks in JSON, for the OpenAPI document and for reading bodies."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from checkout.kit.form import form
from checkout.webhooks.model import EVENTS, Event
from config import limits

Address = Annotated[
    str,
    form(
        r"^https?://[!-~]+$",
        "an address such as https://example.com/hooks",
        max_length=limits.URL_MAX_CHARS,
    ),
]
Events = Annotated[list[Event], Meta(min_length=1, max_length=len(EVENTS))]
Description = Annotated[str, Meta(max_length=limits.TEXT_MAX_CHARS)]


class NewWebhook(Struct, forbid_unknown_fields=True, frozen=True):
    """A subscription."""

    url: Address
    events: Events
    description: Description = ""
    active: bool = True


class WebhookChange(Struct, forbid_unknown_fields=True, frozen=True):
    """What changes of a subscription; what is left out stays."""

    url: Address | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class WebhookAnswer(Struct, frozen=True):
    """A subscription. `version` is its ETag; `failing_since` while its address does not take messages."""

    id: str
    url: str
    events: list[str]
    description: str
    active: bool
    rotated_at: datetime | None
    failing_since: datetime | None
    last_error: str | None
    version: int
    created_at: datetime


class WebhookWithSecret(WebhookAnswer, frozen=True, kw_only=True):
    """A subscription with the secret that signs its messages from now on; it is shown this once."""

    secret: str


class WebhookList(Struct, frozen=True):
    """One page of subscriptions, newest first."""

    items: list[WebhookAnswer]
    next_cursor: str | None
