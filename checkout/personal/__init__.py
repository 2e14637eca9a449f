"""Personal data over all tables: under which keys it lies, and putting it under the newest."""
