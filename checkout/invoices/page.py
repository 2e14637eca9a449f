"""An invoice's page as it is kept, apart from what draws it: who shows a page needs no reportlab in memory."""

from dataclasses import dataclass

NUMBER_FIELD = "#NUMBER###"
"""Ten characters for the number; shorter ones are padded with blanks."""


@dataclass(frozen=True, slots=True)
class Page:
    """A rendered invoice without its number. Shape: `number_at` is the 0-based place of NUMBER_FIELD in `pdf`."""

    pdf: bytes
    number_at: int


def stamped(page: Page, number: int) -> bytes:
    """The page with its number."""
    field = f"{number:06d}".ljust(len(NUMBER_FIELD)).encode()
    return page.pdf[: page.number_at] + field + page.pdf[page.number_at + len(field) :]
