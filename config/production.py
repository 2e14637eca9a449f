"""What development may have and production may not: stand-ins, default secrets, plain HTTP to the outside."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from config import limits
from config.tls import is_open, stays_here

if TYPE_CHECKING:
    from config.settings import Settings

SANDBOX_STRIPE_KEY = "sk_test_sandbox"
SANDBOX_STRIPE_WEBHOOK_SECRET = "whsec_sandbox"
SANDBOX_DHL_KEY = "sandbox"
SANDBOX_DHL_SECRET = "sandbox"
SANDBOX_DHL_ACCOUNT = "123456789"
SANDBOX_DHL_WEBHOOK_SECRET = "dhl_sandbox"


def stand_ins(sandbox_port: int) -> dict[str, object]:
    """Defaults outside production: every provider is the sandbox on this machine."""
    base = f"http://127.0.0.1:{sandbox_port}"
    return {
        "stripe_api_base": base,
        "stripe_api_key": SANDBOX_STRIPE_KEY,
        "stripe_webhook_secret": SANDBOX_STRIPE_WEBHOOK_SECRET,
        "dhl_api_base": f"{base}/mydhlapi",
        "dhl_api_key": SANDBOX_DHL_KEY,
        "dhl_api_secret": SANDBOX_DHL_SECRET,
        "dhl_account": SANDBOX_DHL_ACCOUNT,
        "dhl_webhook_secret": SANDBOX_DHL_WEBHOOK_SECRET,
        "smtp_host": "127.0.0.1",
        "smtp_port": sandbox_port + 1,
    }


def refusals(settings: "Settings", given: set[str]) -> list[str]:
    """Say everything that keeps these settings from production, each with the setting that mends it.

    Shape: `given` are the names of the settings that the operator set.
    """
    problems = [
        f"CHECKOUT_{name.upper()}: must be set in production ({why})."
        for name, why in _REQUIRED.items()
        if not getattr(settings, name) or (name in _NEVER_BY_DEFAULT and name not in given)
    ]
    if settings.secret_key and len(settings.secret_key) < limits.SECRET_KEY_MIN_CHARS:
        problems.append(
            f"CHECKOUT_SECRET_KEY: must have at least {limits.SECRET_KEY_MIN_CHARS} random characters."
        )
    if settings.admin_password and len(settings.admin_password) < limits.PASSWORD_MIN_CHARS:
        problems.append(
            f"CHECKOUT_ADMIN_PASSWORD: must have at least {limits.PASSWORD_MIN_CHARS} characters."
        )
    for name, default in stand_ins(settings.sandbox_port).items():
        if name in _SECRETS and default in _parts(getattr(settings, name)):
            problems.append(
                f"CHECKOUT_{name.upper()}: the sandbox's well-known value is refused in production; "
                "set the one that the provider gave you."
            )
    if settings.crash_at:
        problems.append("CHECKOUT_CRASH_AT: crash points are for tests; unset it.")
    problems += _addresses(settings)
    if settings.payment_window_s + limits.PAYMENT_SLACK_S >= settings.hold_ttl_s:
        problems.append(
            f"CHECKOUT_HOLD_TTL_S: must be more than CHECKOUT_PAYMENT_WINDOW_S + {limits.PAYMENT_SLACK_S} s, "
            "or shoppers lose held units while they pay."
        )
    return problems


def refuse_stand_in(settings: "Settings", what: str, mend: str) -> None:
    """Stop a command that production must not run, such as the sandbox or the demo catalogue.

    Raises: SettingsError saying what is refused and what mends it.
    """
    from config.settings import SettingsError  # noqa: PLC0415 - settings imports this file

    if settings.in_production:
        raise SettingsError([f"CHECKOUT_ENV: {what} is refused in production; {mend}."])


_REQUIRED = {
    "database_url": "the embedded Postgres is for development",
    "gate_url": "the embedded Valkey is for development",
    "broker_url": "the embedded Valkey is for development",
    "secret_key": "every node must sign with the same key",
    "pii_keys": "personal data is sealed under keys of its own",
    "pii_index_key": "addresses are found by a key of its own",
    "admin_email": "the first admin",
    "admin_password": "the first admin's password is not printed into production logs",
    "stripe_api_key": "there is no sandbox in production",
    "stripe_webhook_secret": "webhooks must be signed",
    "dhl_api_key": "there is no sandbox in production",
    "dhl_api_secret": "there is no sandbox in production",
    "dhl_account": "there is no sandbox in production",
    "dhl_webhook_secret": "tracking pushes must be signed",
    "smtp_host": "there is no mail sink in production",
    "mail_from": "mails need a sender of your own",
    "public_url": "links in mails must lead to the shop",
}
_NEVER_BY_DEFAULT = frozenset({"admin_email", "mail_from", "public_url"})
_SECRETS = frozenset(
    {
        "stripe_api_key",
        "stripe_webhook_secret",
        "dhl_api_key",
        "dhl_api_secret",
        "dhl_account",
        "dhl_webhook_secret",
    }
)


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",")]


def _addresses(settings: "Settings") -> list[str]:
    problems = []
    for name in ("public_url", "stripe_api_base", "dhl_api_base"):
        parts = urlsplit(getattr(settings, name))
        if parts.scheme == "http" and not (name == "public_url" and stays_here(parts.hostname or "")):
            problems.append(
                f"CHECKOUT_{name.upper()}: plain HTTP is refused in production; set an https:// address."
            )
        elif name != "public_url" and stays_here(parts.hostname or ""):
            problems.append(
                f"CHECKOUT_{name.upper()}: a stand-in on this machine is refused in production; "
                "set the provider's own address."
            )
    for name in () if settings.stores_plain else ("database_url", "replica_url", "gate_url", "broker_url"):
        if is_open(getattr(settings, name)):
            mend = (
                "add sslmode=verify-full"
                if name in ("database_url", "replica_url")
                else "set a rediss:// address"
            )
            problems.append(
                f"CHECKOUT_{name.upper()}: a connection in the clear to another machine is refused in production; {mend} "
                "(and CHECKOUT_STORES_CA), or set CHECKOUT_STORES_PLAIN to true where the network itself encrypts."
            )
    if not stays_here(settings.host) and not settings.trusted_proxies:
        problems.append(
            "CHECKOUT_HOST: plain HTTP to the outside is refused in production; listen on 127.0.0.1, or set "
            "CHECKOUT_TRUSTED_PROXIES to the networks of the proxies that end TLS."
        )
    if settings.smtp_host and not stays_here(settings.smtp_host) and not settings.smtp_starttls:
        problems.append(
            "CHECKOUT_SMTP_STARTTLS: mail in the clear to another machine is refused; set it to true."
        )
    return problems
