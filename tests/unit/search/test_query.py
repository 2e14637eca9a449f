"""The query string of a listing, and its cursor."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.errors import Invalid
from checkout.search import query
from checkout.search.model import ListingQuery


def test_everything_is_read() -> None:
    """If it fails, a filter is silently ignored."""
    asked = query.parse(
        "q=red+%20pot&category=kitchen&tag=b&tag=a&attr.Size=M&sort=-price&currency=EUR&limit=5"
    )
    assert asked == ListingQuery(
        q="red pot",
        category="kitchen",
        tags=("a", "b"),
        attributes=(("size", "M"),),
        sort="-price",
        currency="EUR",
        limit=5,
    )


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("sort=colour", "sort"),
        ("sort=price", "currency"),
        ("currency=eur", "currency"),
        ("page=2", "page"),
        ("cursor=%21%21", "cursor"),
        ("q=%00", "q"),
        ("q=%ff", "query"),
        ("q=" + "x" * 101, "q"),
        ("&".join(f"tag={n}" for n in range(11)), "tag"),
    ],
)
def test_wrong_parameters_are_named(text: str, field: str) -> None:
    """If it fails, a client learns nothing about what is wrong, or gets another list than it asked for."""
    with pytest.raises(Invalid) as caught:
        query.parse(text)
    assert caught.value.errors[0]["field"] == field


@given(st.integers(-(2**63), 2**63 - 1), st.text(st.characters(exclude_characters="\0")), st.uuids().map(str))
def test_a_cursor_comes_back_as_it_went(number: int, text: str, last: str) -> None:
    """If it fails, the next page begins at the wrong product."""
    try:
        encoded = query.encode_cursor("title", (number, text, last))
    except UnicodeEncodeError:
        return
    assert query.decode_cursor(encoded, "title") == (number, text, last)
    with pytest.raises(Invalid):
        query.decode_cursor(encoded, "newest")


@given(st.text())
def test_no_text_breaks_the_cursor(text: str) -> None:
    """If it fails, a stranger's cursor is answered with a 500."""
    with contextlib.suppress(Invalid):
        query.decode_cursor(text, "newest")
