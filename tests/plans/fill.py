"""A large shop for the planner: orders over a year, and what belongs to them, written by Postgres itself."""

from bench.report.progress import Silent
from bench.shop.mass import add_orders, add_skus
from bench.shop.store import Bulk
from checkout.kit.db import connect

SKUS = 20_000

AFTERWARDS = """
INSERT INTO payments (id, order_id, attempt, provider, method, provider_ref, amount_minor, currency, status, decline_code)
SELECT gen_random_uuid(), id, 1, 'stripe', 'pm_card_visa', 'pi_' || number, total_minor, 'EUR', 'declined', 'generic_decline'
FROM orders;
INSERT INTO invoice_series (series, next_number) VALUES ('M', 1);
INSERT INTO invoices (id, series, number, order_id, document, pdf)
SELECT gen_random_uuid(), 'M', number, id, '{}', 'pdf' FROM orders;
INSERT INTO shipments (id, order_id, carrier, tracking_number, personal)
SELECT gen_random_uuid(), id, 'dhl', 'M' || number, '\\x0001' FROM orders; -- a parcel's label is there, sealed
INSERT INTO notifications_sent (order_id, kind, message_id) SELECT id, 'confirmation', 'm' FROM orders;
INSERT INTO webhook_inbox (id, provider, event_id, kind, payload, order_id, status, handled_at)
SELECT id, 'stripe', 'evt_' || number, 'charge.succeeded', '{}', id, 'applied', placed_at FROM orders;
INSERT INTO carts (id, version, currency, document) SELECT 'cart-' || claim_id, 1, 'EUR', '{}' FROM orders;
INSERT INTO outbox (topic, subject_id, available_at) SELECT 'order.confirm', id, placed_at + interval '2 years' FROM orders;
INSERT INTO admin_requests (key, fingerprint, answer) SELECT id, id, '{}' FROM orders;
INSERT INTO stock_movements (movement_id, item_id, kind, reserved_delta, order_id)
SELECT overlay(md5(id::text) PLACING replace(left(id::text, 13), '-', '') FROM 1)::uuid, item_id, 'release', -1, order_id
FROM orders JOIN order_lines ON order_id = id WHERE line_no = 1;
UPDATE orders SET account_id = id WHERE number % 10 = 0"""

EXPLAIN = """
CREATE FUNCTION plan_of(query text) RETURNS json LANGUAGE plpgsql AS $f$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (GENERIC_PLAN, FORMAT JSON) ' || query INTO plan;
    RETURN plan;
END $f$"""


async def fill(database_url: str, orders: int) -> None:
    """Fills a migrated database. Cost: about 0.15 ms an order on one core of 2026."""
    async with Bulk.of(database_url) as bulk:
        items = await add_skus(bulk, SKUS, Silent())
        await add_orders(bulk, items, orders, Silent())
    connection = await connect(database_url, purpose="test")
    try:
        await connection.execute("SET statement_timeout = 0; SET session_replication_role = replica")
        await connection.execute(AFTERWARDS)
        await connection.execute(EXPLAIN)
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()
