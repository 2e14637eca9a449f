"""Draw barcodes as SVG: the GTIN where there is one, else the SKU in Code 128.

Source: python-barcode, https://python-barcode.readthedocs.io
"""

import io

_BY_LENGTH = {8: "ean8", 12: "upca", 13: "ean13", 14: "itf"}


def svg(sku: str, gtin: str | None) -> bytes:
    """The picture, UTF-8. Cost: about a millisecond, a tenth of a second the first time: not for the event loop."""
    import barcode as drawing  # noqa: PLC0415 - brings Pillow, 4 MiB that only who draws needs
    from barcode.writer import SVGWriter  # noqa: PLC0415 - as above

    kind, text = (_BY_LENGTH[len(gtin)], gtin) if gtin else ("code128", sku)
    target = io.BytesIO()
    drawing.get(kind, text, writer=SVGWriter()).write(
        target, {"quiet_zone": 2.5, "font_size": 8, "text_distance": 3.5}
    )
    return target.getvalue()
