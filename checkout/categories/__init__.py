"""The tree of categories, as admins edit it."""
