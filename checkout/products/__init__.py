"""Products as those who sell them see them: every field, every status, with a version that guards each edit."""
