"""Posts to addresses that subscribers gave us. In production only to public ones, never into our network."""

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from config import limits

_TIMEOUT = aiohttp.ClientTimeout(total=limits.PROVIDER_TIMEOUT_S, connect=limits.PROVIDER_CONNECT_TIMEOUT_S)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_global
    except ValueError:
        return False


def refusal(url: str, *, public_only: bool) -> str | None:
    """Why nothing may be posted to this address, or None. Names are looked up only when something is sent."""
    try:
        parsed = urlsplit(url)
        host, port = parsed.hostname, parsed.port
    except ValueError:
        host, port = None, None
    if not host or port == 0 or parsed.scheme not in ("http", "https") or parsed.username is not None:
        return "an http or https address without a user name"
    if public_only:
        if parsed.scheme != "https":
            return "an https address"
        literal = host.replace(".", "").isdigit() or ":" in host
        if host == "localhost" or (literal and not is_public(host)):
            return "a public address"
    return None


class _Public(AbstractResolver):
    """Resolves a name to its public addresses alone. Raises: OSError when it has none."""

    def __init__(self) -> None:
        self._inner = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = [one for one in await self._inner.resolve(host, port, family) if is_public(one["host"])]
        if not found:
            raise OSError(f"{host} has no public address")
        return found

    async def close(self) -> None:
        await self._inner.close()


class Poster:
    """Posts over one keep-alive pool, follows no redirect."""

    def __init__(self, *, public_only: bool) -> None:
        self._public_only = public_only
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The answer's status. Raises: OSError, aiohttp.ClientError, TimeoutError without one."""
        reason = refusal(url, public_only=self._public_only)
        if reason is not None:
            raise OSError(f"needs {reason}")
        if self._session is None:
            resolver = _Public() if self._public_only else None
            connector = aiohttp.TCPConnector(limit=limits.PROVIDER_CONCURRENCY, resolver=resolver)
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT, connector=connector)
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            return answer.status

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
