"""Stripe's parameters, read strictly: unknown names, bad numbers, currencies and amounts are refused as Stripe does."""

from collections.abc import Set as AbstractSet
from typing import Any

from checkout.sandbox.stripe_objects import Document, invalid

# Least charge by currency, in minor units. Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
LEAST = {
    "usd": 50, "eur": 50, "gbp": 30, "inr": 50, "chf": 50, "aud": 50, "cad": 50, "jpy": 50, "brl": 50, "mxn": 1000,
    "nok": 300, "sek": 300, "dkk": 250, "pln": 200, "czk": 1500, "huf": 17500, "ron": 200, "hkd": 400, "sgd": 50,
    "nzd": 50, "aed": 200, "krw": 100, "vnd": 10000, "clp": 500, "kwd": 1000, "bhd": 1000, "jod": 1000, "omr": 1000,
    "tnd": 1000, "thb": 1000, "myr": 200, "zar": 100, "ils": 100, "try": 100, "isk": 100, "xof": 100, "xaf": 100,
}  # fmt: skip
THREE_DECIMALS = frozenset({"kwd", "bhd", "jod", "omr", "tnd"})
MOST = 99_999_999


def check(params: Document, allowed: AbstractSet[str]) -> None:
    """Refuse parameters that the operation does not know. Raises: StripeError 400 `parameter_unknown`."""
    for name in params:
        if name not in allowed:
            raise invalid(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def text(params: Document, name: str) -> str:
    """A text that must be there. Raises: StripeError 400 `parameter_missing`."""
    value = params.get(name)
    if value is None or value == "":
        raise invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {name}", param=name)
    return value


def integer(params: Document, name: str, default: int | None = None) -> int:
    """A whole number. Raises: StripeError 400 `parameter_missing` or `parameter_invalid_integer`."""
    if name not in params and default is not None:
        return default
    value = text(params, name)
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
        raise invalid(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    return int(value)


def truth(params: Document, name: str) -> bool:
    """true or false, false when absent. Raises: StripeError 400."""
    value = params.get(name, "false")
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", param=name)
    return bool(value == "true")


def amount_of(params: Document) -> int:
    """The amount, within what Stripe takes of the currency. Raises: StripeError 400."""
    amount = integer(params, "amount")
    currency = text(params, "currency").lower()
    least = LEAST.get(currency)
    if least is None:
        raise invalid(f"Invalid currency: {currency}.", param="currency")
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount < least:
        raise invalid(
            f"Amount must be no less than {least} in the currency's smallest unit ({currency}).",
            code="amount_too_small",
            param="amount",
        )
    if amount > MOST:
        raise invalid(f"Amount must be no more than {MOST}.", code="amount_too_large", param="amount")
    if currency in THREE_DECIMALS and amount % 10:
        raise invalid("Amounts of this currency must end in 0.", code="invalid_charge_amount", param="amount")
    return amount


def page_of(params: Document) -> tuple[int, str | None, tuple[int, int]]:
    """Limit, cursor and span of a list. Raises: StripeError 400."""
    limit = integer(params, "limit", 10)
    if not 1 <= limit <= 100:
        raise invalid(
            "This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit"
        )
    created: Any = params.get("created", {})
    low, high = 0, 1 << 62
    if isinstance(created, dict):
        check(created, {"gt", "gte", "lt", "lte"})
        low = max(integer(created, "gte", low), integer(created, "gt", low - 1) + 1)
        high = min(integer(created, "lte", high), integer(created, "lt", high + 1) - 1)
    else:
        low = high = integer(params, "created")
    return limit, params.get("starting_after"), (low, high)
