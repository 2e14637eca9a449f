"""How a store is reached: whom its certificate is checked by, and whether a connection to it could be read on the way."""

import ipaddress
import ssl
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_POSTGRES = ("postgresql", "postgres")
_CHECKED = ("verify-ca", "verify-full")


def with_authority(url: str, ca: str) -> str:
    """The URL with the authorities that may sign the store's certificate: those of `ca`, or the system's.

    A URL that names its own, or is not for TLS, stays as it is. asyncpg, redis-py and the lane read them from there.
    """
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    given = dict(query)
    if parts.scheme in _POSTGRES:
        name, wanted = "sslrootcert", given.get("sslmode") in _CHECKED
        ca = ca or ssl.get_default_verify_paths().cafile or ""  # libpq's own default is no system's
    else:
        name, wanted = "ssl_ca_certs", parts.scheme == "rediss"
    if not wanted or not ca or name in given:
        return url
    return urlunsplit(parts._replace(query=urlencode([*query, (name, ca)])))


def is_open(url: str) -> bool:
    """Whether somebody between could read or answer: no TLS with a checked name, and not on this machine."""
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query))
    if parts.scheme in _POSTGRES:
        secured = given.get("sslmode") == "verify-full"
    else:
        secured = parts.scheme in ("rediss", "unix") and given.get("ssl_cert_reqs", "required") == "required"
    return not secured and not all(stays_here(host) for host in _hosts(parts.netloc, given.get("host", "")))


def stays_here(host: str) -> bool:
    """Whether a host name, address or socket's path stays on this machine."""
    if host in {"localhost", ""} or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _hosts(netloc: str, named: str) -> list[str]:
    """Every host of a URL: Postgres takes several."""
    whole = netloc.rpartition("@")[2]
    hosts = [urlsplit(f"//{one}").hostname or "" for one in whole.split(",")] if whole else []
    return hosts + (named.split(",") if named else [])
