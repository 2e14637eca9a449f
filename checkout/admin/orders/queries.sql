-- name: search
-- Caller: GET orders, planned for its values. Looks at no more than $8 orders with ids from $2 until before $1, newest first: by
-- orders_number, by orders_email_index and orders_email, or by primary key; for status $5, item $6 and owner $7 it asks each of these (order_lines by primary
-- key, variants and products by theirs). At most $9 rows, and on each the id at which it stopped looking, when there may be more.
WITH looked AS MATERIALIZED (
    SELECT id, status FROM orders
    WHERE id < $1 AND id >= $2 AND ($3::bigint IS NULL OR number = $3) AND ($4::bytea IS NULL OR email_index = $4 OR lower(email) = $10)
    ORDER BY id DESC LIMIT $8
), found AS (
    SELECT k.id FROM looked k
    WHERE ($5::text IS NULL OR k.status = $5)
      AND ($6::bigint IS NULL OR EXISTS (SELECT FROM order_lines l WHERE l.order_id = k.id AND l.item_id = $6))
      AND ($7::uuid IS NULL OR EXISTS (
          SELECT FROM order_lines l JOIN variants v USING (item_id) JOIN products p ON p.id = v.product_id
          WHERE l.order_id = k.id AND p.owner_id = $7))
    ORDER BY k.id DESC LIMIT $9
), stopped AS (
    SELECT CASE WHEN count(*) = $8 THEN (array_agg(id ORDER BY id))[1] END AS at FROM looked
)
SELECT s.at AS stopped_at, o.id, o.number, o.status, o.currency, o.total_minor, o.personal, o.email, o.account_id, o.placed_at, o.document
FROM stopped s LEFT JOIN (found f JOIN orders o ON o.id = f.id) ON true
ORDER BY o.id DESC

-- name: item_of
-- Caller: GET orders with a SKU. By variants_sku_key; none when it is not owner $2's, when that is given.
SELECT v.item_id FROM variants v JOIN products p ON p.id = v.product_id WHERE v.sku = $1 AND ($2::uuid IS NULL OR p.owner_id = $2)

-- name: owned
-- Caller: GET orders and GET order, for a vendor. By primary key: which of the products $1 are owner $2's.
SELECT id FROM products WHERE id = ANY ($1::uuid[]) AND owner_id = $2
