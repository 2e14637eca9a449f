"""One-time codes of an authenticator app, and the recovery codes for when it is lost.

Source: RFC 6238 (TOTP: SHA-1, 30 s, six digits, what every app knows), RFC 4226 (HOTP).
"""

import hmac
import secrets
from base64 import b32encode
from hashlib import blake2b
from urllib.parse import quote, urlencode

STEP_S = 30
DRIFT_STEPS = 1
DIGITS = 6
RECOVERY_CODES = 10
_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_RECOVERY_CHARS = 16


def new_secret() -> bytes:
    """A secret to share with the app: 160 bits."""
    return secrets.token_bytes(20)


def code_at(secret: bytes, step: int) -> str:
    """The six digits of this step of 30 s."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 0xF
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(secret: bytes, code: str, *, now_s: float) -> int | None:
    """The step whose code this is, at most DRIFT_STEPS away from now; None when it is of none.

    Compared in constant time. That a code is used once is the store's to hold: by the step.
    """
    now, found = int(now_s) // STEP_S, None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            found = step
    return found


def uri(secret: bytes, *, email: str, shop_name: str) -> str:
    """What an app reads from a QR code. Source: the Key URI format of Google Authenticator."""
    label = quote(f"{shop_name}:{email}", safe=":@")
    return (
        f"otpauth://totp/{label}?{urlencode({'secret': shown(secret), 'issuer': shop_name}, quote_via=quote)}"
    )


def shown(secret: bytes) -> str:
    """The secret as a person types it in."""
    return b32encode(secret).decode().rstrip("=")


def new_recovery_codes() -> list[str]:
    """Codes that each stand in for the app once: 78 bits each, shown once."""
    codes = [
        "".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_CHARS)) for _ in range(RECOVERY_CODES)
    ]
    return ["-".join((code[:4], code[4:8], code[8:12], code[12:])) for code in codes]


def recovery_digest(code: str) -> bytes:
    """What is stored of a recovery code; it has too many random bits to be found again from that."""
    plain = code.upper().replace("-", "").replace(" ", "")
    return blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=32, person=b"recovery-code").digest()
