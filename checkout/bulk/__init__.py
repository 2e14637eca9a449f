"""Imports and exports: whole catalogues as CSV files, read and written by jobs."""
