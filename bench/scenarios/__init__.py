"""One file a scenario: what it asks, how it is measured, what it is judged by."""
