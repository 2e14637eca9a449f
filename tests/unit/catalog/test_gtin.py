"""Check digits of trade item numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.catalog import gtin


@pytest.mark.parametrize("number", ["96385074", "036000291452", "4006381333931", "10012345000017"])
def test_known_numbers_are_valid(number: str) -> None:
    """If it fails, real articles are refused at the till."""
    assert gtin.is_valid(number)


@pytest.mark.parametrize(
    "number", ["", "4006381333932", "400638133393", "40063813339310", "4006381333931 ", "٤006381333931"]
)
def test_wrong_numbers_are_not(number: str) -> None:
    """If it fails, a misread barcode is stored and sells another article."""
    assert not gtin.is_valid(number)


@given(st.text("0123456789", min_size=12, max_size=12), st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(body: str, at: int, off: int) -> None:
    """If it fails, a single misread digit goes unnoticed."""
    number = gtin.complete(body)
    wrong = number[:at] + str((int(number[at]) + off) % 10) + number[at + 1 :]
    assert gtin.is_valid(number)
    assert not gtin.is_valid(wrong)
