"""Loopback stand-ins for the payment provider, the carrier and the mail server: strict, stateful, with faults to order.

Nothing in the shop imports this; it is a process of its own, reached over the providers' wire formats.
"""
