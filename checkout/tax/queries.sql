-- name: all_rates
-- Caller: load_rulebook, in its snapshot. Whole table: a few hundred rows.
SELECT country, region, tax_class, name, rate_bp, inclusive FROM tax_rates ORDER BY country, region, tax_class

-- name: seed_rates
-- Caller: seed_rulebook. Keeps what is there. At most the rows of checkout/tax/seed.py.
INSERT INTO tax_rates (country, region, tax_class, name, rate_bp, inclusive)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::boolean[])
ON CONFLICT (country, region, tax_class) DO NOTHING
