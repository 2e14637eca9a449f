"""An order's life after its answer, against real Postgres and the sandbox."""

import io

import pypdf

from checkout.invoices.personal import open_page
from checkout.shipments.store import LABEL
from tests.workers.chain import Chain


async def test_a_paid_order_is_invoiced_booked_and_told(chain: Chain) -> None:
    """If this fails, a paid order does not reach its invoice, its carrier or its buyer."""
    order = await chain.place(quantity=2)
    await chain.drain()
    assert await chain.status(order) == "booked"
    assert await chain.attempts(order) == [(1, "succeeded")]
    assert await chain.timeline(order) == ["paid", "booked"]
    invoice = await chain.pool.fetchrow("SELECT * FROM invoices WHERE order_id = $1", order)
    assert (invoice["pdf"], "Lovelace" in invoice["document"]) == (b"", False)
    pdf = open_page(chain.cipher, invoice["id"], invoice["personal"], invoice["number"])
    text = pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    assert f"{invoice['series']}-{invoice['number']:06d}" in text
    assert "€24.90" in text
    assert "Ada Lovelace" in text
    shipment = await chain.pool.fetchrow("SELECT * FROM shipments WHERE order_id = $1", order)
    label = chain.cipher.open_bytes(LABEL, shipment["id"], shipment["personal"])
    assert (shipment["label_pdf"], label[:4]) == (None, b"%PDF")
    assert shipment["tracking_number"]
    assert (
        await chain.pool.fetchval("SELECT count(*) FROM notifications_sent WHERE order_id = $1", order) == 1
    )
    assert (await chain.ledger())[str(order)]["charged"] == 2490
