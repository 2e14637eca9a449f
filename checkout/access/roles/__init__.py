"""Roles as their admins see them."""
