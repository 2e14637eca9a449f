"""Trade item numbers (EAN-8, UPC-A, EAN-13, GTIN-14): the check digit and its proof.

Source: GS1 General Specifications, section 7.9 (check digit calculations).
"""

LENGTHS = (8, 12, 13, 14)


def check_digit(body: str) -> str:
    """The digit that completes a number: weights 3 and 1 from the right. Raises: ValueError on anything but digits."""
    if not (body.isascii() and body.isdigit()):
        raise ValueError(f"{body!r}: digits only")
    total = sum(int(digit) * (3 if at % 2 == 0 else 1) for at, digit in enumerate(reversed(body)))
    return str(-total % 10)


def is_valid(number: str) -> bool:
    """Whether the text is a GTIN of a known length with a right check digit."""
    if len(number) not in LENGTHS or not (number.isascii() and number.isdigit()):
        return False
    return check_digit(number[:-1]) == number[-1]


def complete(body: str) -> str:
    """The whole number: body and check digit."""
    return body + check_digit(body)


def spellings(number: str) -> list[str]:
    """The number in every length that it has, by leading zeros: a scanner may read UPC-A where EAN-13 is stored."""
    core = number.lstrip("0")
    return [core.zfill(length) for length in LENGTHS if len(core) <= length]
