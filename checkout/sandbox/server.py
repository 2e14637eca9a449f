"""The command's side of the sandbox: refused in production, and clear when a port is taken."""

import uvloop

from checkout.sandbox.app import run
from checkout.sandbox.config import from_settings
from config import local
from config.production import refuse_stand_in
from config.settings import Settings


def run_sandbox(settings: Settings) -> int:
    """Be the sandbox until SIGTERM or SIGINT; gives the exit code.

    Raises: SettingsError in production, StoreError when a port is taken, both with what mends it.
    """
    refuse_stand_in(settings, "the sandbox", "set the providers' own addresses and keys")
    config = from_settings(settings)
    local.ensure_free("127.0.0.1", config.http_port, "CHECKOUT_SANDBOX_PORT")
    local.ensure_free("127.0.0.1", config.smtp_port, "CHECKOUT_SMTP_PORT")
    uvloop.run(run(settings))
    return 0
