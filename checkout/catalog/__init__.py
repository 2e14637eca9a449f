"""The catalogue: products, variants, prices, categories; what is offered, how it is read, written and imported."""
