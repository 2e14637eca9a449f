"""What is said of locations in JSON, for the OpenAPI document and for reading bodies."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from checkout.kit.form import form
from checkout.orders.request import Country, Text
from config import limits

LOCATION_PATTERN = "^[a-z0-9][a-z0-9_-]{0,31}$"
LocationCode = Annotated[
    str, form(LOCATION_PATTERN, "a location by its code: small letters, digits, - and _")
]
Priority = Annotated[int, Meta(ge=0, le=limits.LOCATION_PRIORITY_MAX)]
Region = Annotated[str, Meta(max_length=limits.TEXT_MAX_CHARS)]


class NewLocation(Struct, forbid_unknown_fields=True, frozen=True):
    """A location to open. Shape: the least priority ships first."""

    code: LocationCode
    name: Text
    country: Country
    region: Region = ""
    priority: Priority = 100
    active: bool = True


class LocationChange(Struct, forbid_unknown_fields=True, frozen=True):
    """What changes of a location; what is left out stays."""

    name: Text | UnsetType = UNSET
    country: Country | UnsetType = UNSET
    region: Region | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class LocationAnswer(Struct, frozen=True):
    """A location. `version` is its ETag."""

    code: str
    name: str
    country: str
    region: str
    priority: int
    active: bool
    version: int


class LocationList(Struct, frozen=True):
    """One page of locations, by code."""

    items: list[LocationAnswer]
    next_cursor: str | None
