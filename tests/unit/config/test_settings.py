"""Settings: what is read, what is refused, and in which words."""

import stat
from pathlib import Path

import pytest

from config import limits
from config.settings import DOCS, PREFIX, RateLimit, SettingsError, describe, load, read


@pytest.fixture
def folder(tmp_path: Path) -> dict[str, str]:
    """An environment that names only a data folder."""
    return {"CHECKOUT_DATA_DIR": str(tmp_path / "data")}


def test_defaults_need_no_setting(folder: dict[str, str]) -> None:
    """If this fails, a newcomer's first start needs settings."""
    settings = load(folder)
    assert (settings.env, settings.host, settings.port) == ("development", "127.0.0.1", 8080)
    assert settings.database_url == settings.gate_url == settings.broker_url == ""
    assert settings.uses_sandbox
    assert settings.stripe_api_base == settings.sandbox_url
    assert settings.smtp_port == settings.sandbox_port + 1
    assert settings.public_url == "http://127.0.0.1:8080"
    assert 1 <= settings.processes <= limits.PROCESSES_MAX
    assert settings.data_dir.is_absolute()


def test_the_environment_is_read_by_name(folder: dict[str, str]) -> None:
    """If this fails, an operator's choice is ignored."""
    settings = load(
        {
            **folder,
            "HOME": "/nowhere",
            "CHECKOUT_PORT": "9000",
            "CHECKOUT_ACCESS_LOG": "yes",
            "CHECKOUT_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "CHECKOUT_STRIPE_WEBHOOK_SECRET": "whsec_new, whsec_old",
            "CHECKOUT_DATABASE_URL": "postgresql://shop@/shop?host=/run/postgresql",
            "CHECKOUT_GATE_URL": "unix:///run/gate.sock?db=0",
            "CHECKOUT_RATE_LIMITS": '{"checkout": "3/minute"}',
            "CHECKOUT_SMTP_HOST": "",
        }
    )
    assert settings.port == 9000
    assert settings.access_log is True
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1/128")
    assert settings.stripe_webhook_secrets == ("whsec_new", "whsec_old")
    assert settings.rate_limits["checkout"] == RateLimit(3, 60)
    assert settings.rate_limits["browse"] == RateLimit(200, 1)
    assert settings.smtp_host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CHECKOUT_PROT", "CHECKOUT_PORT"),
        ("CHECKOUT_DATABASE_URI", "CHECKOUT_DATABASE_URL"),
        ("CHECKOUT_RATE_LIMIT", "CHECKOUT_RATE_LIMITS"),
        ("CHECKOUT_STRIPE_KEY", "CHECKOUT_STRIPE_API_KEY"),
        ("CHECKOUT_port", "CHECKOUT_PORT"),
    ],
)
def test_an_unknown_name_stops_the_start_with_a_suggestion(
    folder: dict[str, str], name: str, meant: str
) -> None:
    """If this fails, a misspelt setting silently does nothing."""
    with pytest.raises(SettingsError, match=f"{name}: no such setting; did you mean {meant}\\?"):
        load({**folder, name: "1"})


@pytest.mark.parametrize(
    ("name", "text", "accepted"),
    [
        ("ENV", "prod", "development, test, production"),
        ("PORT", "80a", "0 to 65535"),
        ("PORT", "65536", "0 to 65535"),
        ("PORT", "-1", "0 to 65535"),
        ("PROCESSES", "0", f"1 to {limits.PROCESSES_MAX}"),
        ("PROCESSES", "1.5", "whole number"),
        ("DATABASE_URL", "mysql://shop/x", "postgresql://"),
        ("GATE_URL", "http://shop", "redis://"),
        ("BROKER_URL", "redis://", "redis://"),
        ("STRIPE_API_BASE", "api.stripe.com", "https://"),
        ("STRIPE_API_BASE", "http://shop:port", "https://"),
        ("ADMIN_EMAIL", "nobody", "e-mail"),
        ("SHOP_COUNTRY", "Germany", "ISO 3166"),
        ("SMTP_STARTTLS", "maybe", "true or false"),
        ("TRUSTED_PROXIES", "10.0.0.0/99", "networks"),
        ("LOG_LEVEL", "loud", "debug, info"),
        ("LOG_FORMAT", "xml", "console, json"),
        ("RATE_LIMITS", "10/second", "JSON object"),
        ("RATE_LIMITS", '{"browse": 3}', "JSON object"),
        ("RATE_LIMITS", '{"brows": "3/second"}', "policies browse"),
        ("RATE_LIMITS", '{"browse": "0/second"}', "10/second"),
        ("RATE_LIMITS", '{"browse": "3/day"}', "10/second"),
        ("HOLD_TTL_S", "0", "1 to"),
        ("PAYMENT_WINDOW_S", "999999999", "1 to"),
        ("SHOP_NAME", "a\nb", "control characters"),
    ],
)
def test_a_bad_value_names_the_setting_and_what_is_accepted(
    folder: dict[str, str], name: str, text: str, accepted: str
) -> None:
    """If this fails, a bad value starts the shop with a default, or stops it without saying why."""
    with pytest.raises(SettingsError) as caught:
        load({**folder, PREFIX + name: text})
    assert str(caught.value).startswith(f"{PREFIX}{name}: ")
    assert accepted in str(caught.value)


def test_every_problem_is_told_at_once(folder: dict[str, str]) -> None:
    """If this fails, an operator mends one setting only to meet the next problem."""
    with pytest.raises(SettingsError) as caught:
        load({**folder, "CHECKOUT_PORT": "x", "CHECKOUT_PROT": "1", "CHECKOUT_LOG_LEVEL": "x"})
    assert len(caught.value.problems) == 3


def test_a_bad_secret_is_not_printed(folder: dict[str, str]) -> None:
    """If this fails, a password appears in a terminal or a log."""
    _, problems = read({**folder, "CHECKOUT_DATABASE_URL": "mysql://shop:hunter2@db/shop"})
    assert "hunter2" not in "".join(problems)


def test_the_secret_key_is_made_once_and_private(folder: dict[str, str]) -> None:
    """If this fails, tokens stop working at each restart, or others can read the key that signs them."""
    first, second = load(folder), load(folder)
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= limits.SECRET_KEY_MIN_CHARS
    kept = first.data_dir / "secret_key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert list(first.data_dir.iterdir()) == [kept]


def test_a_data_folder_that_cannot_be_written_is_explained() -> None:
    """If this fails, a read-only disk shows as a traceback."""
    with pytest.raises(SettingsError, match=r"CHECKOUT_DATA_DIR: .*set CHECKOUT_SECRET_KEY"):
        load({"CHECKOUT_DATA_DIR": "/proc/nowhere"})


def test_the_list_shows_every_setting_and_no_secret(folder: dict[str, str]) -> None:
    """If this fails, `checkout settings` leaves a setting out or shows a secret."""
    rows = describe(load({**folder, "CHECKOUT_STRIPE_API_KEY": "sk_live_hunter2"}))
    assert {row.name for row in rows} == {PREFIX + name.upper() for name in DOCS}
    assert all(row.help for row in rows)
    assert "hunter2" not in "".join(row.value for row in rows)
