-- name: all_rates
-- Caller: load_rulebook, in its snapshot. Whole table: a few hundred rows.
SELECT country, region, tax_class, name, rate_bp, inclusive FROM tax_rates ORDER BY country, region, tax_class

-- name: seed_rates
-- Caller: seed_rulebook. Keeps what is there. At most the rows of checkout/tax/seed.py.
INSERT INTO tax_rates (country, region, tax_class, name, rate_bp, inclusive)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::boolean[])
ON CONFLICT (country, region, tax_class) DO NOTHING

-- name: rates_page
-- Caller: GET tax-rates. By primary key, after ($1, $2, $3), at most $4 rows.
SELECT country, region, tax_class, name, rate_bp, inclusive, version FROM tax_rates
WHERE (country, region, tax_class) > ($1, $2, $3) ORDER BY country, region, tax_class LIMIT $4

-- name: rate
-- Caller: GET tax-rate. By primary key.
SELECT country, region, tax_class, name, rate_bp, inclusive, version FROM tax_rates
WHERE country = $1 AND region = $2 AND tax_class = $3

-- name: lock_rate
-- Caller: PUT and DELETE tax-rate, first. By primary key; locks the row.
SELECT name, rate_bp, inclusive, version FROM tax_rates WHERE country = $1 AND region = $2 AND tax_class = $3 FOR UPDATE

-- name: add_rate
-- Caller: POST tax-rates, in its transaction. One row; none when the place and class have one.
INSERT INTO tax_rates (country, region, tax_class, name, rate_bp, inclusive) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (country, region, tax_class) DO NOTHING
RETURNING country, region, tax_class, name, rate_bp, inclusive, version

-- name: change_rate
-- Caller: PUT tax-rate, with the row locked. By primary key. Its trigger tells every process.
UPDATE tax_rates SET name = $4, rate_bp = $5, inclusive = $6, version = version + 1
WHERE country = $1 AND region = $2 AND tax_class = $3
RETURNING country, region, tax_class, name, rate_bp, inclusive, version

-- name: delete_rate
-- Caller: DELETE tax-rate, with the row locked. By primary key. Its trigger tells every process.
DELETE FROM tax_rates WHERE country = $1 AND region = $2 AND tax_class = $3
