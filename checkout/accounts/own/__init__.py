"""What a signed-in person has: profile, addresses, orders, an export of it all, and its erasure."""
