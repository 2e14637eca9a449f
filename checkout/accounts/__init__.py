"""Accounts: who may sign in, and what a signed-in caller may do."""
