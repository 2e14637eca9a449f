"""Locations: where units lie and parcels leave from."""
