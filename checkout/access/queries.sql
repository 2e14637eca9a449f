-- name: record
-- Caller: every verb of an admin, in its transaction. One row.
INSERT INTO audit_log (actor, action, subject, before, after) VALUES ($1, $2, $3, $4::json, $5::json)
