"""The outbox: work that is owed, written by the commit that owes it, deleted by the commit that has done it."""
