"""Coupons: their rows, and the counters by which limited ones are held and claimed like stock."""
