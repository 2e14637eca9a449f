"""What callers may say about accounts. Unknown fields are refused."""

from typing import Annotated

from msgspec import Meta, Struct

from checkout.kit.form import form
from config import limits

Email = Annotated[
    str,
    form(r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$", "your e-mail address", max_length=limits.EMAIL_MAX_CHARS),
]
NewEmail = Annotated[
    str,
    form(
        r"^[^@\s,;<>\x00-\x1f]+@[^@\s,;<>\x00-\x1f]+\.[^@\s,;<>\x00-\x1f]+$",
        "one e-mail address, such as ada@example.com",
        max_length=limits.EMAIL_MAX_CHARS,
    ),
]
Password = Annotated[str, Meta(min_length=1, max_length=limits.PASSWORD_MAX_CHARS)]
Name = Annotated[
    str,
    form(
        r"^[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s][^\x00-\x1f\x7f]*$",
        "a name in one line",
        max_length=limits.TEXT_MAX_CHARS,
    ),
]
Token = Annotated[str, Meta(min_length=1, max_length=200)]
Code = Annotated[str, Meta(min_length=6, max_length=24)]


class Credentials(Struct, forbid_unknown_fields=True, frozen=True):
    """Who signs in; `otp` is a code of the authenticator app, or a recovery code, of accounts that ask for one."""

    email: Email
    password: Password
    otp: Code | None = None


class Renewal(Struct, forbid_unknown_fields=True, frozen=True):
    """A refresh token; it works once."""

    refresh_token: Token


class Registration(Struct, forbid_unknown_fields=True, frozen=True):
    """`POST /v1/accounts`."""

    email: NewEmail
    password: Password
    name: Name | None = None
    marketing_email: bool = False


class LinkToken(Struct, forbid_unknown_fields=True, frozen=True):
    """What the link in the mail carries."""

    token: Token


class ResetWish(Struct, forbid_unknown_fields=True, frozen=True):
    """`POST /v1/password-resets`."""

    email: Email


class NewPassword(Struct, forbid_unknown_fields=True, frozen=True):
    """`POST /v1/password-resets/confirm`."""

    token: Token
    password: Password


class PasswordChange(Struct, forbid_unknown_fields=True, frozen=True):
    """`POST /v1/me/password`: the old one, and the new one."""

    current_password: Password
    new_password: Password


class PasswordOnly(Struct, forbid_unknown_fields=True, frozen=True):
    """The account's password, for what a stolen access token alone must not do."""

    password: Password


class CodeOnly(Struct, forbid_unknown_fields=True, frozen=True):
    """A code of the authenticator app."""

    code: Code
