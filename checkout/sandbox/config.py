"""What the sandbox is started with: explicit values, so that tests need no environment."""

from pathlib import Path
from typing import Protocol

import msgspec


class SandboxConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Shape: port 0 takes a free one; an empty webhook URL keeps events without sending them."""

    data_dir: Path
    http_port: int = 8090
    smtp_port: int = 8091
    stripe_api_key: str = "sk_test_sandbox"
    stripe_webhook_secret: str = "whsec_sandbox"
    stripe_webhook_url: str = ""
    dhl_api_key: str = "sandbox"
    dhl_api_secret: str = "sandbox"
    dhl_account: str = "123456789"
    dhl_webhook_secret: str = "dhl_sandbox"
    dhl_webhook_url: str = ""


class _Settings(Protocol):
    """The settings that the sandbox reads."""

    @property
    def data_dir(self) -> Path: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def sandbox_port(self) -> int: ...
    @property
    def smtp_port(self) -> int: ...
    @property
    def smtp_host(self) -> str: ...
    @property
    def stripe_api_key(self) -> str: ...
    @property
    def stripe_webhook_secrets(self) -> tuple[str, ...]: ...
    @property
    def dhl_api_key(self) -> str: ...
    @property
    def dhl_api_secret(self) -> str: ...
    @property
    def dhl_account(self) -> str: ...
    @property
    def dhl_webhook_secrets(self) -> tuple[str, ...]: ...


def from_settings(settings: _Settings) -> SandboxConfig:
    """The sandbox as the shop's own settings expect it: same keys, webhooks to this machine's `serve`."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    shop = f"http://{host}:{settings.port}/v1/webhooks"
    own_mail = settings.smtp_host == "127.0.0.1" and settings.smtp_port
    smtp_port = settings.smtp_port if own_mail else (settings.sandbox_port and settings.sandbox_port + 1)
    return SandboxConfig(
        data_dir=settings.data_dir,
        http_port=settings.sandbox_port,
        smtp_port=smtp_port,
        stripe_api_key=settings.stripe_api_key,
        stripe_webhook_secret=(settings.stripe_webhook_secrets or ("whsec_sandbox",))[0],
        stripe_webhook_url=f"{shop}/stripe",
        dhl_api_key=settings.dhl_api_key,
        dhl_api_secret=settings.dhl_api_secret,
        dhl_account=settings.dhl_account,
        dhl_webhook_secret=(settings.dhl_webhook_secrets or ("dhl_sandbox",))[0],
        dhl_webhook_url=f"{shop}/dhl",
    )
