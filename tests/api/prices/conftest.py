"""The desk of the products' tests, for prices."""

from tests.api.products.conftest import desk, people

__all__ = ["desk", "people"]
