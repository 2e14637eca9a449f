-- name: all_zones
-- Caller: load_rulebook, in its snapshot. Whole table: tens of rows.
SELECT id, name, countries FROM shipping_zones ORDER BY id

-- name: all_rates
-- Caller: load_rulebook, in its snapshot. Whole table: hundreds of rows, by primary key.
SELECT zone_id, option, currency, up_to_weight_g, title, amount_minor, free_above_minor, days_min, days_max
FROM shipping_rates ORDER BY zone_id, option, currency, up_to_weight_g

-- name: seed_zone
-- Caller: seed_rulebook. One row; none when the name is taken.
INSERT INTO shipping_zones (name, countries) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING id

-- name: seed_rates
-- Caller: seed_rulebook. The rates of one new zone.
INSERT INTO shipping_rates
    (zone_id, option, currency, up_to_weight_g, title, amount_minor, free_above_minor, days_min, days_max)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::bigint[], $7::bigint[], $8::int[], $9::int[])
ON CONFLICT DO NOTHING
