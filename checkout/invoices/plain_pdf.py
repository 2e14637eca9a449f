"""A PDF of text and lines in Helvetica, written directly: what an invoice in Latin letters needs, in a tenth of the time.

It has the few methods of reportlab's canvas that the invoice is drawn with, so that one drawing serves both. Helvetica is
one of the fourteen fonts that every reader has: nothing is embedded, and a text's width is a sum over a table.

Source: ISO 32000-1, 7.5 (file structure), 9.6.2.2 (standard fonts), annex D (WinAnsiEncoding, which is cp1252)
"""

import functools
import re
from typing import Any

from reportlab.pdfbase import pdfmetrics

_font: Any = pdfmetrics.getFont  # reportlab has no types
_FONTS = {"Helvetica": b"/F1", "Helvetica-Bold": b"/F2"}
_SPECIAL = re.compile(rb"[\\()\r\n]")
_ESCAPED = {b"\\": b"\\\\", b"(": b"\\(", b")": b"\\)", b"\r": b"\\r", b"\n": b"\\n"}
_FIRST_PAGE = 6
"""Objects before the pages: catalogue, page tree, two fonts, the document's information."""


class NotPlain(Exception):
    """A font was asked for that would have to be embedded."""


def _widths_of(font: str) -> tuple[int, ...]:
    """Width of each byte of cp1252. Units: thousandths of the font's size."""
    return tuple(_font(font).widths)


_WIDTHS = {name: _widths_of(name) for name in _FONTS}


@functools.lru_cache(maxsize=4096)
def _written(text: str, font: str) -> tuple[bytes, float]:
    """The text as a page's content holds it, and its width at a size of one point. Most texts of invoices are the same."""
    encoded = text.encode("cp1252")
    width = sum(map(_WIDTHS[font].__getitem__, encoded)) / 1000
    return _SPECIAL.sub(lambda found: _ESCAPED[found[0]], encoded), width


class PlainPdf:
    """A document under way. Shape: all texts must fit into cp1252. Units: points from the lower left corner."""

    def __init__(self, *, width: float, height: float, title: str, author: str) -> None:
        self._box = b"[0 0 %.4f %.4f]" % (width, height)
        self._title, self._author = title, author
        self.setFont("Helvetica", 10)
        self._page: list[bytes] = []
        self._pages: list[bytes] = []

    def setFont(self, font: str, size: float) -> None:  # noqa: N802 - reportlab's name
        """The font of what is written next. Raises: NotPlain."""
        if font not in _FONTS:
            raise NotPlain(font)
        self._font, self._size = font, size
        self._face = b"%s %.4g" % (_FONTS[font], size)

    def drawString(self, x: float, y: float, text: str) -> None:  # noqa: N802 - reportlab's name
        """Writes from `x` on."""
        content, _ = _written(text, self._font)
        self._page.append(b"BT %s Tf %.2f %.2f Td (%s) Tj ET" % (self._face, x, y, content))

    def drawRightString(self, x: float, y: float, text: str) -> None:  # noqa: N802 - reportlab's name
        """Writes up to `x`."""
        content, width = _written(text, self._font)
        x -= width * self._size
        self._page.append(b"BT %s Tf %.2f %.2f Td (%s) Tj ET" % (self._face, x, y, content))

    def setFillGray(self, gray: float) -> None:  # noqa: N802 - reportlab's name
        """The grey of what is filled next, text too. Shape: 0 black to 1 white."""
        self._page.append(b"%.4g g" % gray)

    def setFillColorRGB(self, red: float, green: float, blue: float) -> None:  # noqa: N802 - reportlab's name
        """The colour of what is filled next, text too."""
        self._page.append(b"%.4g %.4g %.4g rg" % (red, green, blue))

    def setLineWidth(self, width: float) -> None:  # noqa: N802 - reportlab's name
        """The weight of lines drawn next."""
        self._page.append(b"%.4g w" % width)

    def line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """A line."""
        self._page.append(b"%.2f %.2f m %.2f %.2f l S" % (x1, y1, x2, y2))

    def rect(
        self, x: float, y: float, width: float, height: float, *, stroke: int = 0, fill: int = 1
    ) -> None:
        """A filled rectangle."""
        self._page.append(b"%.2f %.2f %.2f %.2f re f" % (x, y, width, height))

    def showPage(self) -> None:  # noqa: N802 - reportlab's name
        """Ends the page; the next one begins with black, as every page does."""
        self._pages.append(b"\n".join(self._page))
        self._page = []

    def getpdfdata(self) -> bytes:
        """The whole file."""
        count = len(self._pages)
        kids = b" ".join(b"%d 0 R" % (_FIRST_PAGE + 2 * n) for n in range(count))
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, kids),
            *(
                b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>" % name.encode()
                for name in _FONTS
            ),
            b"<< /Title %s /Author %s >>" % (_text_string(self._title), _text_string(self._author)),
        ]
        for n, content in enumerate(self._pages):
            objects.append(
                b"<< /Type /Page /Parent 2 0 R /MediaBox %s /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >>"
                b" /Contents %d 0 R >>" % (self._box, _FIRST_PAGE + 2 * n + 1)
            )
            objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        parts, places, at = [b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"], [], 15
        for number, written in enumerate(objects, 1):
            part = b"%d 0 obj\n%s\nendobj\n" % (number, written)
            places.append(b"%010d 00000 n \n" % at)
            parts.append(part)
            at += len(part)
        parts.append(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
        parts += places
        parts.append(
            b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n"
            % (len(objects) + 1, at)
        )
        return b"".join(parts)


def _text_string(text: str) -> bytes:
    """A text of the document's information: UTF-16, which every reader takes."""
    return b"<%s>" % ("\ufeff" + text).encode("utf-16-be").hex().encode()
