"""Who may do what: roles, permissions, API keys, and the log of what was done."""
