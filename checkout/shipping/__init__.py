"""Shipping: zone tables, and the carriers that carry what was bought."""
