-- The sandbox's own state, in SQLite: one process reads and writes it, so no locks and no lock order.

-- name: schema
-- Caller: Store.open. `parent` is the payment intent of a charge or refund, the type of an event.
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    parent TEXT,
    reference TEXT,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_parent ON objects (parent, seq) WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_reference ON objects (reference) WHERE reference IS NOT NULL;
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger (
    charge_id TEXT PRIMARY KEY, intent_id TEXT NOT NULL, order_id TEXT NOT NULL, currency TEXT NOT NULL,
    charged INTEGER NOT NULL, refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND charged)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ledger_order ON ledger (order_id);
CREATE TABLE IF NOT EXISTS outgoing (
    event_id TEXT PRIMARY KEY, target TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL, attempt INTEGER NOT NULL, status INTEGER NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS mails (
    seq INTEGER PRIMARY KEY, sender TEXT NOT NULL, recipients TEXT NOT NULL, subject TEXT NOT NULL,
    message_id TEXT NOT NULL, raw BLOB NOT NULL, received_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS mails_message ON mails (message_id);

-- name: put_object
-- Caller: Store.put. Index: objects.id. One row; a known id keeps its place in lists.
INSERT INTO objects (id, kind, created, parent, reference, body) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET body = excluded.body

-- name: get_object
-- Caller: Store.get. Index: objects.id. One row.
SELECT body FROM objects WHERE id = ? AND kind = ?

-- name: object_by_reference
-- Caller: Store.by_reference. Index: objects_reference. At most 10 rows.
SELECT body FROM objects WHERE reference = ? AND kind = ? ORDER BY seq DESC LIMIT 10

-- name: object_seq
-- Caller: Store.page. Index: objects.id. One row.
SELECT seq FROM objects WHERE id = ? AND kind = ?

-- name: page_of_kind
-- Caller: Store.page, newest first. Index: objects_kind. Rows: the page.
SELECT body FROM objects WHERE kind = ? AND seq < ? AND created BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?

-- name: page_of_parent
-- Caller: Store.page, newest first. Index: objects_parent. Rows: the page.
SELECT body FROM objects
WHERE parent = ? AND kind = ? AND seq < ? AND created BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?

-- name: count_kinds
-- Caller: Store.counts. Scans objects_kind. One row a kind.
SELECT kind, count(*) FROM objects GROUP BY kind

-- name: get_answer
-- Caller: Store.answer. Index: idempotency. One row.
SELECT fingerprint, status, body FROM idempotency WHERE key = ?

-- name: put_answer
-- Caller: Store.remember. Index: idempotency. One row.
INSERT INTO idempotency (key, fingerprint, status, body) VALUES (?, ?, ?, ?)

-- name: overwrite_answer
-- Caller: Store.overwrite. Index: idempotency. One row.
UPDATE idempotency SET status = ?, body = ? WHERE key = ?

-- name: ledger_charge
-- Caller: Store.charged. One row.
INSERT INTO ledger (charge_id, intent_id, order_id, currency, charged) VALUES (?, ?, ?, ?, ?)

-- name: ledger_refund
-- Caller: Store.refunded. Index: ledger. One row.
UPDATE ledger SET refunded = refunded + ? WHERE charge_id = ?

-- name: ledger_page
-- Caller: Store.ledger, in order of order id. Index: ledger_order. Rows: the page.
SELECT order_id, currency, count(*), sum(charged), sum(refunded), min(intent_id)
FROM ledger WHERE order_id > ? GROUP BY order_id, currency ORDER BY order_id, currency LIMIT ?

-- name: ledger_total
-- Caller: Store.totals. Scans the ledger. One row a currency.
SELECT currency, count(*), sum(charged), sum(refunded) FROM ledger GROUP BY currency ORDER BY currency

-- name: queue_event
-- Caller: Store.queue. One row.
INSERT INTO outgoing (event_id, target, due_at) VALUES (?, ?, ?)

-- name: queued_events
-- Caller: Webhooks.start, once. Rows: everything undelivered.
SELECT event_id, target, attempts, due_at FROM outgoing

-- name: delivered
-- Caller: Store.delivered. Index: outgoing. One row.
DELETE FROM outgoing WHERE event_id = ?

-- name: postpone
-- Caller: Store.postpone. Index: outgoing. One row.
UPDATE outgoing SET attempts = ?, due_at = ? WHERE event_id = ?

-- name: record_delivery
-- Caller: Store.record_delivery. One row.
INSERT INTO deliveries (event_id, attempt, status, at) VALUES (?, ?, ?, ?)

-- name: recent_deliveries
-- Caller: Store.deliveries. By primary key, newest first. Rows: the page.
SELECT event_id, attempt, status, at FROM deliveries ORDER BY seq DESC LIMIT ?

-- name: count_queue
-- Caller: Store.counts. One row.
SELECT (SELECT count(*) FROM outgoing), (SELECT count(*) FROM deliveries), (SELECT count(*) FROM mails)

-- name: put_mail
-- Caller: Store.put_mail. One row.
INSERT INTO mails (sender, recipients, subject, message_id, raw, received_at) VALUES (?, ?, ?, ?, ?, ?)

-- name: page_of_mails
-- Caller: Store.mails. By primary key, newest first. Rows: the page.
SELECT seq, sender, recipients, subject, message_id, received_at FROM mails WHERE seq < ? ORDER BY seq DESC LIMIT ?

-- name: get_mail
-- Caller: Store.mail. By primary key. One row.
SELECT raw FROM mails WHERE seq = ?
