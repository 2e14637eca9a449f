"""How one setting's text becomes a value: the metadata of a setting, and a parser for each kind of value."""

import binascii
import ipaddress
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

import msgspec

POLICIES = ("browse", "cart", "checkout", "login", "admin")
_PERIODS_S = {"second": 1, "minute": 60, "hour": 3600}
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_KEY_BYTES = 32
_KEY_NUMBER_MAX = 65_535
_KEYS = f"NUMBER:KEY, comma separated, NUMBER from 1 to {_KEY_NUMBER_MAX}, KEY of `openssl rand -base64 {_KEY_BYTES}`"
_PROXY_HOP = "a comma-separated list of addresses or networks, such as 10.0.0.0/8"


class RateLimit(msgspec.Struct, frozen=True):
    """So many requests per client in a period; the whole of it may come at once.

    Units: requests per `period_s` seconds.
    """

    requests: int
    period_s: int

    def __str__(self) -> str:
        unit = {seconds: name for name, seconds in _PERIODS_S.items()}[self.period_s]
        return f"{self.requests}/{unit}"


class Doc(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a setting beside its name, type and default.

    Shape: `kind` names the parser in PARSERS; `low` and `high` bound a number; `choices` closes a text.
    """

    help: str
    kind: str = "text"
    unit: str = ""
    secret: bool = False
    low: int | None = None
    high: int | None = None
    choices: tuple[str, ...] = ()
    default_text: str = ""


def parse(doc: Doc, text: str) -> Any:
    """Turn the text of one setting into its value.

    Raises: ValueError saying what is accepted.
    """
    return PARSERS[doc.kind](doc, text.strip())


def _text(doc: Doc, text: str) -> str:
    if doc.choices and text not in doc.choices:
        raise ValueError("one of " + ", ".join(doc.choices))
    if any(ord(character) < 32 for character in text):
        raise ValueError("text without control characters")
    return text


def _number(doc: Doc, text: str) -> int:
    low, high = doc.low or 0, doc.high if doc.high is not None else 2**31
    accepted = f"a whole number from {low} to {high}" + (f" ({doc.unit})" if doc.unit else "")
    if not re.fullmatch(r"[0-9]{1,10}", text) or not low <= int(text) <= high:
        raise ValueError(accepted)
    return int(text)


def _switch(doc: Doc, text: str) -> bool:
    lowered = text.lower()
    if lowered not in _TRUE | _FALSE:
        raise ValueError("true or false")
    return lowered in _TRUE


def _url(*schemes: str) -> Callable[[Doc, str], str]:
    accepted = "an address that begins with " + " or ".join(f"{scheme}://" for scheme in schemes)

    def read(doc: Doc, text: str) -> str:
        try:
            parts = urlsplit(text)
            _ = parts.port
        except ValueError:
            raise ValueError(accepted) from None
        local = parts.scheme == "unix" or "host=" in parts.query
        if parts.scheme not in schemes or not (parts.hostname or local):
            raise ValueError(accepted)
        return text.rstrip("/") if parts.scheme in {"http", "https"} else text

    return read


def _email(doc: Doc, text: str) -> str:
    address = parseaddr(text)[1]
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", address) or any(ord(character) < 32 for character in text):
        raise ValueError('an e-mail address, such as shop@example.com or "Shop <shop@example.com>"')
    return text


def _country(doc: Doc, text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", text):
        raise ValueError("an ISO 3166 country code in capitals, such as DE")
    return text


def _networks(doc: Doc, text: str) -> tuple[str, ...]:
    try:
        return tuple(str(ipaddress.ip_network(part.strip())) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError(_PROXY_HOP) from None


def _list(doc: Doc, text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def rate(text: str) -> RateLimit:
    """Read a rate such as `10/second`.

    Raises: ValueError saying what is accepted.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,8})\s*/\s*(second|minute|hour)", text)
    if not match:
        raise ValueError(f'rates such as "10/second", "10/minute" or "10/hour"; {text!r} is not one')
    return RateLimit(int(match[1]), _PERIODS_S[match[2]])


def keys(text: str) -> tuple[tuple[int, bytes], ...]:
    """Read numbered keys such as `2:BASE64,1:BASE64`, the one that seals first.

    Raises: ValueError saying what is accepted.
    """
    found: dict[int, bytes] = {}
    for part in text.split(","):
        number, colon, encoded = part.strip().partition(":")
        if not colon or not re.fullmatch(r"[1-9][0-9]{0,4}", number) or int(number) > _KEY_NUMBER_MAX:
            raise ValueError(_KEYS)
        if int(number) in found:
            raise ValueError(f"each number once, and {number} is there twice")
        found[int(number)] = key(encoded)
    return tuple(found.items())


def key(text: str) -> bytes:
    """Read a key of 32 bytes, in base64. Raises: ValueError saying what is accepted."""
    try:
        found = b64decode(text.strip(), validate=True)
    except binascii.Error:
        found = b""
    if len(found) != _KEY_BYTES:
        raise ValueError(f"{_KEY_BYTES} bytes in base64, as `openssl rand -base64 {_KEY_BYTES}` makes them")
    return found


def _keys(doc: Doc, text: str) -> str:
    keys(text)
    return text


def _key(doc: Doc, text: str) -> str:
    key(text)
    return text


def shown(value: object) -> str:
    """A setting's value as text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, Mapping):
        return msgspec.json.encode({key: str(item) for key, item in value.items()}).decode()
    return str(value)


DEFAULT_RATES: Mapping[str, RateLimit] = {
    "browse": rate("200/second"),
    "cart": rate("50/second"),
    "checkout": rate("10/second"),
    "login": rate("10/minute"),
    "admin": rate("50/second"),
}


def _rates(doc: Doc, text: str) -> dict[str, RateLimit]:
    try:
        given = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError:
        raise ValueError('a JSON object of policy and rate, such as {"checkout": "10/second"}') from None
    for policy in given:
        if policy not in POLICIES:
            raise ValueError(f"policies {', '.join(POLICIES)}; {policy!r} is not one")
    return {**DEFAULT_RATES, **{policy: rate(value) for policy, value in given.items()}}


PARSERS: Mapping[str, Callable[[Doc, str], Any]] = {
    "text": _text,
    "number": _number,
    "switch": _switch,
    "postgres": _url("postgresql", "postgres"),
    "redis": _url("redis", "rediss", "unix"),
    "http": _url("http", "https"),
    "email": _email,
    "country": _country,
    "networks": _networks,
    "list": _list,
    "rates": _rates,
    "key": _key,
    "keys": _keys,
}
