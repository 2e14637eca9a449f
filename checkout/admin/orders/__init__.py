"""Orders as support, admins and vendors see them."""
