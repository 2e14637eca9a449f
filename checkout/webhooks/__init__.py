"""Webhooks out: whoever outside wants to know is told of what happens. (Those that come in are in checkout/payments/.)"""
