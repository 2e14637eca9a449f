"""The ledger of the payment provider, read over its own API: the sandbox's as a stream, Stripe's by pages of its charges."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import aiohttp
import orjson

from checkout.audit.model import Charge, Ledger
from config.settings import Settings

_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=3, sock_read=30)
_PAGE = 100


class LedgerUnread(Exception):
    """The provider's ledger could not be read whole. Retry: safe."""


def ledger_of(settings: Settings) -> Ledger:
    """The ledger of the provider that these settings name."""
    if settings.stripe_api_base.startswith(settings.sandbox_url):
        return lambda: sandbox_ledger(settings.sandbox_url)
    return lambda: stripe_ledger(settings.stripe_api_base, settings.stripe_api_key)


async def sandbox_ledger(url: str) -> AsyncIterator[Charge]:
    """One element an order and currency. Raises: LedgerUnread."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, read_bufsize=2**20) as client,
            client.get(f"{url}/_sandbox/ledger") as response,
        ):
            response.raise_for_status()
            async for line in response.content:
                row = orjson.loads(line)
                yield Charge(
                    _uuid(row["order_id"]),
                    row["charges"],
                    row["charged"],
                    row["refunded"],
                    str(row.get("payment_intent") or row["order_id"]),
                )
    except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as error:
        raise LedgerUnread(f"the sandbox at {url} did not answer ({type(error).__name__})") from error


async def stripe_ledger(api_base: str, api_key: str) -> AsyncIterator[Charge]:
    """One element a successful charge. Raises: LedgerUnread. Source: Stripe's API, GET /v1/charges.

    Cost: one request per 100 charges.
    """
    after: dict[str, str] = {}
    headers = {"Authorization": f"Bearer {api_key}"}
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers) as client:
            while True:
                async with client.get(
                    f"{api_base.rstrip('/')}/v1/charges", params={"limit": str(_PAGE), **after}
                ) as response:
                    response.raise_for_status()
                    page = orjson.loads(await response.read())
                for charge in page["data"]:
                    if charge["status"] == "succeeded" and charge.get("captured", True):
                        yield _charge(charge)
                if not page["has_more"]:
                    return
                after = {"starting_after": page["data"][-1]["id"]}
    except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as error:
        raise LedgerUnread(f"Stripe's API at {api_base} did not answer ({type(error).__name__})") from error


def _charge(charge: dict[str, Any]) -> Charge:
    return Charge(
        _uuid((charge.get("metadata") or {}).get("order_id", "")),
        1,
        charge.get("amount_captured", charge["amount"]),
        charge.get("amount_refunded", 0),
        str(charge.get("payment_intent") or charge["id"]),
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
