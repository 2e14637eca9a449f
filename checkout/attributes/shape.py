"""What the routes of attributes take and answer in JSON."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from checkout.catalog.attributes import Definition, Type
from checkout.errors import Invalid
from checkout.products.request import Name, Value
from config import limits

Choices = Annotated[tuple[Value, ...], Meta(max_length=limits.OPTION_VALUES_MAX)]


class AttributeTerms(Struct, forbid_unknown_fields=True, frozen=True):
    """What an attribute is: of an enum the `options`, of a number the `unit`; `facet`: listings count its values."""

    type: Type
    unit: Annotated[str, Meta(max_length=32)] = ""
    options: Choices = ()
    facet: bool = True


class NewAttribute(AttributeTerms, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An attribute to define, by name."""

    name: Name


class AdminAttribute(Struct, frozen=True):
    """A definition; `version` is also the ETag."""

    name: str
    type: Type
    unit: str
    options: list[str]
    facet: bool
    version: int
    created_at: datetime


class AdminAttributes(Struct, frozen=True):
    """One page of definitions by name."""

    items: list[AdminAttribute]
    next_cursor: str | None


def definition_of(name: str, terms: AttributeTerms) -> Definition:
    """The definition that the terms spell. Raises: Invalid when they do not go together."""
    if (terms.type == "enum") != bool(terms.options):
        raise Invalid("options: an enum has some, and only an enum", field="options")
    if len(set(terms.options)) != len(terms.options):
        raise Invalid("options: one is there twice", field="options")
    if terms.unit and terms.type != "number":
        raise Invalid("unit: only a number has one", field="unit")
    return Definition(name, terms.type, terms.unit, terms.options, terms.facet)
