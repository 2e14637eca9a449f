"""The desk of the products' tests, for categories and attributes."""

from tests.api.products.conftest import desk, people

__all__ = ["desk", "people"]
