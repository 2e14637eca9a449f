-- name: rulebook_version
-- Caller: load_rulebook, first in its snapshot. One row.
SELECT version FROM rulebook
