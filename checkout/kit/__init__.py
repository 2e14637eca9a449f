"""What the nouns share: ids, database pool, lane to Redis, routes, bodies, tokens."""
