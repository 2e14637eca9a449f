"""What the account routes answer, for the OpenAPI document."""

from msgspec import Struct


class Session(Struct, frozen=True):
    """What a signed-in caller gets. Units: `expires_in` s, of the access token."""

    access_token: str
    refresh_token: str
    expires_in: int


class Asked(Struct, frozen=True):
    """The request was taken; what comes of it is in a mail. The same whether the address has an account or not."""

    status: str
    detail: str


class Verified(Struct, frozen=True):
    """The account is there now. Shape: `orders` counts the guest orders of its address that became its own."""

    status: str
    orders: int


class Enrolment(Struct, frozen=True):
    """A second factor that waits to be confirmed. Shape: `uri` is for a QR code, `secret` for typing in (base 32)."""

    secret: str
    uri: str


class RecoveryCodes(Struct, frozen=True):
    """Each signs in once in place of the app. They are shown this once."""

    recovery_codes: list[str]
