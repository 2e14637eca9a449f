"""Carriers behind one Protocol; one thin adapter a carrier."""
