"""The invoice's page, by both of its writers."""

import io
from datetime import date
from typing import Any

import pypdf
import pytest

from checkout.invoices.model import Invoice, Seller
from checkout.invoices.page import NUMBER_FIELD, Page, stamped
from checkout.invoices.render import render, render_plain

SELLER = Seller("Söhne & Co", "Weg 1", "10117", "Berlin", "DE", "shop@example.com", "+49 30 1", "DE123")


def invoice(*, name: str = "Ada Lovelace", title: str = "Kaffee", lines: int = 2) -> Invoice:
    """An invoice of so many lines."""
    line = {"sku": "TEST-1", "title": title, "quantity": 2, "unit_price": 1000, "discount": 50}
    order: dict[str, Any] = {
        "lines": [line] * lines,
        "shipping_address": {"name": name, "line1": "Linden 1", "postal_code": "10117", "city": "Berlin"},
        "coupons": [{"code": "SAVE"}],
        "shipping_option": {"code": "standard", "title": "Standard"},
        "taxes": [{"name": "VAT", "rate_bp": 1900, "base": 1681, "amount": 319, "included": True}],
        "tax_included": 319,
    }
    day = date(2026, 1, 2)
    return Invoice(
        SELLER, 42, day, day, day, "a@example.com", "EUR", 123450, 100, 490, 0, 123840, order
    )  # fmt: skip


def texts(page: Page) -> list[list[str]]:
    """The words of each page, as a reader of PDF finds them."""
    return [one.extract_text().split() for one in pypdf.PdfReader(io.BytesIO(page.pdf), strict=True).pages]


@pytest.mark.parametrize("lines", [1, 5, 60])
def test_both_writers_say_the_same(lines: int) -> None:
    """If this fails, an invoice says something else when a letter of it is beyond cp1252."""
    asked = invoice(name="Renée „Müller“", title="Rösti – groß €", lines=lines)
    plain = render_plain(asked, "INV-2026")
    assert plain is not None
    ours, reportlabs = texts(plain), texts(render(asked, "INV-2026"))
    assert [sorted(page) for page in ours] == [sorted(page) for page in reportlabs]
    assert "Rösti – groß €" in " ".join(ours[0])
    assert len(ours) == {1: 1, 5: 1, 60: 3}[lines]


@pytest.mark.parametrize("name", ["(open", "close)", "back\\slash", "two\nlines", "cr\rhere", "((\\))\\"])
def test_a_name_cannot_leave_its_text(name: str) -> None:
    """If this fails, a shopper's name with a bracket breaks the page, or writes into it."""
    plain = render_plain(invoice(name=name), "INV-2026")
    assert plain is not None
    text = " ".join(pypdf.PdfReader(io.BytesIO(plain.pdf), strict=True).pages[0].extract_text().split())
    assert "".join(name.split()) in text.replace(" ", "")
    assert "€1,238.40" in text


def test_letters_beyond_cp1252_are_left_to_reportlab() -> None:
    """If this fails, names of half of Europe are printed as question marks, or no invoice is written for them."""
    asked = invoice(name="Łukasz Nový")
    assert render_plain(asked, "INV-2026") is None
    assert "Łukasz Nový" in " ".join(texts(render(asked, "INV-2026"))[0])


def test_the_number_is_written_into_its_field_alone() -> None:
    """If this fails, the commit that draws the number damages the page, or leaves the field on it."""
    plain = render_plain(invoice(), "INV-2026")
    assert plain is not None
    assert plain.pdf.count(NUMBER_FIELD.encode()) == 1
    numbered = stamped(plain, 1234567)
    assert len(numbered) == len(plain.pdf)
    assert "INV-2026-1234567" in " ".join(texts(Page(numbered, plain.number_at))[0])


def test_what_the_reader_shows_as_title_is_right() -> None:
    """If this fails, the window of an invoice shows garbage instead of the order and the shop."""
    plain = render_plain(invoice(), "INV-2026")
    assert plain is not None
    told = pypdf.PdfReader(io.BytesIO(plain.pdf), strict=True).metadata
    assert told is not None
    assert (told.title, told.author) == ("Invoice for order 42", "Söhne & Co")
