"""Carts: a live copy in the gate, a kept copy in Postgres, and what both come to."""
