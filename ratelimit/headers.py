"""The fields that tell a client where it stands.

Source: draft-ietf-httpapi-ratelimit-headers-10 (RateLimit, RateLimit-Policy); RFC 9110, section 10.2.3 (Retry-After).
"""

import random

from config import limits


def rate_limit(policy: str, remaining: int, reset_ms: int) -> str:
    """The RateLimit field's value. Units: the field counts seconds, rounded up."""
    return f'"{policy}";r={remaining};t={-(-reset_ms // 1000)}'


def retry_after(retry_ms: int) -> str:
    """The Retry-After field's value: whole seconds, at least one."""
    return str(max(1, -(-retry_ms // 1000)))


def jittered_ms(low_s: float = limits.RETRY_AFTER_MIN_S, high_s: float = limits.RETRY_AFTER_MAX_S) -> int:
    """A pause spread over the range, so that the refused do not come back together. Units: ms."""
    return int(random.uniform(low_s, high_s) * 1000)
