"""The checkout core: the HTTP edge and the business, one folder a noun."""
