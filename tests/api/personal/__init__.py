"""Personal data in the stores: sealed, and put under other keys."""
