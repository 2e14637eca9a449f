"""Invoices: numbers without gaps, the document, its PDF."""
