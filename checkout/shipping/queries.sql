-- name: all_zones
-- Caller: load_rulebook, in its snapshot. Whole table: tens of rows.
SELECT id, name, countries FROM shipping_zones ORDER BY id

-- name: all_rates
-- Caller: load_rulebook, in its snapshot. Whole table: hundreds of rows, by primary key.
SELECT zone_id, option, currency, up_to_weight_g, title, amount_minor, free_above_minor, days_min, days_max
FROM shipping_rates ORDER BY zone_id, option, currency, up_to_weight_g

-- name: seed_zone
-- Caller: seed_rulebook, POST shipping-zones. One row; none when the name is taken.
INSERT INTO shipping_zones (name, countries) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING id

-- name: seed_rates
-- Caller: seed_rulebook, POST and PUT shipping-zone. The rates of one zone that has none.
INSERT INTO shipping_rates
    (zone_id, option, currency, up_to_weight_g, title, amount_minor, free_above_minor, days_min, days_max)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::bigint[], $7::bigint[], $8::int[], $9::int[])
ON CONFLICT DO NOTHING

-- name: zones_page
-- Caller: GET shipping-zones. By primary key, after id $1, at most $2 rows.
SELECT id, name, countries, version FROM shipping_zones WHERE id > $1 ORDER BY id LIMIT $2

-- name: zone
-- Caller: GET shipping-zone, and after each change. By primary key.
SELECT id, name, countries, version FROM shipping_zones WHERE id = $1

-- name: rates_of
-- Caller: GET shipping-zones and shipping-zone. By primary key; at most SHIPPING_RATES_MAX rows a zone.
SELECT zone_id, option, currency, up_to_weight_g, title, amount_minor, free_above_minor, days_min, days_max
FROM shipping_rates WHERE zone_id = ANY ($1::int[]) ORDER BY zone_id, option, currency, up_to_weight_g

-- name: lock_rules
-- Caller: every change of a zone, first: zones are changed one at a time, so that none takes a country of another. Locks the one
-- row, which the trigger changes anyway.
SELECT version FROM rulebook FOR UPDATE

-- name: zone_with
-- Caller: POST and PUT shipping-zone, under lock_rules. Another zone (not $1) that has one of these countries. Whole table: tens of rows.
SELECT name FROM shipping_zones WHERE countries && $2::text[] AND id <> $1 LIMIT 1

-- name: change_zone
-- Caller: PUT shipping-zone, under lock_rules. By primary key; trips shipping_zones_name_key. Its trigger tells every process.
UPDATE shipping_zones SET name = $2, countries = $3, version = version + 1 WHERE id = $1

-- name: drop_rates
-- Caller: PUT shipping-zone, under lock_rules, before the new rates. By primary key.
DELETE FROM shipping_rates WHERE zone_id = $1

-- name: delete_zone
-- Caller: DELETE shipping-zone, under lock_rules. By primary key, with its rates.
DELETE FROM shipping_zones WHERE id = $1
