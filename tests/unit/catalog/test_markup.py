"""What remains of a description's HTML."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.catalog.markup import KEPT, clean


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<p>Nice <b>pot</b></p>", "<p>Nice <b>pot</b></p>"),
        ("<script>alert(1)</script>pot", "pot"),
        ("<p onclick='x()' style='a'>pot", "<p>pot</p>"),
        ("<a href='javascript:x'>pot</a>", "pot"),
        ("<a href='https://x.test/a' onclick=1>pot</a>", '<a href="https://x.test/a" rel="nofollow">pot</a>'),
        ("&lt;script&gt;", "&lt;script&gt;"),
        ("<div><span>a</span></div>", "a"),
    ],
)
def test_cases(html: str, kept: str) -> None:
    """If it fails, an import loses text or brings a script into the shop."""
    assert clean(html) == kept


@given(st.text("<>/ab p=\"'&;scriptonl#x!-"))
def test_nothing_but_kept_tags_comes_out(html: str) -> None:
    """If it fails, some spelling of markup gets through the cleaner."""
    for tag in re.findall(r"<([^>]*)>?", clean(html)):
        assert re.fullmatch(r"/?(\w+)|a href=\"[^\"]*\" rel=\"nofollow\"", tag), tag
        assert re.match(r"/?(\w+)", tag)[1] in KEPT  # type: ignore[index]
