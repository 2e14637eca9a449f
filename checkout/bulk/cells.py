"""What stands in a cell: texts, lists, whole numbers, money. Reading undoes writing, exactly.

A cell's text is taken without the blanks around it. A cell that begins with a backslash is taken as it is, without that
backslash: so texts with blanks around them survive, and a text that a spreadsheet would run as a formula (=, +, -, @) does
not begin with one. In lists, a backslash before a character takes the character for itself; \\n is a line break.

Source: OWASP, CSV injection.
"""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

import iso4217

from config import limits

_PIECE = re.compile(r"\\(.)|(.)", re.DOTALL)
_SPECIAL = frozenset("\\,>:=")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_WHOLE = re.compile(r"[0-9]{1,18}(\.0+)?")
_PLAIN = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,8}))?")
_AMOUNT = re.compile(r"[0-9.eE+]{1,32}")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TRUE = frozenset({"yes", "true", "1"})
_FALSE = frozenset({"no", "false", "0"})


def cell(text: str) -> str:
    """A text as a cell."""
    if not text:
        return ""
    is_formula = text.startswith(_FORMULA) and not _NUMBER.fullmatch(text)
    return "\\" + text if is_formula or text[0] == "\\" or text != text.strip() else text


def text_of(given: str) -> str:
    """The text of a cell."""
    return given[1:] if given.startswith("\\") else given.strip()


def join(items: Iterable[str], separator: str = ", ") -> str:
    """A list as a cell; its items come from `quote`."""
    return separator.join(items)


def split(given: str, separator: str = ",") -> list[str]:
    """The items of a list as they were written, for `plain` or another `split`; none for a blank text."""
    if not given.strip():
        return []
    if "\\" not in given:
        return given.split(separator)
    items, at = [], 0
    for found in re.finditer(rf"\\.|{separator}", given, re.DOTALL):
        if found.group() == separator:
            items.append(given[at : found.start()])
            at = found.end()
    items.append(given[at:])
    return items


def quote(text: str) -> str:
    """A text as one item of a list."""
    last = len(text) - 1
    return "".join(
        "\\n"
        if char == "\n"
        else "\\r"
        if char == "\r"
        else "\\" + char
        if char in _SPECIAL or (at in (0, last) and char.isspace()) or (at == 0 and char in _FORMULA)
        else char
        for at, char in enumerate(text)
    )


def plain(item: str) -> str:
    """The text of one item of a list."""
    if "\\" not in item:
        return item.strip()
    taken = [(own or other, bool(own)) for own, other in _PIECE.findall(item)]
    while taken and not taken[0][1] and taken[0][0].isspace():
        del taken[0]
    while taken and not taken[-1][1] and taken[-1][0].isspace():
        del taken[-1]
    return "".join({"n": "\n", "r": "\r"}.get(char, char) if own else char for char, own in taken)


def whole(given: str, most: int) -> int:
    """The whole number from 0 to `most` that a cell spells. Raises: ValueError with words."""
    text = given.strip()
    value = int(text.split(".")[0]) if _WHOLE.fullmatch(text) else -1
    if not 0 <= value <= most:
        raise ValueError(f"is not a whole number from 0 to {most}")
    return value


def truth(given: str) -> bool:
    """Yes or no. Raises: ValueError with words."""
    text = given.strip().lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise ValueError("is neither yes nor no")


def digits(currency: str) -> int | None:
    """Decimal places of a currency's minor unit; None: there is no such currency."""
    try:
        return iso4217.Currency(currency).exponent
    except ValueError:
        return None


def money(minor: int, places: int) -> str:
    """An amount in the currency's own unit: 1990 with 2 places is 19.90."""
    if not places:
        return str(minor)
    return f"{minor // 10**places}.{minor % 10**places:0{places}d}"


def minor(given: str, currency: str, places: int) -> int:
    """The minor units that a cell spells, exactly: more digits than the currency has are refused, never rounded.

    Raises: ValueError with words.
    """
    text = given.strip()
    plain = _PLAIN.fullmatch(text)
    if plain is not None and len(plain[2] or "") <= places:  # nearly all: 19.90
        exactly = int(plain[1] + (plain[2] or "").ljust(places, "0"))
        if exactly <= limits.UNIT_PRICE_MAX_MINOR:
            return exactly
    try:
        amount = Decimal(text) if _AMOUNT.fullmatch(text) else None
    except InvalidOperation:
        amount = None
    if amount is None:
        raise ValueError("is not an amount such as 12.90")
    scaled = amount.scaleb(places) if amount.adjusted() < 15 else None  # int() of 1e999999999 would never end
    if scaled is None or scaled != int(scaled) or scaled > limits.UNIT_PRICE_MAX_MINOR:
        raise ValueError(
            f"is not an amount of {currency} from 0 to {money(limits.UNIT_PRICE_MAX_MINOR, places)}"
            f" with at most {places} decimal places"
        )
    return int(scaled)
