"""Shipments: an order's parcels, booked with a carrier."""
