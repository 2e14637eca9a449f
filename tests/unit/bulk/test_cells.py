"""Cells: what is written is read again, exactly; what is no number is refused in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.bulk import cells
from config import limits

TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=20)


@given(TEXTS)
def test_a_text_survives_its_cell(text: str) -> None:
    """If this fails, an export that is imported again changes titles, or loses blanks."""
    assert cells.text_of(cells.cell(text)) == text


@given(st.lists(TEXTS.filter(bool), max_size=5))
def test_a_list_survives_its_cell(items: list[str]) -> None:
    """If this fails, a tag with a comma becomes two tags."""
    written = cells.join(cells.quote(item) for item in items)
    assert [cells.plain(item) for item in cells.split(written)] == items


@given(TEXTS.filter(bool), TEXTS)
def test_a_pair_survives_its_list(name: str, value: str) -> None:
    """If this fails, an option with = in its name or value comes back as another one."""
    written = cells.join([f"{cells.quote(name)}={cells.quote(value)}", "other=1"])
    first, second = cells.split(written)
    assert [cells.plain(part) for part in cells.split(first, "=")] == [name, value]
    assert second.strip() == "other=1"


@given(TEXTS)
def test_no_cell_is_a_formula(text: str) -> None:
    """If this fails, a vendor's title runs as a formula in the spreadsheet of whoever opens the file."""
    for written in (cells.cell(text), cells.quote(text)):
        assert not written.startswith(("=", "@", "\t", "\r"))
        assert not written.startswith(("+", "-")) or written[1:].replace(".", "", 1).isascii()


@given(st.integers(0, limits.UNIT_PRICE_MAX_MINOR), st.sampled_from([("EUR", 2), ("JPY", 0), ("KWD", 3)]))
def test_money_survives_its_cell(minor: int, currency: tuple[str, int]) -> None:
    """If this fails, an export changes prices."""
    code, places = currency
    assert cells.digits(code) == places
    assert cells.minor(cells.money(minor, places), code, places) == minor


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("5", 500),
        ("05.5", 550),
        ("5.50", 550),
        ("5.500", 550),
        ("5.", 500),
        (".5", 50),
        ("5e2", 50_000),
        (" 5 ", 500),
    ],
)
def test_an_amount_is_read_as_it_is_written(text: str, minor: int) -> None:
    """If this fails, the short way of reading an amount gives another one than the long way."""
    assert cells.minor(text, "EUR", 2) == minor


@pytest.mark.parametrize(
    "text", ["", "-1", "1,5", "1.234.5", "1.001", "1e999999999", "9" * 30, "NaN", "0x10", "1 2"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    """If this fails, a price is guessed, or a number of a billion digits hangs a worker."""
    with pytest.raises(ValueError, match="amount"):
        cells.minor(text, "EUR", 2)


@pytest.mark.parametrize("text", ["-1", "1.5", "1e3", "²", "1000000001", "9" * 5000])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    """If this fails, stock is guessed."""
    with pytest.raises(ValueError, match="whole number"):
        cells.whole(text, limits.STOCK_MAX)
    assert cells.whole(" 12.0 ", 12) == 12
