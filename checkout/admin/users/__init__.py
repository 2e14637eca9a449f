"""Accounts as admins see them: who is there, with which role, and whether they may sign in."""
