"""Logs of the worker and relay processes: ours at the level that is set, the libraries' from warning up."""

import logging

from checkout.edge.logs import configure
from config.settings import Settings

_TALKATIVE = ("stripe", "dramatiq", "aiosmtplib")


def configure_logs(settings: Settings) -> None:
    """Sets up this process's logs. Cost: none per call of a provider, whose client logs each at info."""
    configure(settings.log_format, settings.log_level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
