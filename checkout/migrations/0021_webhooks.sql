-- Who outside is told of what happens: subscriptions by event, and the functions that owe their messages to the outbox.
-- No secret is stored: it is derived from the shop's secret key, the endpoint's id and the number of its secret.

CREATE TABLE webhook_endpoints (
    id            uuid PRIMARY KEY,
    url           text NOT NULL CHECK (url ~ '^https?://' AND length(url) <= 2000),
    events        text[] NOT NULL CHECK (cardinality(events) > 0),
    description   text NOT NULL DEFAULT '' CHECK (length(description) <= 200),
    active        boolean NOT NULL DEFAULT true,
    secret_number int NOT NULL DEFAULT 1 CHECK (secret_number > 0),
    rotated_at    timestamptz,               -- the secret before this one still signs for a while after
    failing_since timestamptz,
    last_error    text,
    version       bigint NOT NULL DEFAULT 1,
    created_by    text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT webhook_endpoints_rotated CHECK ((secret_number > 1) = (rotated_at IS NOT NULL)),
    CONSTRAINT webhook_endpoints_failing CHECK (failing_since IS NULL OR last_error IS NOT NULL)
);

-- Owes one message to each active endpoint that listens to this event; without one, nothing.
CREATE FUNCTION tell_webhooks(event text, data json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (topic, subject_id, payload)
    SELECT 'webhook.send', e.id, json_build_object(
        'id', gen_random_uuid(), 'type', event,
        'timestamp', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'data', data)
    FROM webhook_endpoints e WHERE e.active AND event = ANY (e.events);
END $$;

-- Why an order's subscribers are told of it, and what: its lines by SKU, for whoever packs them.
CREATE FUNCTION order_told(told_id uuid, told_status text) RETURNS json STABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT json_build_object(
            'id', gen_random_uuid(), 'type', 'order.' || told_status,
            'timestamp', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'data', json_build_object(
                'order_id', o.id, 'number', o.number, 'status', told_status, 'currency', o.currency, 'total', o.total_minor,
                'lines', (SELECT json_agg(json_build_object('sku', l ->> 'sku', 'quantity', l -> 'quantity'))
                          FROM json_array_elements(o.document -> 'lines') l)))
        FROM orders o WHERE o.id = told_id);
END $$;

-- The stock of some SKUs as outsiders are told of it. `available` is what may be sold of what lies there.
CREATE FUNCTION stock_told(item_ids bigint[]) RETURNS TABLE (item bigint, told json) STABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT s.item_id, json_build_object(
        'sku', v.sku, 'on_hand', s.on_hand, 'reserved', s.reserved,
        'available', greatest(0, s.on_hand - s.reserved - coalesce(p.safety_stock, 0)),
        'orderable', s.on_hand + s.backorder_limit - s.reserved,
        'locations', (SELECT coalesce(json_object_agg(l.location, l.on_hand ORDER BY l.location), '{}')
                      FROM location_stock l WHERE l.item_id = s.item_id))
    FROM stock s JOIN variants v USING (item_id) LEFT JOIN stock_policies p USING (item_id)
    WHERE s.item_id = ANY (item_ids);
END $$;

-- As before, and outsiders are told, 100 SKUs a message. Orders are told by order.paid and its like.
CREATE OR REPLACE FUNCTION stock_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM changed WHERE on_hand_delta <> 0 AND kind <> 'opening') THEN
        PERFORM FROM location_stock l
        WHERE (l.item_id, l.location) IN (SELECT c.item_id, c.location FROM changed c WHERE c.on_hand_delta <> 0)
        ORDER BY l.item_id, l.location FOR NO KEY UPDATE;
        WITH moved AS (
            SELECT c.item_id, c.location, sum(c.on_hand_delta)::int AS delta
            FROM changed c JOIN stock s ON s.item_id = c.item_id AND s.kind = 'variant'
            WHERE c.kind <> 'opening'
            GROUP BY c.item_id, c.location HAVING sum(c.on_hand_delta) <> 0
        ), known AS (
            UPDATE location_stock l SET on_hand = l.on_hand + m.delta FROM moved m
            WHERE l.item_id = m.item_id AND l.location = m.location
            RETURNING l.item_id, l.location
        )
        INSERT INTO location_stock (item_id, location, on_hand)
        SELECT m.item_id, m.location, m.delta FROM moved m
        WHERE NOT EXISTS (SELECT FROM known k WHERE k.item_id = m.item_id AND k.location = m.location)
        ORDER BY m.item_id, m.location;
    END IF;
    PERFORM apply_stock_policies(ARRAY(SELECT DISTINCT item_id FROM changed));
    IF EXISTS (SELECT FROM webhook_endpoints WHERE active AND 'stock.changed' = ANY (events)) THEN
        PERFORM tell_webhooks('stock.changed', json_build_object('items', json_agg(t.told ORDER BY t.item)))
        FROM (SELECT told.item, told.told, (row_number() OVER (ORDER BY told.item) - 1) / 100 AS page
              FROM stock_told(ARRAY(SELECT DISTINCT item_id FROM changed WHERE kind <> 'opening')) told) t
        GROUP BY t.page;
    END IF;
    RETURN NULL;
END $$;
