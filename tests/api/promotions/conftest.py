"""The desk of tests/api/access, for admins' routes."""

from tests.api.access.conftest import desk

__all__ = ["desk"]
