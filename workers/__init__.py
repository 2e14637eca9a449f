"""Dispatch: the relay moves owed work to Dramatiq, actors hand it to the verbs in `checkout`."""
