"""API keys: how machines call."""
