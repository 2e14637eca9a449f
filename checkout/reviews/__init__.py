"""What buyers say of products, moderated before others read it."""
