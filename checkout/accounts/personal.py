"""What is personal about accounts: it lies sealed in the column `personal` of each of these tables."""

from checkout.kit.cipher import Place

ACCOUNT = Place("accounts", frozenset({"profile"}))
"""Fields `email` and `profile`; found by `email_index`."""
ADDRESS = Place("addresses", frozenset({"document"}))
REQUEST = Place("account_requests", frozenset({"document"}))
"""Fields `email` and `document`; found by `email_index`."""
FACTOR = "second_factors"
"""Its secret, as bytes."""
