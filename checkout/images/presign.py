"""Addresses that take one upload: S3's query-string authentication, for any store that speaks it.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html (AWS Signature Version 4).
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from msgspec import Struct

_SCHEME = "AWS4-HMAC-SHA256"


class Key(Struct, frozen=True):
    """An access key. `secret` never leaves the process."""

    id: str
    secret: str
    region: str


def presigned(
    method: str,
    url: str,
    key: Key,
    *,
    at: datetime,
    expires_s: int,
    headers: Mapping[str, str] | None = None,
) -> str:
    """The address with a signature that is good for this method, path and these header fields until it expires.

    Shape: `url` without a query; whoever uses the address must send `headers` as they are. The body is not signed.
    """
    parts = urlsplit(url)
    moment = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{key.region}/s3/aws4_request"
    signed = {
        "host": parts.netloc,
        **{name.lower(): value.strip() for name, value in (headers or {}).items()},
    }
    names = ";".join(sorted(signed))
    query = "&".join(
        f"{_encoded(name)}={_encoded(value)}"
        for name, value in sorted(
            {
                "X-Amz-Algorithm": _SCHEME,
                "X-Amz-Credential": f"{key.id}/{scope}",
                "X-Amz-Date": moment,
                "X-Amz-Expires": str(expires_s),
                "X-Amz-SignedHeaders": names,
            }.items()
        )
    )
    path = quote(parts.path or "/", safe="/-_.~%")
    fields = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    canonical = "\n".join((method, path, query, fields, names, "UNSIGNED-PAYLOAD"))
    to_sign = "\n".join((_SCHEME, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = _hmac(_signing_key(key, moment[:8]), to_sign).hex()
    return f"{parts.scheme}://{parts.netloc}{path}?{query}&X-Amz-Signature={signature}"


def _signing_key(key: Key, day: str) -> bytes:
    secret = f"AWS4{key.secret}".encode()
    for part in (day, key.region, "s3", "aws4_request"):
        secret = _hmac(secret, part)
    return secret


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
