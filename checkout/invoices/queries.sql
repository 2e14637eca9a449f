-- name: orders_to_invoice
-- Caller: issue. At most RELAY_GROUP_MAX orders by primary key; nothing for one that is not paid or has its invoice.
SELECT o.id, o.number, o.placed_at, o.paid_at, now() AS issued_at, o.personal, o.email, o.currency, o.subtotal_minor, o.discount_minor,
       o.shipping_minor, o.tax_minor, o.total_minor, o.document
FROM orders o
WHERE o.id = ANY ($1::uuid[]) AND o.paid_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM invoices i WHERE i.order_id = o.id)

-- name: open_series
-- Caller: InvoiceStore, before the first invoice of a series in this process.
INSERT INTO invoice_series (series) VALUES ($1) ON CONFLICT (series) DO NOTHING

-- name: issue_batch
-- Caller: InvoiceStore. One element an invoice, at most RELAY_GROUP_MAX; $1 series. Locks the series' row, so that numbers are drawn by one
-- commit at a time; it comes into its field of the page when that is read. An order that has its invoice trips invoices_order_id_key
-- and the whole statement does nothing, the numbers included. Finishes the outbox rows $6.
WITH drawn AS (
    UPDATE invoice_series SET next_number = next_number + cardinality($2::uuid[])
    WHERE series = $1
    RETURNING next_number - cardinality($2::uuid[]) AS first_number
), kept AS (
    INSERT INTO invoices (id, series, number, order_id, document, pdf, personal)
    SELECT w.id, $1, d.first_number + w.n - 1, w.order_id, w.document::json, '', w.personal
    FROM drawn d, unnest($2::uuid[], $3::uuid[], $4::text[], $5::bytea[]) WITH ORDINALITY AS w (id, order_id, document, personal, n)
    RETURNING order_id
), done AS (
    DELETE FROM outbox WHERE id = ANY ($6::bigint[])
)
SELECT count(*) FROM kept

-- name: pdf_of
-- Caller: GET invoice.pdf. By invoices_order_id_key. An invoice that was blanked has no page any more.
SELECT id, series, number, pdf, personal FROM invoices WHERE order_id = $1 AND (personal IS NOT NULL OR pdf <> '')
