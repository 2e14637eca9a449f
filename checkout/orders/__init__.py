"""Orders: placing, deciding in batches, showing."""
