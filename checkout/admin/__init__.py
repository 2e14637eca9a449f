"""What admins see and do: live figures, stock adjustments, dead letters."""
