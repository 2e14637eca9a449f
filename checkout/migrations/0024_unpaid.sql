-- An index that names a column keeps its updates from being heap-only, also by its condition: with `status` in it every step of an
-- order wrote all its indexes anew. That it is unpaid is told by two columns that change once (orders_paid, orders_cancelled).
DROP INDEX orders_unpaid;
CREATE INDEX orders_unpaid ON orders (payment_deadline) WHERE paid_at IS NULL AND cancelled_at IS NULL;
