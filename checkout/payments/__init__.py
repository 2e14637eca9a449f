"""Payments: attempts to pay an order, what the provider says of them, and what that does to the order."""
