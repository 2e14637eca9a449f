"""The audit: every promise of the shop as one bounded question to the live stores."""
