"""What a listing is asked for, and the words by which it is found.

**Guarantees** (held by tests/unit/search, tests/api/search):
- A question is a tsquery over the words of `product_search.terms`; whatever a client sends is text in it, never syntax.
- A word is found with its plural or singular by -s and -es; a word that no product says is read as the names that begin with
  it, else as the likest names.
- Every order is total: the id decides between equals, so that a page begins where the one before ended.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from config import limits

Sort = Literal["relevance", "newest", "title", "price", "-price", "rating"]
Key = tuple[int, str, str]
"""Where a product stands in an order: a number, then a text, then its id."""

TIERS = 3
TIER = 10**17
"""By relevance a key is this for each tier before, and how long before `TIER_BEGINS` the product was published, in µs."""
TIER_BEGINS = 10**16
SKU_OR_BARCODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
NOTHING = "'!'"
"""A word that no product says."""
_PLURALS = ("es", "s")
_COMPLETIONS_MAX = 5
_LIKE_MAX = 3
_PRICE_DIGITS_MAX = 12
"""Of the dearest price that the schema takes."""


class ListingQuery(Struct, frozen=True):
    """What a listing is asked for.

    Shape: `attributes` sorted pairs; `after` is the decoded cursor. Units: prices in minor units of `currency`.
    """

    q: str = ""
    category: str | None = None
    tags: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    sort: Sort = "newest"
    currency: str | None = None
    price_min: int | None = None
    price_max: int | None = None
    limit: int = limits.PAGE_DEFAULT
    after: Key | None = None

    @property
    def by_price(self) -> str | None:
        """The currency in which a product must have a price to be listed."""
        ranged = self.price_min is not None or self.price_max is not None
        return self.currency if ranged or self.sort in ("price", "-price") else None

    @property
    def span(self) -> tuple[int, int]:
        """The lowest and the highest price asked for. Units: minor units."""
        high = limits.JSON_INTEGER_MAX if self.price_max is None else self.price_max
        return self.price_min or 0, high


class Words(Struct, frozen=True):
    """The words of a question with what each may be: any of these."""

    meant: tuple[tuple[str, tuple[str, ...]], ...] = ()
    code: str | None = None

    @classmethod
    def of(cls, text: str, words: Sequence[str]) -> "Words":
        """As they were typed. Shape: `words` as `search_text` gives them for `text`."""
        code = text.upper() if SKU_OR_BARCODE.fullmatch(text) else None
        return cls(tuple((word, forms(word)) for word in words), code)

    def read_as(self, others: dict[str, tuple[str, ...]]) -> "Words":
        """The same, some words read as others."""
        return Words(tuple((word, others.get(word, meant)) for word, meant in self.meant), self.code)

    @property
    def said(self) -> str:
        """All of them somewhere."""
        return " & ".join(one_of(meant) for _, meant in self.meant) or NOTHING

    @property
    def in_title(self) -> str:
        """All of them in the title."""
        return " & ".join(one_of("=" + form for form in meant) for _, meant in self.meant) or NOTHING

    @property
    def first(self) -> str:
        """The SKU or barcode, or the whole title, that they spell."""
        title = quoted("==" + " ".join(word for word, _ in self.meant)[:98])
        return title if self.code is None else f"({title} | {quoted('#' + self.code)})"

    @property
    def tiers(self) -> tuple[str, str, str]:
        """What they name, the titles that have them all, the rest: no product is in two of them."""
        title = f"({self.in_title})"
        return self.first, f"{title} & !{self.first}", f"({self.said}) & !{title} & !{self.first}"

    @property
    def anywhere(self) -> str:
        """What is in any of the tiers."""
        return f"(({self.said}) | {self.first})"


def quoted(term: str) -> str:
    """A term as a tsquery takes it literally."""
    doubled = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def one_of(terms: Iterable[str]) -> str:
    """Any of these terms."""
    return "(" + " | ".join(map(quoted, terms)) + ")"


def forms(word: str) -> tuple[str, ...]:
    """The word, and what may be its plural or singular."""
    found = [word]
    if len(word) >= 3 and not word[-1].isdigit():
        found += [word + ending for ending in _PLURALS]
        found += [
            word[: -len(ending)]
            for ending in _PLURALS
            if word.endswith(ending) and len(word) > len(ending) + 2
        ]
    return tuple(dict.fromkeys(found))


def digest(kind: Literal["t", "a"], text: str) -> str:
    """The term of a tag or attribute: as `search_digest` makes it."""
    return "@" + hashlib.sha256((kind + text).encode()).hexdigest()[:32]


def price_terms(currency: str, low: int, high: int) -> list[str]:
    """The terms that hold every price from low to high: a length in digits and a first digit each.

    Units: minor units. Shape: at most 10 for each digit; prices beyond the span may share the outermost terms.
    """
    first, last = _digits(low), _digits(high)
    every = [(1, 0)] + [
        (length, digit) for length in range(1, _PRICE_DIGITS_MAX + 1) for digit in range(1, 10)
    ]
    return [f"${currency}{length}{digit}" for length, digit in every if first <= (length, digit) <= last]


def _digits(amount_minor: int) -> tuple[int, int]:
    text = str(amount_minor)
    return len(text), int(text[0])


def meant_by(word: str, begun: Sequence[str], like: Sequence[str]) -> tuple[str, ...]:
    """What a word that no product says may have meant: names that begin with it, else the names it takes fewest edits to.

    Shape: empty when nothing is near enough: one edit in a short word, two from five letters on, three from nine on.
    """
    if begun:
        return tuple(begun[:_COMPLETIONS_MAX])
    allowed = 1 if len(word) < 5 else 2 if len(word) < 9 else 3
    near = [(found, name) for name in like if (found := edits(word, name, allowed)) <= allowed]
    fewest = min((found for found, _ in near), default=0)
    return tuple(name for found, name in near if found == fewest)[:_LIKE_MAX]


def edits(one: str, other: str, most: int) -> int:
    """Letters to add, drop, change or swap with the next until one is the other; `most + 1` stands for any number beyond.

    Source: optimal string alignment. Cost: the product of the lengths.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, rows[i - 2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return min(rows[-1][-1], most + 1)
