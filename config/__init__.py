"""Typed settings, bounds with their relations, and the stores that this machine can run by itself."""
