"""Documents that are made from the code: the schema, error codes, settings and bounds, metrics. `make docs` writes them."""
