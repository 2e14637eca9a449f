-- What listings and searches ask. All but the last three are asked in the transaction of `store.reading`, whose settings decide
-- how they are planned, once a connection; $1 is a tsquery over the terms of product_search, or NULL for every product.

-- name: words_of
-- Caller: find. Locks: none. One row, no table.
SELECT coalesce(array_remove(string_to_array(search_text($1), ' '), ''), '{}') AS words

-- name: branch
-- Caller: find. Index: categories.slug, categories_parent. Locks: none. Rows: the categories of one branch, <= 5,000.
WITH RECURSIVE branch AS (
    SELECT id FROM categories WHERE slug = $1
    UNION
    SELECT c.id FROM categories c JOIN branch b ON c.parent_id = b.id
)
SELECT id FROM branch LIMIT 5000

-- name: said_by_some
-- Caller: find, when nothing matched. Index: product_search_terms, for what none of the first 100 products says. Locks: none.
-- Rows: one a word.
SELECT w.word,
       EXISTS (SELECT FROM (SELECT terms FROM product_search TABLESAMPLE SYSTEM (100) LIMIT 100) s WHERE s.terms @@ w.query)
       OR EXISTS (SELECT FROM product_search s WHERE s.terms @@ w.query) AS said
FROM (SELECT word, query::tsquery FROM unnest($1::text[], $2::text[]) AS asked(word, query)) w

-- name: names_like
-- Caller: find, for a word that no product says. Index: search_words pkey, search_words_similar. Locks: none. Rows: <= 5 and <= 30.
SELECT ARRAY(SELECT word FROM search_words WHERE length($1) >= 3 AND word >= $1 AND word < $1 || U&'\+10FFFF'
             ORDER BY length(word), word LIMIT 5) AS begun,
       ARRAY(SELECT word FROM search_similar($1, 30) AS word) AS likest

-- name: survey
-- Caller: find. Index: product_search_terms; none for every product, nor for what is common, of which the first blocks have enough
-- while the index would name it all. Common is what more than a fifth of about 300 products are, the same each time; in a catalogue
-- of more than four times $16 a tenth, or in a branch, whose many categories the index takes longer to bring together, a sixteenth
-- of 1,000; in one of $16 or fewer nothing is. Locks: none. One row, of at
-- most $5 products that match, of what is common $6 and one more, each of whose lowest price in $2, when given, is $3 to $4: how many
-- there are; where the first $6 are in the tree, what values they have (<= 1,000) and what they cost; how many are in each tier; and,
-- when all were read, the page of $13 in order $7 behind $10, $11, $12. What belongs together is in arrays of one length, or NULL. By
-- relevance a key is the tier in its eighteenth digit, and below it how long ago the product was published; $8 finds the first tier,
-- $9 the second.
WITH RECURSIVE sampled AS MATERIALIZED (
    SELECT coalesce(share > CASE WHEN rows <= 4 * $16::int THEN 0.2 WHEN $15::uuid[] IS NULL THEN 0.1 ELSE 0.0625 END, false) AS are_common
    FROM (SELECT greatest(reltuples, 1) AS rows FROM pg_class WHERE oid = 'product_search'::regclass) size
    CROSS JOIN LATERAL (
        SELECT avg((($14::tsquery IS NULL OR terms @@ $14) AND ($15::uuid[] IS NULL OR categories && $15))::int) AS share
        FROM product_search TABLESAMPLE SYSTEM (least(100, CASE WHEN $15::uuid[] IS NULL THEN 30000 ELSE 100000 END / rows)) REPEATABLE (1)
        WHERE rows > $16::int AND $1::tsquery IS NOT NULL) sample
), found AS MATERIALIZED (
    SELECT product_id, categories, facets, currencies, lowest, highest,
           CASE $7::text WHEN 'relevance' THEN 10000000000000000 - (extract(epoch FROM published_at) * 1000000)::bigint
                             + CASE WHEN terms @@ $8::tsquery THEN 0 WHEN terms @@ $9::tsquery THEN 1 ELSE 2 END * 100000000000000000
                         WHEN 'newest' THEN -(extract(epoch FROM published_at) * 1000000)::bigint
                         WHEN 'price' THEN lowest[array_position(currencies, $2)]
                         WHEN '-price' THEN -lowest[array_position(currencies, $2)]
                         WHEN 'rating' THEN -rating_key ELSE 0 END AS key_number,
           (CASE WHEN $7 = 'title' THEN title_key ELSE '' END) COLLATE "C" AS key_text
    FROM (SELECT * FROM product_search WHERE NOT (SELECT are_common FROM sampled) AND terms @@ $1
          UNION ALL
          SELECT * FROM product_search TABLESAMPLE SYSTEM (100)
          WHERE ($1 IS NULL OR (SELECT are_common FROM sampled))
            AND ($14 IS NULL OR terms @@ $14) AND ($15 IS NULL OR categories && $15)) matching
    WHERE $2::text IS NULL OR lowest[array_position(currencies, $2)] BETWEEN $3::bigint AND $4::bigint
    LIMIT (SELECT CASE WHEN are_common THEN $6::bigint + 1 ELSE $5 END FROM sampled)
), counted AS MATERIALIZED (
    SELECT categories, facets, currencies, lowest, highest FROM found LIMIT $6
), together AS MATERIALIZED (
    SELECT row_number() OVER () AS at, categories, count(*) AS products FROM counted
    WHERE cardinality(categories) > 0 GROUP BY categories
), upward AS (
    SELECT t.at, c.id, c.parent_id, c.slug, c.name, t.products FROM together t, unnest(t.categories) k JOIN categories c ON c.id = k
    UNION
    SELECT u.at, c.id, c.parent_id, c.slug, c.name, u.products FROM upward u JOIN categories c ON c.id = u.parent_id
)
SELECT total, are_common, tree.*, said.*, paid.*, tiers.*, page.*,
       ARRAY(SELECT name FROM attributes WHERE NOT facet ORDER BY name LIMIT 1000) AS uncounted
FROM sampled, (SELECT count(*) AS total FROM found) met, (
    SELECT array_agg(slug) AS slugs, array_agg(name) AS names, array_agg(products) AS held
    FROM (SELECT slug, name, sum(products)::bigint AS products FROM upward GROUP BY slug, name) x
) tree, (
    SELECT array_agg(f) AS facets, array_agg(products) AS carried
    FROM (SELECT f, count(*) AS products FROM (SELECT unnest(facets) AS f FROM counted) y
          GROUP BY f ORDER BY count(*) DESC, f LIMIT 1000) x
) said, (
    SELECT array_agg(currency) AS currencies, array_agg(low) AS lowest, array_agg(high) AS highest
    FROM (SELECT currency, min(low) AS low, max(high) AS high
          FROM (SELECT unnest(currencies) AS currency, unnest(lowest) AS low, unnest(highest) AS high FROM counted) y
          GROUP BY currency) x
) paid, (
    SELECT array_agg(tier) AS tiers, array_agg(products) AS in_tier
    FROM (SELECT key_number / 100000000000000000 AS tier, count(*) AS products FROM found WHERE $7 = 'relevance' GROUP BY 1) x
) tiers, (
    SELECT array_agg(product_id) AS product_ids, array_agg(key_number) AS key_numbers, array_agg(key_text) AS key_texts
    FROM (SELECT product_id, key_number, key_text FROM found
          WHERE (SELECT count(*) FROM found) < (SELECT CASE WHEN are_common THEN $6 + 1 ELSE $5 END FROM sampled)
            AND ($10::bigint IS NULL OR (key_number, key_text, product_id) > ($10, $11::text COLLATE "C", $12::uuid))
          ORDER BY key_number, key_text, product_id
          LIMIT $13) x
) page

-- name: page_by_sorting
-- Caller: find, when a walk met too few: what matches is many and stands together, far along the order. Index:
-- product_search_terms. Locks: none. Rows: <= $9; reads all that match.
SELECT product_id, key_number, key_text FROM (
    SELECT product_id,
           CASE $5::text WHEN 'newest' THEN -(extract(epoch FROM published_at) * 1000000)::bigint
                         WHEN 'price' THEN lowest[array_position(currencies, $2)]
                         WHEN '-price' THEN -lowest[array_position(currencies, $2)]
                         WHEN 'rating' THEN -rating_key
                         ELSE 0 END AS key_number,
           (CASE WHEN $5 = 'title' THEN title_key ELSE '' END) COLLATE "C" AS key_text
    FROM product_search
    WHERE terms @@ $1::tsquery
      AND ($2::text IS NULL OR lowest[array_position(currencies, $2)] BETWEEN $3::bigint AND $4::bigint)) keyed
WHERE $6::bigint IS NULL OR (key_number, key_text, product_id) > ($6, $7::text COLLATE "C", $8::uuid)
ORDER BY key_number, key_text, product_id
LIMIT $9

-- A walk goes along one order and takes what matches: $1, one of the categories $9 when given, and a lowest price of $3 to $4 in $2
-- when $2 is given; from behind the product $6 at $5, or from the start when $5 is NULL; past $8 products at most. With what is
-- common it is over soon.

-- name: walk_newest
-- Caller: find. Index: product_search_newest. Locks: none. Rows: <= $7.
SELECT product_id, -(extract(epoch FROM published_at) * 1000000)::bigint AS key_number, '' AS key_text
FROM (SELECT * FROM product_search
      WHERE published_at <= coalesce($5::timestamptz, 'infinity')
        AND ($5 IS NULL OR published_at < $5 OR product_id > $6::uuid)
      ORDER BY published_at DESC, product_id LIMIT $8) passed
WHERE ($1::tsquery IS NULL OR terms @@ $1) AND ($9::uuid[] IS NULL OR categories && $9)
  AND ($2::text IS NULL OR lowest[array_position(currencies, $2)] BETWEEN $3::bigint AND $4::bigint)
LIMIT $7

-- name: walk_title
-- Caller: find. Index: product_search_title. Locks: none. Rows: <= $7.
SELECT product_id, 0::bigint AS key_number, title_key AS key_text
FROM (SELECT * FROM product_search
      WHERE title_key >= coalesce($5::text, '') AND ($5 IS NULL OR title_key > $5 OR product_id > $6::uuid)
      ORDER BY title_key, product_id LIMIT $8) passed
WHERE ($1::tsquery IS NULL OR terms @@ $1) AND ($9::uuid[] IS NULL OR categories && $9)
  AND ($2::text IS NULL OR lowest[array_position(currencies, $2)] BETWEEN $3::bigint AND $4::bigint)
LIMIT $7

-- name: walk_rating
-- Caller: find. Index: product_search_rating. Locks: none. Rows: <= $7.
SELECT product_id, -rating_key::bigint AS key_number, '' AS key_text
FROM (SELECT * FROM product_search
      WHERE rating_key <= coalesce($5::int, 2147483647) AND ($5 IS NULL OR rating_key < $5 OR product_id > $6::uuid)
      ORDER BY rating_key DESC, product_id LIMIT $8) passed
WHERE ($1::tsquery IS NULL OR terms @@ $1) AND ($9::uuid[] IS NULL OR categories && $9)
  AND ($2::text IS NULL OR lowest[array_position(currencies, $2)] BETWEEN $3::bigint AND $4::bigint)
LIMIT $7

-- name: walk_price
-- Caller: find. Index: product_prices_up, product_search pkey. Locks: none. Rows: <= $7.
SELECT passed.product_id, passed.lowest_minor AS key_number, '' AS key_text
FROM (SELECT product_id, lowest_minor FROM product_prices
      WHERE currency = $2::text AND lowest_minor BETWEEN greatest($3::bigint, $5::bigint) AND $4::bigint
        AND ($5 IS NULL OR lowest_minor > $5 OR product_id > $6::uuid)
      ORDER BY lowest_minor, product_id LIMIT $8) passed
CROSS JOIN LATERAL (SELECT terms, categories FROM product_search WHERE product_id = passed.product_id OFFSET 0) s
WHERE ($1::tsquery IS NULL OR s.terms @@ $1) AND ($9::uuid[] IS NULL OR s.categories && $9)
ORDER BY passed.lowest_minor, passed.product_id
LIMIT $7

-- name: walk_price_down
-- Caller: find. Index: product_prices_down, product_search pkey. Locks: none. Rows: <= $7.
SELECT passed.product_id, -passed.lowest_minor AS key_number, '' AS key_text
FROM (SELECT product_id, lowest_minor FROM product_prices
      WHERE currency = $2::text AND lowest_minor BETWEEN $3::bigint AND least($4::bigint, $5::bigint)
        AND ($5 IS NULL OR lowest_minor < $5 OR product_id > $6::uuid)
      ORDER BY lowest_minor DESC, product_id LIMIT $8) passed
CROSS JOIN LATERAL (SELECT terms, categories FROM product_search WHERE product_id = passed.product_id OFFSET 0) s
WHERE ($1::tsquery IS NULL OR s.terms @@ $1) AND ($9::uuid[] IS NULL OR s.categories && $9)
ORDER BY passed.lowest_minor DESC, passed.product_id
LIMIT $7

-- name: cards
-- Caller: find. Index: products pkey, variants_product. Locks: none. Rows: <= the ids of one page.
SELECT p.id, p.slug, p.title, p.vendor, p.tags, p.attributes, p.images -> 0 AS image, p.published_at,
       (SELECT coalesce(json_agg(c.slug ORDER BY c.position, c.slug), '[]')
        FROM product_categories pc JOIN categories c ON c.id = pc.category_id WHERE pc.product_id = p.id) AS categories,
       (SELECT coalesce(json_object_agg(k.currency, json_build_object('from', k.low, 'to', k.high)), '{}')
        FROM unnest(s.currencies, s.lowest, s.highest) k(currency, low, high)) AS prices,
       CASE WHEN r.reviews > 0 THEN json_build_object('average', round(r.stars::numeric / r.reviews, 2), 'count', r.reviews) END
           AS rating,
       (SELECT json_agg(v.sku ORDER BY v.position, v.item_id) FROM variants v
        WHERE v.product_id = p.id AND v.archived_at IS NULL) AS skus,
       (SELECT coalesce(bool_or(k.reserved < k.on_hand + k.backorder_limit), false) FROM variants v JOIN stock k USING (item_id)
        WHERE v.product_id = p.id AND v.archived_at IS NULL) AS in_stock
FROM products p JOIN product_search s ON s.product_id = p.id
LEFT JOIN product_ratings r ON r.product_id = p.id
WHERE p.id = ANY ($1::uuid[])

-- name: titles_begun
-- Caller: suggest. Index: product_search_title, products pkey. Locks: none. Rows: <= $2.
SELECT p.slug, p.title FROM product_search s JOIN products p ON p.id = s.product_id
WHERE s.title_key >= $1::text AND s.title_key < $1 || U&'\+10FFFF'
ORDER BY s.title_key, s.product_id
LIMIT $2

-- name: titles_with
-- Caller: suggest. Index: product_search_terms, products pkey. Locks: none. Rows: <= $3, the shortest titles of the first $2 found.
SELECT p.slug, p.title FROM (
    SELECT product_id, title_key FROM product_search WHERE terms @@ $1::tsquery LIMIT $2) s
JOIN products p ON p.id = s.product_id
ORDER BY length(s.title_key), s.product_id
LIMIT $3

-- name: categories_begun
-- Caller: suggest. Reads the categories, <= 5,000. Locks: none. Rows: <= $2, with a word that begins so.
SELECT slug, name FROM categories
WHERE ' ' || lower(unaccent(name)) LIKE '% ' || $1::text || '%'
ORDER BY length(name), slug
LIMIT $2
