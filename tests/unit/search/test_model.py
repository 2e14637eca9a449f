"""The words by which products are found."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.search.model import Words, digest, edits, forms, meant_by, one_of, price_terms, quoted


@given(st.text(min_size=1))
def test_a_term_is_text_and_never_syntax(term: str) -> None:
    """If it fails, a shopper's quote mark ends in a 500, or an ampersand changes the question."""
    inside = quoted(term)[1:-1].replace("''", "").replace("\\\\", "")
    assert "'" not in inside
    assert "\\" not in inside


@pytest.mark.parametrize(
    ("word", "form"),
    [("mug", "mugs"), ("mugs", "mug"), ("glasses", "glass"), ("box", "boxes"), ("100", "100")],
)
def test_singular_and_plural_find_each_other(word: str, form: str) -> None:
    """If it fails, who asks for mugs does not find the mug."""
    assert form in forms(word)


def test_short_words_and_numbers_keep_their_form() -> None:
    """If it fails, a question for size 10 finds size 10s, or `as` becomes `a`."""
    assert forms("10") == ("10",)
    assert forms("as") == ("as",)


@given(st.integers(0, 10**11), st.integers(0, 10**11), st.integers(0, 10**11))
def test_the_terms_of_a_price_range_hold_every_price_in_it(low: int, high: int, price: int) -> None:
    """If it fails, a product is missing from a list although its price is in the range."""
    low, high = min(low, high), max(low, high)
    price = min(max(price, low), high)
    terms = price_terms("EUR", low, high)
    assert f"$EUR{len(str(price))}{str(price)[0]}" in terms
    assert len(terms) <= 109


def test_a_price_range_leaves_others_out() -> None:
    """If it fails, a narrow price range reads the whole catalogue."""
    assert price_terms("EUR", 1990, 2100) == ["$EUR41", "$EUR42"]
    assert price_terms("EUR", 0, 0) == ["$EUR10"]


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("mugg", "mug", 1),
        ("claasic", "classic", 1),
        ("galss", "glass", 1),
        ("", "abc", 3),
        ("kitten", "sitting", 3),
    ],
)
def test_edits_are_counted(one: str, other: str, found: int) -> None:
    """If it fails, a misspelt word is read as something far from it."""
    assert edits(one, other, 5) == edits(other, one, 5) == found
    assert edits(one, other, 0) == 1


@given(st.text(alphabet="abc", max_size=8), st.text(alphabet="abc", max_size=8))
def test_no_edit_means_the_same(one: str, other: str) -> None:
    """If it fails, two different words count as one."""
    assert (edits(one, other, 9) == 0) == (one == other)


def test_a_begun_word_is_completed_before_it_is_corrected() -> None:
    """If it fails, who stops in the middle of a word gets another word's products."""
    assert meant_by("clas", ["classic"], ["class"]) == ("classic",)
    assert meant_by("mugg", [], ["mug", "rug"]) == ("mug",)
    assert meant_by("zzzzzz", [], ["mug", "rug"]) == ()


def test_tiers_are_apart_and_together_everything() -> None:
    """If it fails, a page by relevance shows a product twice, or loses one between two tiers."""
    words = Words.of("red mug", ["red", "mug"])
    _, title, rest = words.tiers
    assert words.in_title in title
    assert f"!({words.in_title})" in rest
    assert words.code is None
    assert Words.of("TEE-m", ["tee", "m"]).first == "('==tee m' | '#TEE-M')"
    assert one_of(["a"]) == "('a')"


def test_a_digest_is_of_kind_and_text() -> None:
    """If it fails, a tag's filter finds an attribute, or nothing, since the database makes another digest."""
    assert digest("t", "winter") == "@" + hashlib.sha256(b"twinter").hexdigest()[:32]
    assert digest("a", "winter") != digest("t", "winter")
