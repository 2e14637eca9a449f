"""The invoice as a page, drawn once: into our own plain PDF, or with reportlab where its letters need an embedded font.

The number is drawn by the commit that stores the invoice, so the page is rendered before with a field of fixed width,
and `number_at` says where its bytes are: the content is not compressed here (Postgres compresses the column).
"""

import functools
import unicodedata
from io import BytesIO
from typing import Any

from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics, ttfonts
from reportlab.pdfgen import canvas as reportlab_canvas

from checkout.invoices.model import Invoice, amount_text, digits_of, money_text, rate_text
from checkout.invoices.page import NUMBER_FIELD, Page
from checkout.invoices.plain_pdf import NotPlain, PlainPdf

# reportlab has no types.
_Canvas: Any = reportlab_canvas.Canvas
_Font: Any = ttfonts.TTFont
_register_font: Any = pdfmetrics.registerFont
_config: Any = rl_config
_config.invariant = 1
_WIDTH, _HEIGHT = A4
_LEFT, _RIGHT, _BOTTOM = 56.0, _WIDTH - 56.0, 70.0
_UNIT, _QUANTITY, _DISCOUNT = 372.0, 408.0, 470.0
_TITLE_MAX_CHARS = 54
_GREY, _INK, _ACCENT = 0.45, 0.1, (0.10, 0.27, 0.45)


class _Sheet:
    """A canvas that knows where it is on the page. Shape: `canvas` is a PlainPdf, or reportlab's, which has its methods."""

    def __init__(self, canvas: Any) -> None:
        self.canvas = canvas
        self.y = _HEIGHT - 64

    def text(self, x: float, text: str, *, size: float = 9, bold: bool = False, right: bool = False) -> None:
        font, text = _fitting(text, bold)
        self.canvas.setFont(font, size)
        (self.canvas.drawRightString if right else self.canvas.drawString)(x, self.y, text)

    def rule(self, *, offset: float = -4, weight: float = 0.5) -> None:
        self.canvas.setLineWidth(weight)
        self.canvas.line(_LEFT, self.y + offset, _RIGHT, self.y + offset)


def render_plain(invoice: Invoice, series: str) -> Page | None:
    """The invoice's PDF with a field for its number, or None when its letters need an embedded font.

    Cost: about 0.3 ms of CPU for five lines.
    """
    try:
        plain = PlainPdf(width=_WIDTH, height=_HEIGHT, title=_title(invoice), author=_author(invoice))
        _draw(_Sheet(plain), invoice, series)
    except NotPlain:
        return None
    return _page(plain.getpdfdata())


def render(invoice: Invoice, series: str) -> Page:
    """The same with reportlab, which embeds the font of letters beyond cp1252.

    Cost: about 5 ms of CPU for five lines; call it in a thread.
    """
    file = BytesIO()
    canvas = _Canvas(file, pagesize=A4, pageCompression=0)
    canvas.setTitle(_title(invoice))
    canvas.setAuthor(_author(invoice))
    _draw(_Sheet(canvas), invoice, series)
    canvas.save()
    return _page(file.getvalue())


def _page(pdf: bytes) -> Page:
    return Page(pdf, pdf.index(NUMBER_FIELD.encode()))


def _title(invoice: Invoice) -> str:
    return f"Invoice for order {invoice.order_number}"


def _author(invoice: Invoice) -> str:
    return _fitting(invoice.seller.name, False)[1]


def _draw(sheet: _Sheet, invoice: Invoice, series: str) -> None:
    _head(sheet, invoice, series)
    _columns(sheet)
    page = 1
    for number, line in enumerate(invoice.order["lines"], 1):
        if sheet.y < _BOTTOM + 40:
            _foot(sheet, invoice, page)
            page += 1
            _columns(sheet)
        _line(sheet, number, line, digits_of(invoice.currency))
    if sheet.y < _BOTTOM + 60 + 14 * (6 + len(invoice.order["taxes"]) + len(invoice.order["coupons"])):
        _foot(sheet, invoice, page)
        page += 1
    _sums(sheet, invoice)
    _foot(sheet, invoice, page)


def _head(sheet: _Sheet, invoice: Invoice, series: str) -> None:
    seller = invoice.seller
    sheet.canvas.setFillColorRGB(*_ACCENT)
    sheet.canvas.rect(0, _HEIGHT - 12, _WIDTH, 12, stroke=0, fill=1)
    sheet.text(_LEFT, seller.name, size=17, bold=True)
    sheet.text(_RIGHT, "INVOICE", size=17, bold=True, right=True)
    sheet.canvas.setFillGray(_GREY)
    sheet.y -= 16
    sheet.text(_LEFT, f"{seller.address} · {seller.postal_code} {seller.city} · {seller.country}", size=8)
    sheet.y -= 34
    top = sheet.y
    sheet.text(_LEFT, "Billed to", size=8)
    sheet.canvas.setFillGray(_INK)
    for part in _address(invoice):
        sheet.y -= 13
        sheet.text(_LEFT, part, size=10)
    lowest, sheet.y = sheet.y, top
    facts = (
        ("Invoice number", f"{series}-{NUMBER_FIELD}"),
        ("Invoice date", invoice.issued_on.isoformat()),
        ("Order", str(invoice.order_number)),
        ("Order date", invoice.ordered_on.isoformat()),
        ("Paid on", invoice.paid_on.isoformat()),
    )
    for name, value in facts:
        sheet.canvas.setFillGray(_GREY)
        sheet.text(350, name, size=8.5)
        sheet.canvas.setFillGray(_INK)
        sheet.text(435, value, size=9.5, bold=name == "Invoice number")
        sheet.y -= 14
    sheet.y = min(sheet.y, lowest) - 34


def _address(invoice: Invoice) -> list[str]:
    buyer = invoice.buyer
    place = " ".join(str(buyer[name]) for name in ("postal_code", "city", "region") if buyer.get(name))
    parts = [buyer.get("name"), buyer.get("line1"), buyer.get("line2"), place, buyer.get("country")]
    return [str(part)[:60] for part in parts if part] or [invoice.email]


def _columns(sheet: _Sheet) -> None:
    sheet.canvas.setFillGray(_GREY)
    sheet.text(_LEFT, "Item", size=8)
    for x, name in ((_UNIT, "Unit price"), (_QUANTITY, "Qty"), (_DISCOUNT, "Discount"), (_RIGHT, "Amount")):
        sheet.text(x, name, size=8, right=True)
    sheet.rule(weight=0.8)
    sheet.y -= 18
    sheet.canvas.setFillGray(_INK)


def _line(sheet: _Sheet, number: int, line: dict[str, Any], digits: int) -> None:
    title = str(line["title"])
    short = title if len(title) <= _TITLE_MAX_CHARS else title[: _TITLE_MAX_CHARS - 1] + "…"
    sheet.text(_LEFT, f"{number}. {short}")
    sheet.text(_UNIT, amount_text(line["unit_price"], digits), right=True)
    sheet.text(_QUANTITY, str(line["quantity"]), right=True)
    if line["discount"]:
        sheet.text(_DISCOUNT, amount_text(-line["discount"], digits), right=True)
    net = line["unit_price"] * line["quantity"] - line["discount"]
    sheet.text(_RIGHT, amount_text(net, digits), right=True)
    sheet.y -= 10
    sheet.canvas.setFillGray(_GREY)
    sheet.text(_LEFT + 12, str(line["sku"]), size=7)
    sheet.canvas.setFillGray(_INK)
    sheet.y -= 12


def _sums(sheet: _Sheet, invoice: Invoice) -> None:
    order, currency = invoice.order, invoice.currency
    sheet.rule(offset=8)
    sheet.y -= 8
    rows = [("Subtotal", invoice.subtotal_minor)]
    if invoice.discount_minor:
        codes = ", ".join(coupon["code"] for coupon in order["coupons"])
        rows.append((f"Discount {codes}".strip(), -invoice.discount_minor))
    option = order.get("shipping_option")
    rows.append((f"Shipping ({option['title']})" if option else "Shipping", invoice.shipping_minor))
    rows += [
        (f"{tax['name']} {rate_text(tax['rate_bp'])}", tax["amount"])
        for tax in order["taxes"]
        if not tax["included"]
    ]
    for name, minor in rows:
        sheet.text(380, name, right=True)
        sheet.text(_RIGHT, money_text(minor, currency), right=True)
        sheet.y -= 14
    sheet.y -= 4
    sheet.text(380, "Total paid", size=11, bold=True, right=True)
    sheet.text(_RIGHT, money_text(invoice.total_minor, currency), size=11, bold=True, right=True)
    sheet.y -= 26
    sheet.canvas.setFillGray(_GREY)
    for tax in order["taxes"]:
        word = "Contains" if tax["included"] else "Added"
        base, amount = money_text(tax["base"], currency), money_text(tax["amount"], currency)
        sheet.text(
            _RIGHT,
            f"{word} {tax['name']} {rate_text(tax['rate_bp'])} on {base}: {amount}",
            size=8,
            right=True,
        )
        sheet.y -= 12


def _foot(sheet: _Sheet, invoice: Invoice, page: int) -> None:
    """Ends the page."""
    seller, sheet.y = invoice.seller, 40.0
    sheet.canvas.setFillGray(_GREY)
    sheet.rule(offset=12)
    parts = [seller.name, seller.email, seller.phone, f"Tax id {seller.tax_id}" if seller.tax_id else ""]
    sheet.text(_LEFT, " · ".join(part for part in parts if part), size=7.5)
    sheet.text(_RIGHT, f"Order {invoice.order_number} · page {page}", size=7.5, right=True)
    sheet.canvas.showPage()
    sheet.y = _HEIGHT - 64


@functools.lru_cache(maxsize=4096)
def _fitting(text: str, bold: bool) -> tuple[str, str]:
    """The font that has all of the text's letters, and the text; letters that no font here has become `?`."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        letters = _wide_letters()
        if any(ord(char) not in letters for char in text):
            plain = (char if ord(char) in letters else _base_of(char) for char in text)
            text = "".join(char if ord(char) in letters else "?" for char in plain)
        return ("VeraBd" if bold else "Vera"), text
    return ("Helvetica-Bold" if bold else "Helvetica"), text


def _base_of(char: str) -> str:
    return unicodedata.normalize("NFKD", char)[:1] or "?"


@functools.cache
def _wide_letters() -> frozenset[int]:
    """The letters of Bitstream Vera, which comes with reportlab; embedded only where a page needs it."""
    faces = [_Font(name, f"{name}.ttf") for name in ("Vera", "VeraBd")]
    for face in faces:
        _register_font(face)
    return frozenset.intersection(*(frozenset(face.face.charToGlyph) for face in faces))
