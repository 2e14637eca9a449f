"""The HTTP edge: one composed layer around every handler, the server process, metrics, the generated reference."""
