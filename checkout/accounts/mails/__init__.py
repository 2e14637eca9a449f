"""Mails about accounts: the answers to who gave an address."""
