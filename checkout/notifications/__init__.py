"""Telling people: mail first."""
