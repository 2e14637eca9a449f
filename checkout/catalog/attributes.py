"""What an attribute of a product may be: definitions, and the one spelling that each value has."""

import re
from typing import Literal

from msgspec import Struct

Type = Literal["text", "number", "boolean", "enum"]
NAME = "^[a-z0-9][a-z0-9_ -]{0,63}$"
VALUE_MAX_CHARS = 500
_NUMBER = re.compile(r"(-?)0*(\d{1,15})(?:\.(\d{1,9}))?")


class Definition(Struct, frozen=True):
    """An attribute by name. Shape: `options` are an enum's values; `unit` is a number's; `facet`: listings count it."""

    name: str
    type: Type
    unit: str = ""
    options: tuple[str, ...] | list[str] = ()
    facet: bool = True


def canonical(definition: Definition, value: str) -> str | None:
    """The value as it is stored and filtered by; None when it is no value of this attribute."""
    if definition.type == "enum":
        return value if value in definition.options else None
    if definition.type == "boolean":
        return value if value in ("true", "false") else None
    if definition.type == "number":
        return _number(value)
    return value


def expected(definition: Definition) -> str:
    """What to give, in words."""
    if definition.type == "enum":
        shown = ", ".join(definition.options[:20])
        return f"is one of {shown}" + (" and others" if len(definition.options) > 20 else "")
    if definition.type == "boolean":
        return "is true or false"
    return "is a number such as 12 or -0.5, as text"


def _number(text: str) -> str | None:
    match = _NUMBER.fullmatch(text)
    if match is None or not text.isascii():
        return None
    sign, whole, rest = match.groups()
    rest = (rest or "").rstrip("0")
    if not rest and whole == "0":
        return "0"
    return f"{sign}{whole}" + (f".{rest}" if rest else "")
