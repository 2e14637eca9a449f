"""What the attributes of products may be, as admins define it."""
