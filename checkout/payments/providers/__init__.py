"""Payment providers behind one Protocol; each vendor's library is imported in one file."""
