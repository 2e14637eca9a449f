"""Prices: the regular ones, and lists that cover them from one moment to another."""
