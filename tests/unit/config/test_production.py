"""What production refuses, and that each refusal names the setting that mends it."""

import pytest

from config import limits
from config.production import SANDBOX_STRIPE_KEY, refuse_stand_in
from config.settings import SettingsError, load

GOOD = {
    "CHECKOUT_ENV": "production",
    "CHECKOUT_DATABASE_URL": "postgresql://shop:x@db.internal/shop?sslmode=verify-full",
    "CHECKOUT_GATE_URL": "rediss://gate.internal:6379/0",
    "CHECKOUT_BROKER_URL": "rediss://broker.internal:6379/0",
    "CHECKOUT_SECRET_KEY": "k" * 40,
    "CHECKOUT_PII_KEYS": "2:" + "ME" * 21 + "0=, 1:" + "TE" * 21 + "0=",
    "CHECKOUT_PII_INDEX_KEY": "SE" * 21 + "0=",
    "CHECKOUT_ADMIN_EMAIL": "ops@shop.example",
    "CHECKOUT_ADMIN_PASSWORD": "correct horse battery",
    "CHECKOUT_STRIPE_API_KEY": "sk_live_1",
    "CHECKOUT_STRIPE_WEBHOOK_SECRET": "whsec_live",
    "CHECKOUT_DHL_API_KEY": "user",
    "CHECKOUT_DHL_API_SECRET": "password",
    "CHECKOUT_DHL_ACCOUNT": "300000000",
    "CHECKOUT_DHL_WEBHOOK_SECRET": "push",
    "CHECKOUT_SMTP_HOST": "mail.internal",
    "CHECKOUT_MAIL_FROM": "Shop <orders@shop.example>",
    "CHECKOUT_PUBLIC_URL": "https://shop.example",
    "CHECKOUT_DATA_DIR": "/var/lib/checkout",
}


def test_a_complete_production_is_accepted() -> None:
    """If this fails, production cannot be started at all."""
    settings = load(GOOD)
    assert settings.in_production
    assert not settings.uses_sandbox
    assert settings.stripe_api_base == "https://api.stripe.com"
    assert settings.log_format == "json"
    assert settings.smtp_starttls


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"CHECKOUT_ENV", "CHECKOUT_DATA_DIR"}))
def test_what_is_missing_is_named(name: str) -> None:
    """If this fails, production starts on a default: an embedded store, a stand-in or an example address."""
    with pytest.raises(SettingsError, match=f"^{name}: must be set in production"):
        load({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("CHECKOUT_STRIPE_API_KEY", SANDBOX_STRIPE_KEY, "well-known value"),
        ("CHECKOUT_STRIPE_WEBHOOK_SECRET", "whsec_live,whsec_sandbox", "well-known value"),
        ("CHECKOUT_STRIPE_API_BASE", "http://127.0.0.1:8090", "plain HTTP is refused"),
        ("CHECKOUT_STRIPE_API_BASE", "https://127.0.0.1:8090", "a stand-in on this machine"),
        ("CHECKOUT_DHL_API_BASE", "http://express.api.dhl.com", "plain HTTP is refused"),
        ("CHECKOUT_PUBLIC_URL", "http://shop.example", "plain HTTP is refused"),
        ("CHECKOUT_DATABASE_URL", "postgresql://shop@db.internal/shop", "in the clear"),
        (
            "CHECKOUT_DATABASE_URL",
            "postgresql://shop@db.internal/shop?sslmode=require",
            "sslmode=verify-full",
        ),
        ("CHECKOUT_DATABASE_URL", "postgresql://shop@127.0.0.1,db.internal/shop", "in the clear"),
        ("CHECKOUT_GATE_URL", "redis://gate.internal:6379/0", "CHECKOUT_STORES_PLAIN"),
        ("CHECKOUT_BROKER_URL", "rediss://broker.internal?ssl_cert_reqs=none", "in the clear"),
        ("CHECKOUT_STORES_CA", "/nowhere/ca.pem", "there is no file"),
        ("CHECKOUT_HOST", "0.0.0.0", "CHECKOUT_TRUSTED_PROXIES"),
        ("CHECKOUT_SMTP_STARTTLS", "false", "in the clear"),
        ("CHECKOUT_SECRET_KEY", "short", "random characters"),
        ("CHECKOUT_ADMIN_PASSWORD", "short", f"at least {limits.PASSWORD_MIN_CHARS} characters"),
        ("CHECKOUT_HOLD_TTL_S", "900", "CHECKOUT_PAYMENT_WINDOW_S"),
    ],
)
def test_what_is_unsafe_is_refused(name: str, value: str, why: str) -> None:
    """If this fails, production runs with a stand-in, a public secret or in the clear."""
    with pytest.raises(SettingsError) as caught:
        load({**GOOD, name: value})
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(f"{name}: ")
    assert why in caught.value.problems[0]


def test_a_bare_production_lists_everything_at_once() -> None:
    """If this fails, the way to production is one refusal after another."""
    with pytest.raises(SettingsError) as caught:
        load({"CHECKOUT_ENV": "production", "CHECKOUT_DATA_DIR": "/var/lib/checkout"})
    assert len(caught.value.problems) == len(GOOD) - 2


def test_stand_in_commands_are_refused_only_in_production() -> None:
    """If this fails, `checkout sandbox` or the demo catalogue runs in production, or nowhere."""
    with pytest.raises(
        SettingsError, match="the sandbox is refused in production; set CHECKOUT_STRIPE_API_BASE"
    ):
        refuse_stand_in(load(GOOD), "the sandbox", "set CHECKOUT_STRIPE_API_BASE")
    refuse_stand_in(load({"CHECKOUT_SECRET_KEY": "x"}), "the sandbox", "set CHECKOUT_STRIPE_API_BASE")
