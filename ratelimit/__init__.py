"""Who may ask how much: GCRA limits, in-flight caps and load shedding. Knows clients and policies, never carts or orders."""
