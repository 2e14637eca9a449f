-- The digest of a tag or attribute, written so that its caller's statement takes it in: convert_to is STABLE, and an IMMUTABLE
-- function around it was called for each of a product's tags and attributes, at five times the cost of what it does.
CREATE OR REPLACE FUNCTION search_digest(given text) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT '@' || left(encode(sha256(convert_to(given, 'UTF8')), 'hex'), 32)
$$;
