"""Stock: the gate that admits, the tables that decide, and what keeps the two in step."""
